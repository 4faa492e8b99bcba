"""Curves over depth: one number a layer, what it says and what it does not."""

from __future__ import annotations

import streamlit as st

from embedviz.comparison import CURVES
from embedviz.figures.depth import depth_curve
from embedviz.figures.frame import CONFIG
from embedviz.ui import words
from embedviz.ui.compare.made import Compared

_ABREAST = 3


def section(compared: Compared) -> None:
    """A small picture for each curve."""
    comparison = compared.comparison
    st.markdown("## Over the depth")
    theme = "dark" if st.context.theme.type == "dark" else "light"
    names = [name for name, curve in comparison.curves.items() if not curve.why_not]
    for start in range(0, len(names), _ABREAST):
        columns = st.columns(_ABREAST, gap="medium")
        for column, name in zip(columns, names[start : start + _ABREAST], strict=False):
            with column:
                _curve(compared, name, theme)
    _refused(compared)


def _refused(compared: Compared) -> None:
    """What could not be measured; those with the same reason in one line."""
    refused: dict[str, list[str]] = {}
    for name, curve in compared.comparison.curves.items():
        if curve.why_not:
            refused.setdefault(curve.why_not, []).append(CURVES[name].label)
    if refused:
        st.markdown("**Not measured**")
    for why, labels in refused.items():
        st.caption(words.escape(f"{', '.join(labels)}: {why}"))


def _curve(compared: Compared, name: str, theme: str) -> None:
    comparison, kind = compared.comparison, CURVES[name]
    curve, other = comparison.curves[name], comparison.other_curves.get(name)
    st.markdown(f"**{words.escape(kind.label)}**", help=words.escape(f"{kind.sentence} {kind.not_said}"))
    models = compared.comparing.models or ("", "")
    lines = [(models[0], comparison.rows, curve)]
    if other is not None and not other.why_not:
        lines.append((models[1], comparison.columns, other))
    st.plotly_chart(
        depth_curve(lines, theme=theme),
        key=f"curve_{name}",
        config={**CONFIG, "displayModeBar": False},
        theme=None,
        alt=f"{kind.label} over the layers. {curve.reading}",
    )
    told = [curve.reading, other.reading if other is not None else "", curve.note, kind.not_said]
    st.caption(words.escape(" ".join(part for part in told if part)))
