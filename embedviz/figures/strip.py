"""One vector as a strip of values, against what is usual in the set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from embedviz.figures.colours import THEMES
from embedviz.figures.frame import blank

#: More dimensions than this are not told apart on any screen.
MOST_VALUES = 4_096


def strip(
    values: npt.NDArray[np.floating],
    usual: npt.NDArray[np.floating] | None = None,
    marked: Sequence[int] = (),
    *,
    theme: str = "light",
    height: int = 190,
) -> go.Figure:
    """``values`` (width,) over the dimensions, the first 4,096 of them.

    ``usual`` (2, width) are the 5th and 95th percentile of the set, drawn as a band behind them. The dimensions in
    ``marked`` are dark bars.
    """
    look = THEMES[theme]
    figure = blank(look, height)
    shown = np.asarray(values[:MOST_VALUES], dtype=np.float32)
    places = np.arange(len(shown))
    if usual is not None:
        low, high = np.asarray(usual, dtype=np.float32)[:, : len(shown)]
        edge = {"x": places, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
        band = f"rgba({', '.join(str(int(look.muted[at : at + 2], 16)) for at in (1, 3, 5))}, 0.25)"
        figure.add_traces([go.Scatter(y=low, **edge), go.Scatter(y=high, **edge, fill="tonexty", fillcolor=band)])
    # One filled line in steps: a bar for each dimension takes a browser far longer to draw.
    figure.add_trace(
        go.Scatter(
            x=places,
            y=shown,
            mode="lines",
            line={"shape": "hvh", "width": 0},
            fill="tozeroy",
            fillcolor=look.sequential[3],
            hovertemplate="dimension %{x}<br><b>%{y:.4f}</b><extra></extra>",
            showlegend=False,
        )
    )
    chosen = np.unique([place for place in marked if 0 <= place < len(shown)]).astype(np.int64)
    figure.add_trace(
        go.Bar(
            x=chosen,
            y=shown[chosen],
            width=max(1.0, len(shown) / 240),
            marker={"color": look.ink, "line": {"width": 0}},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    font = {"size": 11, "color": look.muted}
    axis = {"zeroline": False, "fixedrange": True, "tickfont": font, "automargin": True}
    figure.update_layout(
        margin={"l": 4, "r": 4, "t": 8, "b": 4},
        bargap=0,
        dragmode=False,
        hovermode="x",
        xaxis=axis | {"showgrid": False, "nticks": 8},
        yaxis=axis | {"gridcolor": look.line, "griddash": "dot", "nticks": 4},
    )
    return figure
