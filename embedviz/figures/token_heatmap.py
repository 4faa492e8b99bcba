"""Every token of one text against every token of another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from embedviz.errors import ProjectionError
from embedviz.figures.colours import THEMES, scale
from embedviz.figures.frame import blank, colour_bar
from embedviz.figures.words import escape, shorten

#: Tokens a side whose names are still readable.
MOST_NAMED = 60


def token_heatmap(
    cosines: npt.ArrayLike, rows: Sequence[str], columns: Sequence[str], *, theme: str = "light", height: int = 460
) -> go.Figure:
    """``cosines`` (rows, columns) of the tokens of two texts, in one hue from 0 up; NaN is left open."""
    values = np.asarray(cosines, dtype=np.float32)
    if values.shape != (len(rows), len(columns)):
        raise ProjectionError(
            "A table of cosines needs a token for each row and column",
            value=f"{values.shape} for {len(rows)} and {len(columns)} tokens",
            remedy="Pass the tokens of both texts.",
        )
    look = THEMES[theme]
    figure = blank(look, height)
    figure.add_trace(
        go.Heatmap(
            z=values,
            # By their place, since a text may have the same token twice.
            x=list(range(len(columns))),
            y=list(range(len(rows))),
            customdata=[
                [f"{escape(shorten(row, 40))}<br>{escape(shorten(column, 40))}" for column in columns] for row in rows
            ],
            zmin=0.0,
            zmax=1.0,
            colorscale=scale(look.sequential),
            colorbar=colour_bar(look, "cosine", tickformat=".1f"),
            hovertemplate="%{customdata}<br><b>cosine %{z:.2f}</b><extra></extra>",
            hoverongaps=False,
            xgap=1,
            ygap=1,
        )
    )
    axis = {"showgrid": False, "zeroline": False, "ticks": "", "automargin": True, "fixedrange": True}
    figure.update_layout(
        dragmode=False,
        margin={"l": 4, "r": 4, "t": 8, "b": 4},
        xaxis=axis | _names(columns, look.ink) | {"tickangle": -45},
        yaxis=axis | _names(rows, look.ink) | {"autorange": "reversed"},
    )
    return figure


def _names(tokens: Sequence[str], ink: str) -> dict[str, object]:
    if len(tokens) > MOST_NAMED:
        return {"showticklabels": False}
    names = [escape(shorten(token, 18)) for token in tokens]
    return {"tickvals": list(range(len(tokens))), "ticktext": names, "tickfont": {"size": 12, "color": ink}}
