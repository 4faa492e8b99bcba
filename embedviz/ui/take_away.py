"""What a person can take from a page: the vectors as a file, and Python that makes them again."""

from __future__ import annotations

from typing import Any

import streamlit as st

from embedviz import __version__
from embedviz.errors import EmbedvizError
from embedviz.export.taken import KINDS, as_file
from embedviz.ui import words
from embedviz.ui.picture import Picture
from embedviz.ui.settings import Settings
from embedviz.ui.store import store
from embedviz.workers.items import pack
from embedviz.workers.pool import pool


def take_away(picture: Picture) -> None:
    """A choice of files, each made when it is asked for."""
    with st.popover("Take away", icon=":material/download:", help="The vectors as a file, and a script for them."):
        kind = st.selectbox(
            "The vectors as", list(KINDS), format_func=KINDS.__getitem__, key="take_kind", persist_state="session"
        )
        several = kind in (".safetensors", ".tsv")
        st.download_button(
            "Download",
            lambda: _file(picture, str(kind)),
            "vectors.zip" if several else f"vectors{kind}",
            key=f"take_{kind}",
            icon=":material/download:",
            on_click="ignore",
            help="After the post-processing chosen in the sidebar; with ids, texts and labels where the kind has them.",
        )
        _script(picture)


def _file(picture: Picture, kind: str) -> bytes:
    settings = picture.settings
    return as_file(kind, picture.embeddings, picture.instances, settings.postprocessing, _about(settings))[1]


def _about(settings: Settings) -> dict[str, Any]:
    """Where the vectors come from."""
    return {
        "checkpoint": settings.opened.name,
        "fingerprint": settings.opened.fingerprint,
        "instances": settings.instances.fingerprint,
        "layer": settings.layer,
        "pooling": settings.pooling,
        "postprocessing": settings.postprocessing,
        "prompt": settings.prompt,
        "embedviz": __version__,
    }


def _script(picture: Picture) -> None:
    """Python of plain torch and transformers, shown and to download."""
    settings = picture.settings
    key = ("script", settings.vectors_key, settings.postprocessing, settings.map.seed)
    if store.get(key) is None:
        if not st.button(
            "Write a Python script",
            key="write_script",
            icon=":material/code:",
            help="It makes these very vectors again with PyTorch and transformers, without embedviz.",
        ):
            return
        with st.spinner("Writing the script"):
            store.put(key, _written(picture), 100_000)
    found = store.get(key)
    if isinstance(found, EmbedvizError):
        st.info(words.prose(found), icon=":material/info:")
        return
    st.download_button("reproduce.py", found, "reproduce.py", key="take_script", on_click="ignore")
    st.code(found, language="python", height=320)


def _written(picture: Picture) -> str | EmbedvizError:
    """The script, or why there can be none."""
    settings, embeddings = picture.settings, picture.embeddings
    told, arrays = pack(settings.instances.items, settings.instances.modality)
    arguments = {
        "items": told,
        "ids": settings.instances.ids,
        "layer": settings.layer,
        "pooling": settings.pooling,
        "postprocessing": settings.postprocessing,
        "prompt": settings.prompt,
        "seed": settings.map.seed,
    }
    arrays["vectors"] = embeddings.vectors
    if embeddings.tokens is not None and embeddings.cut is not None:
        arrays |= {"tokens": embeddings.tokens, "cut": embeddings.cut}
    try:
        return pool().model(settings.opened.source).script(arguments, arrays)
    except EmbedvizError as error:
        return error
