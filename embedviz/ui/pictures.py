"""Pictures for print: drawn by the numbers worker at the press of a button, kept, and then to download."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from embedviz.errors import EmbedvizError
from embedviz.pictures import FORMATS
from embedviz.ui import words
from embedviz.ui.store import store
from embedviz.workers.pool import pool
from embedviz.workers.wire import Arrays

#: What a worker is asked to draw: arguments and arrays.
Order = tuple[dict[str, Any], Arrays]


def picture_of(name: str, key: Hashable, order: Callable[[], Order]) -> None:
    """A choice of kinds and a button; then the file ``name``. ``key`` says what is drawn, ``order`` packs it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = str(
            st.selectbox(
                "As a picture",
                list(FORMATS),
                format_func=FORMATS.__getitem__,
                key=f"picture_kind_{name}",
                persist_state="session",
                help="160 mm wide, in light colours, with its legend and a line that says what it is.",
            )
        )
        kept = ("picture", key, kind)
        place = st.empty()
        if store.get(kept) is None and place.button(
            "Draw picture",
            key=f"draw_{name}",
            icon=":material/draw:",
            help="Draws the picture, which takes some seconds.",
        ):
            with place, st.spinner("Drawing the picture"):
                made = _drawn(kind, order)
            place.empty()
            store.put(kept, made, len(made) if isinstance(made, bytes) else 1000)
        found = store.get(kept)
        if isinstance(found, bytes):
            st.download_button(
                f"{name}.{kind}",
                found,
                f"{name}.{kind}",
                key=f"picture_{name}_{kind}",
                icon=":material/image:",
                on_click="ignore",
                help="The picture as it was drawn.",
            )
    if isinstance(found, EmbedvizError):
        st.info(words.prose(found), icon=":material/info:")


def _drawn(kind: str, order: Callable[[], Order]) -> bytes | EmbedvizError:
    """The file, or why there is none."""
    try:
        arguments, arrays = order()
        _, made = pool().numbers("picture", {"kind": kind, **arguments}, arrays)
    except EmbedvizError as error:
        return error
    return bytes(made["file"].tobytes())
