"""The vectors on screen as a file."""

from __future__ import annotations

import streamlit as st

from embedviz.export.taken import KINDS, as_file, why_not
from embedviz.ui import words
from embedviz.ui.picture import Picture
from embedviz.ui.provenance import about
from embedviz.ui.store import store


def vectors(picture: Picture) -> None:
    """A choice of kinds, and the file; or why these vectors cannot be written."""
    kind = str(
        st.selectbox(
            "The vectors as",
            list(KINDS),
            format_func=KINDS.__getitem__,
            key="take_kind",
            persist_state="session",
            help="Each kind says what reads it; all hold the same numbers.",
        )
    )
    reason = _why_not(picture)
    if reason:
        st.info(words.escape(reason), icon=":material/info:")
        return
    several = kind in (".safetensors", ".tsv")
    st.download_button(
        "Download",
        lambda: _file(picture, kind),
        "vectors.zip" if several else f"vectors{kind}",
        key=f"take_{kind}",
        icon=":material/download:",
        on_click="ignore",
        help="After the post-processing chosen in the sidebar; with ids, texts and labels where the kind has them.",
    )


def _why_not(picture: Picture) -> str:
    settings = picture.settings
    key = ("unwritable", settings.vectors_key, settings.postprocessing)
    found: str | None = store.get(key)
    if found is None:
        found = why_not(picture.embeddings, settings.postprocessing)
        store.put(key, found, 200)
    return found


def _file(picture: Picture, kind: str) -> bytes:
    settings = picture.settings
    return as_file(kind, picture.embeddings, picture.instances, settings.postprocessing, about(settings))[1]
