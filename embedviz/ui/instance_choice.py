"""The sidebar's third section: the test instances."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from embedviz.errors import EmbedvizError
from embedviz.modalities.instances import guess_columns, instances_from_lines, instances_from_table
from embedviz.modalities.samples import SAMPLES, load_sample, samples_for
from embedviz.modalities.table import read_table
from embedviz.records import Instances, Reads
from embedviz.ui.look import main_button
from embedviz.ui.state import FIRST_SAMPLE, State
from embedviz.ui.words import count, escape, shorten

_WAYS = {"samples": "Samples", "paste": "Paste", "file": "File", "edit": "Edit"}
#: The label of what a person typed, and the prefix of its ids.
MINE = "yours"
_FILE_TYPES = ["csv", "tsv", "txt", "jsonl", "json", "ndjson", "parquet"]


def instances_of(state: State) -> Instances | None:
    """The set and what was typed beside it as one; None where there is nothing yet."""
    if state.base is None and not state.own and not state.only_own:
        state.base = load_sample(FIRST_SAMPLE)
    base = None if state.only_own else state.base
    if base is None and not state.own:
        return None
    return _together(base, state.own)


def _together(base: Instances | None, own: tuple[str, ...]) -> Instances:
    ids = tuple(f"mine-{number + 1}" for number in range(len(own)))
    if base is None:
        return Instances(own, ids, name="your own")
    if not own:
        return base
    mine = {name: ((MINE if name == base.label else None),) * len(own) for name in base.columns}
    return Instances(
        base.items + own,
        base.ids + ids,
        {name: values + mine[name] for name, values in base.columns.items()},
        base.label,
        base.name,
        base.dropped,
    )


def instance_choice(state: State) -> None:
    """Choose or type the instances; the choice goes to ``state.base`` and ``state.own``."""
    instances = instances_of(state)
    st.markdown("## 3 Instances")
    _summary(instances)
    way = st.segmented_control(
        "Where the instances are from",
        list(_WAYS),
        format_func=_WAYS.__getitem__,
        key="instances_way",
        label_visibility="collapsed",
        persist_state="session",
    )
    ways: dict[str, Callable[[State], None]] = {"samples": _samples, "paste": _paste, "file": _file, "edit": _edit}
    if way:
        ways[way](state)
    _type(state)


def _summary(instances: Instances | None) -> None:
    if instances is None:
        st.caption("None yet: type a sentence, paste some lines, or take a sample.")
        return
    parts = [count(len(instances), "instance")]
    if instances.labels:
        parts.append(count(len({label for label in instances.labels if label is not None}), "label"))
    doubles = sum(instances.duplicates)
    if doubles:
        parts.append(count(doubles, "duplicate"))
    if instances.dropped:
        parts.append(f"{count(instances.dropped, 'empty row')} left out")
    st.markdown(f"**{escape(instances.name or 'your table')}**")
    st.caption(" · ".join(parts))


def _use(state: State, instances: Instances) -> None:
    state.base, state.only_own = instances, False
    state.select(())
    st.rerun()


def _samples(state: State) -> None:
    key = st.selectbox(
        "Sample",
        samples_for(Reads()),
        key="sample",
        format_func=lambda key: SAMPLES[key].title,
        persist_state="session",
    )
    st.caption(escape(SAMPLES[key].description))
    if st.button("Use this sample", key="use_sample", width="stretch"):
        _use(state, load_sample(key))


def _paste(state: State) -> None:
    text = st.text_area(
        "One instance a line",
        key="pasted",
        height=140,
        placeholder="The river bank was muddy.\nThe bank raised its rates.",
        help="A label may follow each text after a tab, as when two columns are copied from a spreadsheet.",
        persist_state="session",
    )
    if st.button("Use these lines", key="use_lines", width="stretch"):
        try:
            instances = instances_from_lines(text or "", name="pasted lines")
        except EmbedvizError as error:
            st.error(escape(error))
            return
        _use(state, instances)


def _file(state: State) -> None:
    file = st.file_uploader("CSV, TSV, JSONL, Parquet or TXT", type=_FILE_TYPES, key="instances_file")
    if file is None:
        st.caption("A column with the texts, and any others to colour the map by.")
        return
    try:
        table = read_table(file.getvalue(), file.name)
        text, label = guess_columns(table.frame)
    except EmbedvizError as error:
        st.error(escape(error))
        return
    for note in table.notes:
        st.caption(f":material/info: {escape(note)}")
    columns = [str(name) for name in table.frame.columns]
    text = st.selectbox("Texts", columns, index=columns.index(text), key=f"text_of_{file.file_id}")
    label = st.selectbox(
        "Label (optional)",
        columns,
        index=columns.index(label) if label in columns else None,
        key=f"label_of_{file.file_id}",
        placeholder="none",
    )
    st.dataframe(table.frame.head(3), hide_index=True, height=143, alt="The first three rows of the file")
    if st.button(f"Use {count(len(table.frame), 'row')}", key="use_file", type=main_button(), width="stretch"):
        try:
            instances = instances_from_table(table.frame, text=text, label=label, name=file.name)
        except EmbedvizError as error:
            st.error(escape(error))
            return
        _use(state, instances)


def _edit(state: State) -> None:
    if st.button("Open the table", key="open_table", icon=":material/edit:", width="stretch"):
        _table(state)
    st.caption("Change, add or delete rows; the map follows when you press Use.")


@st.dialog("Edit the instances", width="large")
def _table(state: State) -> None:
    instances = instances_of(state)
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
        _use(state, used)


def _type(state: State) -> None:
    with st.form("type", clear_on_submit=True, border=False):
        typed = st.text_input("Add a sentence of your own", key="typed", placeholder="Type and press Enter")
        added = st.form_submit_button("Add", width="stretch")
    if added and typed and typed.strip():
        state.own = (*state.own, typed.strip())
        state.select((f"mine-{len(state.own)}",))
        st.rerun()
    if not state.own:
        return
    st.caption("  \n".join(f":material/person: {escape(shorten(text, 44))}" for text in state.own[-6:]))
    left, right = st.columns(2, vertical_alignment="center")
    only = left.toggle("Only mine", value=state.only_own, key="only_mine", help="Leave the other instances out.")
    if only != state.only_own:
        state.only_own = only
        st.rerun()
    if right.button("Remove mine", key="remove_mine", width="stretch"):
        state.own, state.only_own = (), False
        state.select(())
        st.rerun()
