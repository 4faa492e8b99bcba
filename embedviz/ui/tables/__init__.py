"""Beside the map: neighbours, pairs, the whole matrix, the instances themselves, and what the map makes of them."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from embedviz.ui.picture import Picture
from embedviz.ui.state import State
from embedviz.ui.tables.instances import instances_table
from embedviz.ui.tables.matrix import matrix
from embedviz.ui.tables.neighbours import neighbours
from embedviz.ui.tables.pairs import pairs
from embedviz.ui.tables.selection import cosine_choice, forget_gone, nearest_ids, selection
from embedviz.ui.tables.trust import trust

__all__ = ["VIEWS", "beside", "forget_gone", "nearest_ids"]

#: What can stand beside the map; the last argument says which cosines are shown ("none" for raw ones).
VIEWS: dict[str, Callable[[Picture, State, str], None]] = {
    "Neighbours": neighbours,
    "Pairs": pairs,
    "Matrix": matrix,
    "Table": instances_table,
    "Trust": trust,
}


def beside(picture: Picture, session: State) -> None:
    """The tables for what is selected."""
    selection(picture, session)
    view = st.segmented_control(
        "Table",
        list(VIEWS),
        default=next(iter(VIEWS)),
        required=True,
        key="view",
        label_visibility="collapsed",
        width="stretch",
        help="What stands beside the map: neighbours, pairs, all cosines, the instances, or where the map misleads.",
    )
    VIEWS[str(view)](picture, session, cosine_choice(picture, str(view)))
