"""The most and the least similar pairs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from embedviz.records import Likeness
from embedviz.similarity import pairs as extreme_pairs
from embedviz.ui.picture import Picture
from embedviz.ui.state import State
from embedviz.ui.tables.rows import described_pairs, download, places_of, point_at, row_key, show_rows
from embedviz.vectors import postprocess


def pairs(picture: Picture, session: State, kind: str) -> None:
    """The pairs at either end, of all instances or of those selected."""
    end = st.segmented_control(
        "Which pairs",
        ["Most similar", "Least similar"],
        default="Most similar",
        required=True,
        help="The most alike of all pairs, or the least alike.",
    )
    places, cosines = _extremes(picture, session, kind, most=end == "Most similar")
    if not len(places):
        st.info("A pair needs two instances. Add another sentence.")
        return
    frame = pd.DataFrame({"cosine": cosines, **described_pairs(picture.instances, places)})

    def ring(chosen: list[int]) -> None:
        point_at(session, [picture.instances.ids[place] for place in (places[chosen[0]] if chosen else ())])

    compared = picture.similarity[kind].compared
    if len(session.selected) < 2 and compared < len(picture.instances):
        st.caption(f"Among {compared:,} of the {len(picture.instances):,} instances, drawn at random.")
    key = row_key("pairs", picture, end, kind, session.selected if len(session.selected) > 1 else ())
    show_rows(frame, key, f"The {str(end).lower()} pairs", ring)
    download(frame, "pairs")


def _extremes(picture: Picture, session: State, kind: str, *, most: bool) -> tuple[list[tuple[int, int]], list[float]]:
    if len(session.selected) > 1:
        chosen = places_of(picture, session)
        vectors = postprocess(picture.embeddings, kind).vectors[chosen]
        found = extreme_pairs(vectors, k=50)
        listed = found.most if most else found.least
        return [(chosen[pair.i], chosen[pair.j]) for pair in listed], [pair.cosine for pair in listed]
    similarity: Likeness = picture.similarity[kind]
    places, cosines = similarity.most if most else similarity.least
    return [(int(one), int(other)) for one, other in places], [float(cosine) for cosine in cosines]
