"""The tokens of two texts: each against each at one layer, and one word through all layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from embedviz.figures.depth import depth_curve
from embedviz.figures.frame import CONFIG
from embedviz.figures.token_heatmap import token_heatmap
from embedviz.records import Curve, FloatArray
from embedviz.similarity import cosine_similarity
from embedviz.ui import words
from embedviz.ui.instance.chips import visible
from embedviz.ui.state import State

if TYPE_CHECKING:
    from embedviz.ui.instance.token_map import TokenMap


def section(found: TokenMap, session: State) -> None:
    """The heatmap of the first text with another one, and the curve of a token that both have."""
    if len(found.texts) < 2:
        st.caption("Choose another text to see its tokens beside these.")
        return
    names = list(found.vectors)
    first, second = st.columns(2, vertical_alignment="bottom")
    other = int(
        first.selectbox(
            "With the tokens of",
            range(1, len(found.texts)),
            key=f"token_other_{hash(found.texts)}",
            format_func=lambda place: words.shorten(found.texts[place], 50),
            help="The first text's tokens are the rows, this one's the columns.",
        )
    )
    layer = str(
        second.select_slider(
            "Layer",
            names,
            value=names[-1],
            key=f"token_layer_{hash(tuple(names))}",
            help="At which layer the tokens are compared.",
        )
    )
    rows, columns = found.of(0), found.of(other)
    cosines = cosine_similarity(found.vectors[layer])
    theme = "dark" if st.context.theme.type == "dark" else "light"
    st.plotly_chart(
        token_heatmap(
            cosines[np.ix_(rows, columns)],
            [visible(found.tokens[place].text) for place in rows],
            [visible(found.tokens[place].text) for place in columns],
            theme=theme,
            height=360,
        ),
        key="token_heatmap",
        config={**CONFIG, "displayModeBar": False},
        theme=None,
        alt=f"Cosines of {len(rows)} tokens with {len(columns)} at {layer}.",
    )
    apart = cosines[~np.eye(len(cosines), dtype=bool)]
    mean = float(np.nanmean(apart)) if np.isfinite(apart).any() else 0.0
    st.caption(f"Cosines as captured at {words.escape(layer)}; any two of the tokens drawn have {mean:.2f} on average.")
    _shared(found, other, theme)


def _shared(found: TokenMap, other: int, theme: str) -> None:
    """How a token that both texts have parts from itself with depth."""
    first = {found.tokens[place].text: int(place) for place in reversed(found.of(0)) if _plain(found, place)}
    second = {found.tokens[place].text: int(place) for place in reversed(found.of(other)) if _plain(found, place)}
    both = [text for text in first if text in second]
    if not both:
        st.caption("The two texts have no word in common that could be followed through the layers.")
        return
    # The longest is hardly ever a mere “the”.
    both.sort(key=len, reverse=True)
    text = str(
        st.selectbox(
            "A token that both have",
            both,
            key=f"token_shared_{hash((found.texts, other))}",
            format_func=visible,
            help="Where a word means two things, its two tokens part as the layers take in what stands around them.",
        )
    )
    values = np.array([_cosine(rows, first[text], second[text]) for rows in found.vectors.values()])
    names = list(found.vectors)
    told = f"“{visible(text)}” in both texts: cosine {values[0]:.2f} at {names[0]}, {values[-1]:.2f} at {names[-1]}."
    st.plotly_chart(
        depth_curve([("", names, Curve(values))], theme=theme, height=150),
        key="token_curve",
        config={**CONFIG, "displayModeBar": False},
        theme=None,
        alt=told,
    )
    st.caption(words.escape(told))


def _plain(found: TokenMap, place: int) -> bool:
    token = found.tokens[place]
    return not token.special and not token.unknown


def _cosine(rows: FloatArray, one: int, other: int) -> float:
    return float(cosine_similarity(rows[[one, other]])[0, 1])
