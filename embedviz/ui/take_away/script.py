"""Python that makes the vectors on screen again."""

from __future__ import annotations

import streamlit as st

from embedviz.errors import EmbedvizError
from embedviz.ui import words
from embedviz.ui.picture import Picture
from embedviz.ui.store import store
from embedviz.workers.items import pack
from embedviz.workers.pool import pool


def script(picture: Picture) -> None:
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
    st.download_button(
        "reproduce.py",
        found,
        "reproduce.py",
        key="take_script",
        icon=":material/code:",
        on_click="ignore",
        help="The script below; it looks for the checkpoint's files beside itself.",
    )
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
