"""What a person can do about a checkpoint from the page: choose a part, have it repaired, name what is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from embedviz.errors import EmbedvizError
from embedviz.ui import options
from embedviz.ui.look import main_button
from embedviz.ui.opened import Opened
from embedviz.ui.state import BUNDLED, State
from embedviz.ui.words import escape, shorten
from embedviz.workers.model_worker import Source

#: The certain repairs, as a button says them. What each did is told by a finding afterwards.
REPAIRS = {
    "prefix": "Take the prefix off",
    "sizes": "Let the weights decide",
    "load-large": "Load it all the same",
    "tokenizer-class": "Use the family's own tokenizer class",
    "casing": "Turn the casing round",
}
_CODE = ("configuration.unknown-architecture", "configuration.class-missing", "files.torchscript")


def reopen(state: State, **changes: Any) -> None:
    """Open the session's checkpoint again, with other decisions about how."""
    state.choose_source(replace(state.source, options=replace(state.source.options, **changes)))
    st.rerun()


def repair_button(state: State, repair: str, key: str) -> None:
    """A button for a certain repair; nothing for a repair that is not one of ours."""
    if repair in REPAIRS and st.button(REPAIRS[repair], key=key, type=main_button(), icon=":material/build:"):
        reopen(state, repair=state.source.options.repair | {repair})


def remedies(state: State, error: EmbedvizError) -> None:
    """What can be done about a checkpoint that could not be opened."""
    if error.choices:
        _part(state, error)
    repair_button(state, error.repair, "repair")
    if error.code == "configuration.adapter-base" or error.code == "configuration.adapter-mismatch":
        _base(state)
    if error.code in _CODE:
        _architecture(state)


def _part(state: State, error: EmbedvizError) -> None:
    chosen = st.selectbox(
        "Which of them?",
        error.choices,
        index=None,
        key="part",
        format_func=_shown,
        help="What was uploaded holds several models.",
    )
    if st.button("Open this one", type=main_button(), key="open_part", disabled=chosen is None):
        reopen(state, part=chosen)


def _shown(part: str) -> str:
    return shorten(part or "(the folder itself)", 80)


def _base(state: State) -> None:
    offered = [BUNDLED, *state.before, *options.offered()]
    sources = {_path(source): source for source in offered if source != state.source}
    chosen = st.selectbox(
        "The base it was trained on",
        list(sources),
        index=None,
        key="base",
        format_func=lambda path: sources[path].name,
        help="An adapter holds changes only: it is merged into the model that it was trained on.",
    )
    if st.button("Open with this base", type=main_button(), key="open_base", disabled=chosen is None):
        reopen(state, base=chosen)
    st.caption("Models that you opened before, and those this server offers, can be chosen.")


def _path(source: Source) -> str:
    return str(source.path) if source.path else "bundled"


def _architecture(state: State) -> None:
    if not state.source.options.allow_code:
        st.caption(
            "With its architecture as Python code it could be opened, on a server that was started with "
            r"\-\-allow-code."
        )
        return
    file = st.file_uploader(
        "Architecture file: Python that defines build()",
        type="py",
        key="architecture",
        help="It is run on the server, as whoever started that allowed. build() returns the model.",
    )
    if file is not None and st.button("Open with this architecture", type=main_button(), key="open_architecture"):
        path = state.upload_folder() / "architecture.py"
        path.write_bytes(file.getvalue())
        reopen(state, architecture=str(path))


def assumptions(state: State, opened: Opened) -> None:
    """What the weights do not tell, to be corrected."""
    if not opened.assumptions:
        return
    st.markdown("## Assumed")
    st.caption("The weights do not tell these. A wrong value gives other vectors and no error.")
    with st.form("assumptions"):
        values = {each["name"]: _assumption(each) for each in opened.assumptions}
        if st.form_submit_button("Open with these", type=main_button()):
            changed = {name: _parsed(value) for name, value in values.items()}
            reopen(state, assume=tuple(sorted({**state.source.options.assumed, **changed}.items())))


def _assumption(each: dict[str, Any]) -> Any:
    help_text = escape(f"{each['why']}. It decides {each['affects']}.")
    label, choices = escape(each["name"]), [*each["choices"]]
    if not choices:
        return st.text_input(label, value=json.dumps(each["value"]), help=help_text, key=f"assume_{each['name']}")
    if each["value"] not in choices:
        choices.insert(0, each["value"])
    index = choices.index(each["value"])
    return st.selectbox(label, choices, index=index, help=help_text, key=f"assume_{each['name']}", format_func=str)


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def copy_path(path: Path, most: int = 2 * 10**9) -> bytes:
    """The bytes of a copy that is to be downloaded. EmbedvizError where a browser could not take them."""
    size = path.stat().st_size
    if size > most:
        raise EmbedvizError(
            f"The copy is too large to be downloaded ({size / 1e9:,.1f} GB)",
            remedy="Write it on the server: `embedviz doctor CHECKPOINT --save DIR`.",
        )
    return path.read_bytes()
