"""One number a layer, drawn over the depth of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from embedviz.figures.colours import THEMES, Theme, palette
from embedviz.figures.frame import blank
from embedviz.figures.words import escape, shorten
from embedviz.records import Curve


def depth_curve(
    curves: Sequence[tuple[str, Sequence[str], Curve]],
    *,
    theme: str = "light",
    height: int = 150,
) -> go.Figure:
    """Lines over the layers: (model's name, layers, curve) each, over the same share of the depth.

    The band is the 95 % interval, the dotted line chance. Two models have a legend.
    """
    look, several = THEMES[theme], len(curves) > 1
    figure = blank(look, height + (24 if several else 0))
    for (name, layers, curve), colour in zip(curves, palette(len(curves), theme), strict=True):
        places = np.linspace(0.0, 1.0, len(layers)) if len(layers) > 1 else np.zeros(1)
        figure.add_traces(_band(places, curve, colour))
        figure.add_trace(_line(places, name, layers, curve, colour).update(showlegend=several))
        if curve.chance is not None:
            figure.add_hline(y=curve.chance, line={"color": look.muted, "width": 1, "dash": "dot"})
    _axes(figure, curves, look)
    return figure


def _line(places: Any, name: str, layers: Sequence[str], curve: Curve, colour: str) -> Any:
    # Without an interval, an array of NaN stands in: the words leave it out.
    nothing = np.full(len(curve.values), np.nan)
    low, high = (nothing if end is None else end for end in (curve.low, curve.high))
    told = [
        f"{escape(shorten(layer, 50))}<br><b>{value:.3g}</b>"
        + (f" ({one:.3g} … {other:.3g})" if np.isfinite([one, other]).all() else "")
        for layer, value, one, other in zip(layers, curve.values, low, high, strict=True)
    ]
    return go.Scatter(
        x=places,
        y=curve.values,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"size": 6, "color": colour},
        name=escape(shorten(name, 30)),
        hovertext=told,
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )


def _band(places: Any, curve: Curve, colour: str) -> list[Any]:
    if curve.low is None or curve.high is None:
        return []
    edge = {"x": places, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    fill = {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},0.18)"}
    return [go.Scatter(y=curve.low, **edge), go.Scatter(y=curve.high, **edge, **fill)]


def _axes(figure: go.Figure, curves: Sequence[tuple[str, Sequence[str], Curve]], look: Theme) -> None:
    layers = curves[0][1]
    ends = [layers[0], layers[-1]]
    if len(curves) > 1:
        # Of two models, each with layers of its own, only the direction is the same.
        ends = ["first layer", "last layer"]
    ticks = {"tickvals": [0, 1], "ticktext": [escape(shorten(end, 22)) for end in ends]}
    font = {"size": 11, "color": look.muted}
    figure.update_layout(
        margin={"l": 4, "r": 12, "t": 6, "b": 4},
        dragmode=False,
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "font": {"size": 12, "color": look.ink}},
        xaxis={"showgrid": False, "zeroline": False, "automargin": True, "fixedrange": True, "tickfont": font} | ticks,
        yaxis={
            "gridcolor": look.line,
            "griddash": "dot",
            "gridwidth": 0.5,
            "zeroline": False,
            "nticks": 4,
            "automargin": True,
            "fixedrange": True,
            "tickfont": font,
        },
    )
