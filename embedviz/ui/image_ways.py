"""Ways to bring pictures: files or a zip of them as the set, or a picture added to it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from embedviz.modalities.brought import Brought
from embedviz.modalities.images import images_from_files, without
from embedviz.records import Reads
from embedviz.ui.look import main_button
from embedviz.ui.refusal import attempt
from embedviz.ui.state import State
from embedviz.ui.thumbnails import reasons
from embedviz.ui.words import count, escape

_FILE_TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "zip"]


def file(state: State, _reads: Reads) -> None:
    files = st.file_uploader(
        "PNG, JPEG or WebP, or a zip of them",
        type=_FILE_TYPES,
        accept_multiple_files=True,
        key="images_file",
        help="Pictures in folders of a zip get the folder's name as their label.",
    )
    if not files:
        st.caption("In a zip with several folders, a picture's folder is its label.")
        return
    pressed = st.button(f"Use {count(len(files), 'file')}", key="use_images", type=main_button(), width="stretch")

    def use() -> None:
        brought = _brought(files)
        state.told = brought.notes
        state.use(brought.instances)

    attempt(state, "images", tuple(each.file_id for each in files), pressed, use)
    for note in state.told:
        st.caption(f":material/info: {escape(note)}")


def _brought(files: Sequence[UploadedFile]) -> Brought:
    """The pictures in the files that can be decoded, which a worker tries; EmbedvizError where there is none."""
    with st.spinner("Looking at the pictures"):
        brought = images_from_files([(each.name, each.getvalue()) for each in files])
        return without(brought, reasons(brought.instances))


def more(state: State, _reads: Reads) -> None:
    """Add a picture to the set."""
    with st.form("add_picture", clear_on_submit=True, border=False):
        files = st.file_uploader(
            "Add a picture of your own",
            type=_FILE_TYPES,
            accept_multiple_files=True,
            key="own_pictures",
            help="It joins the set, and the map is drawn with it.",
        )
        added = st.form_submit_button("Add", width="stretch")

    def add() -> None:
        *others, last = _brought(files or ()).instances.items
        state.own = (*state.own, *others)
        state.add(last)

    # The form is empty after the press: what was refused is said for as long as the instances are the same.
    present = state.instances.fingerprint if state.instances else ""
    attempt(state, "own images", present, added and files, add)
