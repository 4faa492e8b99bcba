"""How the points of any map are told apart: the column they are coloured by, and what a search finds among them."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from embedviz.records import Instances
from embedviz.ui.state import State

#: No column: all points look alike.
PLAIN = "one colour"


def colour_choice(session: State, instances: Instances, others: Iterable[str] = ()) -> str | None:
    """The column to colour by, of the instances or of ``others``; the same on every page that has it."""
    columns = [*instances.columns, *(name for name in others if name not in instances.columns), PLAIN]
    now = session.colour if session.colour in columns else instances.label or PLAIN
    # A new key for each colour chosen elsewhere; and a list may tell, late, what it was drawn with.
    key = f"colour_{hash((now, *columns))}"

    def choose() -> None:
        session.colour = st.session_state[key]

    st.selectbox(
        "Colour",
        columns,
        index=columns.index(now),
        key=key,
        on_change=choose,
        help="By which column points are coloured. Groups are found in the vectors, islands on the map.",
    )
    return None if now == PLAIN else now


def colour_of(session: State, instances: Instances) -> str | None:
    """The column of the instances that points are coloured by; None for one colour, or for groups of a map."""
    now = session.colour or instances.label
    return now if now in instances.columns else None


def search(instances: Instances) -> list[str]:
    """Ids of the instances whose text or label has all the words that were typed."""
    query = st.text_input(
        "Find",
        key="find",
        placeholder="text or label",
        type="search",
        persist_state="session",
        help="Marks the points whose text or label has all of these words; the others fade.",
    )
    words = (query or "").casefold().split()
    if not words:
        return []
    labels = instances.labels or [""] * len(instances)
    found = [
        identity
        for identity, item, label in zip(instances.ids, instances.items, labels, strict=True)
        if all(word in f"{item} {label}".casefold() for word in words)
    ]
    st.caption(f"{len(found):,} of {len(instances):,} found" if found else f"Nothing found for “{str(query)[:40]}”.")
    return found
