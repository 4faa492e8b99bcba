"""What the checkpoint reads, and a person's correction of it."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from embedviz.checkpoints.inputs import check_given
from embedviz.records import Reads
from embedviz.ui.look import main_button
from embedviz.ui.opened import Opened
from embedviz.ui.refusal import attempt
from embedviz.ui.remedies import reopen
from embedviz.ui.state import State
from embedviz.ui.words import escape

_MODALITIES = {"images": "pictures", "tensors": "tensors", "text": "texts"}
_DTYPES = {"float32": "numbers", "int64": "whole numbers"}
_AXES = {0: "first", 1: "second", 2: "third"}


def reads_choice(state: State, opened: Opened) -> None:
    """Say what the model reads, and let a person correct it; of most models of texts there is nothing to correct."""
    if opened.reads.modality == "text" and not opened.towers and not state.source.options.inputs:
        return
    st.caption(f"This model reads {escape(opened.reads.text)} ({escape(opened.reads.why)}).")
    with st.popover(
        "It reads something else",
        width="stretch",
        help="Where the model was taken for one that reads something else: say what it reads.",
    ):
        _form(state, opened)


def _form(state: State, opened: Opened) -> None:
    reads = opened.reads
    with st.form(f"reads_{opened.fingerprint[:12]}_{hash(reads)}", border=False):
        if opened.towers:
            names = [name for name in _MODALITIES if name != "tensors"]
        else:
            names = [name for name in _MODALITIES if name != "text" or reads.modality == "text"]
        modality = st.selectbox(
            "What",
            names,
            index=names.index(reads.modality) if reads.modality in names else None,
            format_func=_MODALITIES.__getitem__,
            help="Of a model of pictures and texts, one tower is opened at a time.",
        )
        said: dict[str, Any] = {"modality": modality} if modality else {}
        if not opened.towers:
            said |= _sizes(reads)
        pressed = st.form_submit_button("Open with this", type=main_button())
    attempt(state, "reads", repr(said), pressed, lambda: _reopen(state, said))


def _sizes(reads: Reads) -> dict[str, Any]:
    shape = st.text_input(
        "Shape of one instance",
        value=_listed(reads.shape),
        placeholder="3, 224, 224",
        help="Without the axis of the instances; “any” for an axis of any size.",
    )
    dtypes, axes = list(_DTYPES), list(_AXES)
    dtype = st.selectbox(
        "Made of",
        dtypes,
        index=dtypes.index(reads.dtype),
        format_func=_DTYPES.__getitem__,
        help="Whole numbers are ids of a vocabulary; floats are measurements.",
    )
    axis = st.selectbox(
        "The instances are its axis",
        axes,
        index=axes.index(reads.batch_axis),
        format_func=lambda axis: _AXES[axis],
        help="Recurrent layers without batch_first want the steps first and the instances second.",
    )
    mean = st.text_input(
        "Mean of each channel (pictures)",
        value=_listed(reads.mean),
        placeholder="0.5, 0.5, 0.5",
        help="Taken away from pictures brought to 0 to 1, one number a channel: 0.485, 0.456, 0.406.",
    )
    std = st.text_input(
        "Deviation of each channel (pictures)",
        value=_listed(reads.std),
        placeholder="0.5, 0.5, 0.5",
        help="What is left is divided by it, one number a channel: 0.229, 0.224, 0.225.",
    )
    given = {"shape": shape, "mean": mean, "std": std}
    lists = {name: _parsed(text) for name, text in given.items() if text.strip()}
    return {**lists, "dtype": dtype, "batch_axis": axis}


def _listed(values: tuple[Any, ...]) -> str:
    return ", ".join("any" if value is None else f"{value:g}" for value in values)


def _parsed(text: str) -> list[Any]:
    """Numbers with commas between them, in brackets or not; "any" is None. What is none stays as it is."""
    words = text.strip().strip("[]()").replace("×", ",").replace("x", ",").split(",")
    return [_value(word.strip()) for word in words if word.strip()]


def _value(word: str) -> Any:
    if word.casefold() in ("any", "none", "null", "?", "-1"):
        return None
    try:
        return json.loads(word)
    except ValueError:
        return word


def _reopen(state: State, said: dict[str, Any]) -> None:
    check_given(said)
    others = state.source.options.assumed.items()
    inputs = ((f"input.{name}", tuple(value) if isinstance(value, list) else value) for name, value in said.items())
    reopen(state, assume=tuple(sorted([*others, *inputs])))
