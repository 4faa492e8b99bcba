"""All cosines among some instances, as a picture."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from embedviz.figures import CONFIG, describe_matrix, heatmap
from embedviz.ui.picture import Picture
from embedviz.ui.picture import matrix as cosines_among
from embedviz.ui.state import State
from embedviz.ui.tables.rows import download, places_of

#: A heatmap of more instances has cells too small to tell apart.
_MOST_IN_MATRIX = 300


def matrix(picture: Picture, session: State, kind: str) -> None:
    """All with all, where they are few enough to be seen."""
    places = places_of(picture, session)
    if len(places) > _MOST_IN_MATRIX:
        st.info(
            f"A matrix of {len(places):,} instances has cells too small to see. "
            f"Select up to {_MOST_IN_MATRIX} points on the map with the box or the lasso."
        )
        return
    labels = picture.instances.labels
    ways = ["cluster", "label"] if labels else ["cluster"]
    by = st.segmented_control(
        "Ordered by",
        ways,
        default=ways[-1],
        required=True,
        key="matrix_by",
        help="By label or by likeness: like instances stand side by side.",
    )
    with st.spinner("Comparing all pairs"):
        cosines, order = cosines_among(picture.settings, tuple(places), kind, str(by))
    ordered = cosines[np.ix_(order, order)]
    shown = [places[place] for place in order]
    theme = "dark" if st.context.theme.type == "dark" else "light"
    figure = heatmap(
        ordered,
        [str(picture.instances.items[place]) for place in shown],
        diverging=kind != "none",
        theme=theme,
        groups=[labels[place] for place in shown] if labels and by == "label" else None,
        height=380,
    )
    st.plotly_chart(
        figure, key="matrix", config=CONFIG, theme=None, alt=describe_matrix(ordered, diverging=kind != "none")
    )
    ids = [picture.instances.ids[place] for place in shown]
    download(pd.DataFrame(ordered, columns=ids, index=ids).reset_index(names="id"), "cosines")
