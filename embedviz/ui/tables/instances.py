"""The instances themselves, with all their columns."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from embedviz.ui import words
from embedviz.ui.picture import Picture
from embedviz.ui.state import State
from embedviz.ui.tables.rows import described, download, places_of, row_key, show_rows

_MOST_ROWS = 1_000


def instances_table(picture: Picture, session: State, _kind: str) -> None:
    """All that is known of each instance, and the CSV of it."""
    instances, embeddings = picture.instances, picture.embeddings
    places = places_of(picture, session)
    frame = pd.DataFrame({"id": instances.ids, **described(instances, range(len(instances)))})
    for name, values in instances.columns.items():
        if name not in frame:
            frame[name] = list(values)
    if embeddings.tokens is not None and embeddings.cut is not None:
        frame["tokens"] = embeddings.tokens
        if embeddings.cut.any():
            frame["tokens cut"] = embeddings.cut
            cut = int((embeddings.cut > 0).sum())
            st.warning(
                f"{words.count(cut, 'text')} {'is' if cut == 1 else 'are'} longer than the model's "
                f"{picture.settings.opened.max_tokens:,} tokens; the rest was cut off.",
                icon=":material/content_cut:",
            )
    if any(instances.duplicates):
        frame["duplicate"] = instances.duplicates
    chosen = frame.iloc[places]
    shown = chosen.head(_MOST_ROWS)

    def ring(rows: list[int]) -> None:
        if len(session.selected) < 2:
            session.select(tuple(shown["id"].iloc[rows]))
        elif rows:
            session.focus = str(shown["id"].iloc[rows[0]])

    show_rows(shown, row_key("instances", picture, tuple(places)), "The instances", ring)
    if len(chosen) > _MOST_ROWS:
        st.caption(f"The first {_MOST_ROWS:,} of {len(chosen):,} rows; the CSV has them all.")
    download(chosen, "instances")
