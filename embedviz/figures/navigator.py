"""How alike layers are, as a picture whose cells can be chosen: one row and one column a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from embedviz.figures.colours import THEMES, Theme, readable, scale
from embedviz.figures.frame import blank
from embedviz.figures.words import escape, shorten
from embedviz.records import Agreement, DoubleArray

#: Rows whose numbers still fit the cells.
_MOST_NUMBERED = 14
_ROW = 34


def navigator(
    agreement: Agreement,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    chosen: tuple[str, str] | None = None,
    models: tuple[str, str] | None = None,
    theme: str = "light",
) -> go.Figure:
    """The (rows, columns) values as cells, ``chosen`` framed; a cell's ``customdata`` is (row, column).

    The scale ends at the largest value between two different layers, so that these can be told apart. ``models`` are
    the names that stand before those of the layers: they are written once, along each side.
    """
    look = THEMES[theme]
    figure = blank(look, 90 + _ROW * min(len(rows), 16))
    figure.add_traces(
        [_cells(agreement, rows, columns, look), _handles(agreement, rows, columns, look)],
    )
    if chosen is not None and chosen[0] in rows and chosen[1] in columns:
        _frame(figure, rows.index(chosen[0]), columns.index(chosen[1]), look)
    _axes(figure, rows, columns, models or ("", ""), look)
    return figure


def _range(values: DoubleArray, rows: Sequence[str], columns: Sequence[str]) -> tuple[float, float]:
    apart = values[np.array([[row != column for column in columns] for row in rows])]
    apart = apart[np.isfinite(apart)]
    if not len(apart):
        return 0.0, 1.0
    return min(0.0, float(apart.min())), max(float(apart.max()), 0.1)


def _cells(agreement: Agreement, rows: Sequence[str], columns: Sequence[str], look: Theme) -> Any:
    low, high = _range(agreement.values, rows, columns)
    return go.Heatmap(
        z=agreement.values,
        x=list(range(len(columns))),
        y=list(range(len(rows))),
        zmin=low,
        zmax=high,
        colorscale=scale(look.sequential),
        showscale=False,
        xgap=1,
        ygap=1,
        hoverinfo="skip",
    )


def _handles(agreement: Agreement, rows: Sequence[str], columns: Sequence[str], look: Theme) -> Any:
    """The numbers, and what a click takes hold of: plotly tells of clicks on points, not on cells."""
    low, high = _range(agreement.values, rows, columns)
    cells = list(np.ndindex(agreement.values.shape))
    numbered = max(len(rows), len(columns)) <= _MOST_NUMBERED
    colours = [
        readable(look.sequential, (float(agreement.values[cell]) - low) / (high - low))
        if np.isfinite(agreement.values[cell])
        else look.muted
        for cell in cells
    ]
    font = {"size": 12, "color": colours}
    return go.Scatter(
        x=[column for _, column in cells],
        y=[row for row, _ in cells],
        mode="markers+text" if numbered else "markers",
        marker={"size": 20, "opacity": 0, "symbol": "square"},
        text=[_number(float(agreement.values[cell])) for cell in cells],
        textfont=font,
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}, "textfont": {"color": None}},
        customdata=[[rows[row], columns[column]] for row, column in cells],
        hovertext=[_told(agreement, rows[row], columns[column], (row, column)) for row, column in cells],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )


def _number(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}" if np.isfinite(value) else "–"


def _told(agreement: Agreement, row: str, column: str, cell: tuple[int, ...]) -> str:
    names = f"{escape(shorten(row, 60))}<br>{escape(shorten(column, 60))}"
    value, low, high = (array[cell] for array in (agreement.values, agreement.low, agreement.high))
    if not np.isfinite(value):
        return f"{names}<br><b>cannot be measured</b>"
    between = f" ({low:.2f} … {high:.2f})" if np.isfinite([low, high]).all() and low < high else ""
    return f"{names}<br><b>{value:.2f}</b>{between}"


def _frame(figure: go.Figure, row: int, column: int, look: Theme) -> None:
    figure.add_shape(
        type="rect",
        x0=column - 0.5,
        x1=column + 0.5,
        y0=row - 0.5,
        y1=row + 0.5,
        line={"color": look.ink, "width": 2.5},
    )


def _axes(figure: go.Figure, rows: Sequence[str], columns: Sequence[str], models: tuple[str, str], look: Theme) -> None:
    axis = {
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "automargin": True,
        "fixedrange": True,
        "tickfont": {"size": 12, "color": look.ink},
    }

    def ticks(names: Sequence[str], model: str) -> dict[str, Any]:
        # Every second, third, … name where all would run into each other.
        step = -(-len(names) // 16)
        places = list(range(len(names)))[::step]
        told = [names[place].removeprefix(f"{model}: ") for place in places]
        title = {"text": escape(shorten(model, 40)), "font": {"size": 12, "color": look.muted}}
        return {"tickvals": places, "ticktext": [escape(shorten(name, 22)) for name in told], "title": title}

    figure.update_layout(
        clickmode="event+select",
        dragmode=False,
        hoverdistance=-1,
        margin={"l": 4, "r": 4, "t": 8, "b": 4},
        xaxis=axis | ticks(columns, models[1]) | {"tickangle": -45, "range": [-0.5, len(columns) - 0.5]},
        yaxis=axis | ticks(rows, models[0]) | {"range": [len(rows) - 0.5, -0.5]},
    )
