"""A table of cosines as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from embedviz.errors import ProjectionError
from embedviz.figures.colours import THEMES, Theme, readable, scale
from embedviz.figures.frame import blank, colour_bar
from embedviz.figures.words import escape, shorten, wrap

#: Rows whose texts are still readable at the side, and rows whose numbers still fit the cells.
MOST_NAMED, MOST_NUMBERED = 30, 12


def heatmap(
    matrix: npt.ArrayLike,
    texts: Sequence[Any],
    *,
    diverging: bool = False,
    theme: str = "light",
    groups: Sequence[Any] | None = None,
    height: int = 560,
) -> go.Figure:
    """The (instances, instances) ``matrix`` of cosines, in the order given; NaN is drawn grey.

    Raw cosines have one hue from 0 up. ``diverging`` is for centred values: two hues that meet at 0. ``groups`` names
    each row's group: neighbours of the same group are framed and named at the side together.
    """
    values = np.asarray(matrix, dtype=np.float32)
    if values.ndim != 2 or values.shape != (len(texts), len(texts)):
        raise ProjectionError(
            "A table of cosines needs as many texts as it has rows and columns",
            value=f"{values.shape} for {len(texts)} texts",
            remedy="Pass the square matrix of the instances whose texts are given.",
        )
    look = THEMES[theme]
    figure = blank(look, height)
    # Numbered, because two instances may have the same text.
    names = [f"{row} · {wrap(text, 60, 3)}" for row, text in enumerate(texts, start=1)]
    figure.add_traces(_cells(values, names, diverging, look))
    _lay_out(figure, [shorten(text, 28) for text in texts], groups, look)
    return figure


def _cells(values: npt.NDArray[np.float32], names: list[str], diverging: bool, look: Theme) -> list[Any]:
    shared = {"x": names, "y": names} | ({"xgap": 1, "ygap": 1} if len(names) <= MOST_NAMED else {})
    limit = _limit(values) if diverging else 1.0
    low, colours = (-limit, look.diverging) if diverging else (0.0, look.sequential)
    cells = go.Heatmap(
        z=values,
        zmin=low,
        zmax=limit,
        colorscale=scale(colours),
        colorbar=colour_bar(look, "centred<br>cosine" if diverging else "cosine", tickformat=".1f"),
        hovertemplate="%{y}<br>%{x}<br><b>cosine %{z:.2f}</b><extra></extra>",
        hoverongaps=False,
        **shared,
    )
    numbers = [_numbers(values, names, colours, low, limit)] if len(names) <= MOST_NUMBERED else []
    undefined = np.isnan(values)
    if not undefined.any():
        return [cells, *numbers]
    grey = go.Heatmap(
        z=np.where(undefined, 1.0, np.nan),
        colorscale=[[0, look.missing], [1, look.missing]],
        showscale=False,
        hovertemplate="%{y}<br>%{x}<br><b>no cosine: a vector without a direction</b><extra></extra>",
        hoverongaps=False,
        **shared,
    )
    return [grey, cells, *numbers]


def _numbers(
    values: npt.NDArray[np.float32], names: list[str], colours: tuple[str, ...], low: float, high: float
) -> Any:
    """Each cell's number, in black or white as its colour demands: plotly's own choice is hard to read on some."""
    known = [(row, column) for row, column in np.ndindex(values.shape) if np.isfinite(values[row, column])]
    return go.Scatter(
        x=[names[column] for _, column in known],
        y=[names[row] for row, _ in known],
        text=[f"{round(float(values[cell]), 2) + 0.0:.2f}" for cell in known],  # + 0.0: no "-0.00"
        mode="text",
        textfont={
            "size": 12,
            "color": [readable(colours, (float(values[cell]) - low) / (high - low)) for cell in known],
        },
        hoverinfo="skip",
        showlegend=False,
    )


def _limit(values: npt.NDArray[np.float32]) -> float:
    """The end of a diverging scale: the largest value between two different instances, rounded up to a tenth."""
    apart = np.abs(values[~np.eye(len(values), dtype=bool)])
    largest = float(np.nanmax(apart)) if np.isfinite(apart).any() else 1.0
    return min(1.0, max(0.1, math.ceil(round(largest * 10, 4)) / 10))


def _lay_out(figure: go.Figure, texts: list[str], groups: Sequence[Any] | None, look: Theme) -> None:
    n = len(texts)
    ticks: dict[str, Any] = {"showticklabels": False}
    if groups is not None:
        runs = _runs(groups)
        for start, end in runs:
            figure.add_shape(
                type="rect",
                x0=start - 0.5,
                x1=end - 0.5,
                y0=start - 0.5,
                y1=end - 0.5,
                line={"color": look.ink, "width": 1},
            )
        if len(runs) <= MOST_NAMED:
            middles = [(start + end - 1) / 2 for start, end in runs]
            ticks = {"tickvals": middles, "ticktext": [escape(shorten(groups[start], 18)) for start, _ in runs]}
    elif n <= MOST_NAMED:
        ticks = {"tickvals": list(range(n)), "ticktext": [escape(text) for text in texts]}
    # Slanted names of many rows are a thicket; the same names stand at the left.
    below = ticks if groups is not None or n <= MOST_NUMBERED else {"showticklabels": False}
    axis = {
        "type": "category",
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "constrain": "domain",
        "automargin": True,
        "tickfont": {"size": 12, "color": look.ink},
    }
    figure.update_layout(
        dragmode="pan",
        modebar={"remove": ["select2d", "lasso2d"]},
        xaxis=axis | below | {"tickangle": -45, "constraintoward": "left"},
        yaxis=axis | ticks | {"autorange": "reversed", "scaleanchor": "x", "scaleratio": 1, "constraintoward": "top"},
    )


def _runs(groups: Sequence[Any]) -> list[tuple[int, int]]:
    """Start and end of each stretch of the same group."""
    runs, start = [], 0
    for _, members in groupby(groups, key=str):
        end = start + sum(1 for _ in members)
        runs.append((start, end))
        start = end
    return runs
