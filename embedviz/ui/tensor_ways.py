"""Ways to bring tensors: pasted numbers, a file, an instance typed."""

from __future__ import annotations

import streamlit as st

from embedviz.errors import EmbedvizError
from embedviz.modalities.brought import Brought
from embedviz.modalities.tensors import tensors_from_file, tensors_from_text
from embedviz.records import Reads
from embedviz.ui.look import main_button
from embedviz.ui.refusal import attempt
from embedviz.ui.state import State
from embedviz.ui.words import count, escape

_FILE_TYPES = ["npy", "npz", "csv", "tsv", "txt", "json", "jsonl", "parquet"]


def example(reads: Reads) -> str:
    """An instance as a person may type it: "[[1, 2, 3], [4, 5, 6]]", cut where it would be long."""
    sizes = [3 if axis is None else axis for axis in reads.shape]
    whole = reads.dtype.startswith("int")

    def made(place: int) -> str:
        if place == len(sizes):
            return "1" if whole else "0.5"
        shown = min(sizes[place], 3)
        inner = ", ".join(made(place + 1) for _ in range(shown))
        return f"[{inner}{', …' if sizes[place] > shown else ''}]"

    return made(0)


def paste(state: State, reads: Reads) -> None:
    text = st.text_area(
        "Numbers, one instance a line, or as JSON",
        key="pasted_tensors",
        height=140,
        placeholder=example(reads),
        help="As JSON, a list of instances or a single one; else one instance a line, its numbers with commas or "
        "spaces between them, and a label behind a tab.",
        persist_state="session",
    )
    pressed = st.button("Use these numbers", key="use_numbers", width="stretch")

    def use() -> None:
        state.use(tensors_from_text(text or "", reads, "pasted numbers").instances)

    attempt(state, "numbers", text, pressed, use)


def file(state: State, reads: Reads) -> None:
    uploaded = st.file_uploader(
        "NPY, NPZ, CSV, JSON or Parquet",
        type=_FILE_TYPES,
        key="tensors_file",
        help="One row, or one array along the first axis, is an instance.",
    )
    if uploaded is None:
        st.caption(escape(f"One instance a row, {reads.text} each; a column of labels beside it."))
        return
    try:
        brought = tensors_from_file(uploaded.getvalue(), uploaded.name, reads)
    except EmbedvizError as error:
        st.error(escape(error))
        return
    _told(brought)
    label = f"Use {count(len(brought.instances), 'instance')}"
    if st.button(label, key="use_tensors", type=main_button(), width="stretch"):
        state.use(brought.instances)


def _told(brought: Brought) -> None:
    for note in brought.notes:
        st.caption(f":material/info: {escape(note)}")


def typed(state: State, reads: Reads) -> None:
    """Add an instance to the set."""
    with st.form("type_tensor", clear_on_submit=False, border=False):
        text = st.text_input(
            "Add an instance of your own",
            key="typed_tensor",
            placeholder=example(reads),
            help="Its numbers, separated by commas. It joins the set, and the map is drawn with it.",
        )
        added = st.form_submit_button("Add", width="stretch")

    def add() -> None:
        *others, last = tensors_from_text(text, reads).instances.items
        state.own = (*state.own, *others)
        state.add(last)

    attempt(state, "own numbers", text, added and text and text.strip(), add)
