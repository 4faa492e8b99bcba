"""The nearest neighbours of the chosen instance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from embedviz.similarity import cosine_similarity
from embedviz.ui import words
from embedviz.ui.picture import Picture, nearest
from embedviz.ui.state import State
from embedviz.ui.tables.rows import described, download, row_key, show_rows, with_label
from embedviz.ui.tables.selection import crowded
from embedviz.vectors import postprocess


def neighbours(picture: Picture, session: State, kind: str) -> None:
    """The nearest of all others to the one in focus, with their cosines."""
    if session.focus is None:
        st.markdown("**Who is most like whom?**")
        st.markdown("Click a point on the map, or choose an instance above, to list its nearest neighbours.")
        return
    instances, similarity = picture.instances, picture.similarity[kind]
    if session.focus not in instances.ids:
        st.info("This instance is not on the map yet.")
        return
    place = instances.ids.index(session.focus)
    if place in similarity.undefined:
        st.info("This instance's vector has length 0: it has no direction, so no cosine to any other is defined.")
        return
    places, cosines = nearest(picture, place, kind)
    rows = [int(other) for other in places if other >= 0]
    if not rows:
        st.info("There is only one instance. Add another to compare it with.")
        return
    frame = pd.DataFrame(
        {
            "#": range(1, len(rows) + 1),
            "cosine": cosines[: len(rows)],
            **described(instances, rows),
        }
    )
    frame = with_label(frame, instances, rows)
    if crowded(picture) and kind == "none":
        frame.insert(2, "centred", _centred(picture, place, rows))
    st.caption(f"Nearest to: “{words.escape(words.shorten(str(instances.items[place]), 160))}”")

    def ring(chosen: list[int]) -> None:
        session.ringed = tuple(instances.ids[rows[row]] for row in chosen)

    show_rows(
        frame, row_key("neighbours", picture, session.focus), "The nearest neighbours of the chosen instance", ring
    )
    download(frame, "neighbours")


def _centred(picture: Picture, place: int, rows: Sequence[int]) -> Any:
    vectors = postprocess(picture.embeddings, "centred").vectors[[place, *rows]]
    return cosine_similarity(vectors)[0, 1:]
