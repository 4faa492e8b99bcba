"""Ways to bring texts: pasted lines, a table in a file, a table edited here, a sentence typed."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from embedviz.errors import EmbedvizError
from embedviz.modalities.instances import guess_columns, instances_from_lines, instances_from_table
from embedviz.modalities.table import read_table
from embedviz.ui.look import main_button
from embedviz.ui.refusal import attempt
from embedviz.ui.state import State
from embedviz.ui.words import count, escape

_FILE_TYPES = ["csv", "tsv", "txt", "jsonl", "json", "ndjson", "parquet"]


def paste(state: State) -> None:
    text = st.text_area(
        "One instance a line",
        key="pasted",
        height=140,
        placeholder="The river bank was muddy. | nature\nThe bank raised its rates. | money",
        help="A label may follow each text, to colour the map by: after “ | ”, or after a tab, as when two columns are "
        "copied from a spreadsheet.",
        persist_state="session",
    )
    pressed = st.button("Use these lines", key="use_lines", width="stretch")
    attempt(state, "lines", text, pressed, lambda: state.use(instances_from_lines(text or "", name="pasted lines")))


def file(state: State) -> None:
    uploaded = st.file_uploader(
        "CSV, TSV, JSONL, Parquet or TXT",
        type=_FILE_TYPES,
        key="instances_file",
        help="A column with the texts, and any others to colour the map by.",
    )
    if uploaded is None:
        st.caption("A column with the texts, and any others to colour the map by.")
        return
    try:
        table = read_table(uploaded.getvalue(), uploaded.name)
        text, label = guess_columns(table.frame)
    except EmbedvizError as error:
        st.error(escape(error))
        return
    for note in table.notes:
        st.caption(f":material/info: {escape(note)}")
    columns = [str(name) for name in table.frame.columns]
    text = st.selectbox(
        "Texts",
        columns,
        index=columns.index(text),
        key=f"text_of_{uploaded.file_id}",
        help="The column that the model is given.",
    )
    label = st.selectbox(
        "Label (optional)",
        columns,
        index=columns.index(label) if label in columns else None,
        key=f"label_of_{uploaded.file_id}",
        placeholder="none",
        help="A column to colour the map by, and to measure the layers with.",
    )
    st.dataframe(table.frame.head(3), hide_index=True, height=143, alt="The first three rows of the file")
    pressed = st.button(f"Use {count(len(table.frame), 'row')}", key="use_file", type=main_button(), width="stretch")
    attempt(
        state,
        "file",
        (uploaded.file_id, text, label),
        pressed,
        lambda: state.use(instances_from_table(table.frame, text=text, label=label, name=uploaded.name)),
    )


def edit(state: State) -> None:
    if st.button("Open the table", key="open_table", icon=":material/edit:", width="stretch"):
        _table(state)
    st.caption("Change, add or delete rows; the map follows when you press Use.")


@st.dialog("Edit the instances", width="large")
def _table(state: State) -> None:
    instances = state.instances
    columns = dict(instances.columns) if instances else {}
    label = instances.label if instances and instances.label else "label"
    # The texts come first, under a name that no other column has.
    text = "text" if "text" not in columns else "instance"
    frame = pd.DataFrame({text: list(instances.items) if instances else [""]}, dtype="string")
    for name in dict.fromkeys((label, *columns)):
        values = columns.get(name, [None] * len(frame))
        frame[name] = pd.array([None if value is None else str(value) for value in values], dtype="string")
    edited = st.data_editor(frame, num_rows="dynamic", hide_index=True, height=420, key="table", alt="The instances")
    if st.button("Use this table", type=main_button(), key="use_table"):
        try:
            used = instances_from_table(edited, text=text, label=label, name="your table")
        except EmbedvizError as error:
            st.error(escape(error))
            return
        state.own = ()
        state.use(used)


def typed(state: State) -> None:
    """Add a sentence to the set."""
    with st.form("type", clear_on_submit=True, border=False):
        text = st.text_input(
            "Add a sentence of your own",
            key="typed",
            placeholder="Type and press Enter",
            help="It joins the set, and the map is drawn anew. The Instance page leaves the map as it is.",
        )
        added = st.form_submit_button("Add", width="stretch")
    if added and text and text.strip():
        state.add(text.strip())
