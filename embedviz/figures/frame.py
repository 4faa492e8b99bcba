"""What every figure shares: no axes, a see-through background, and a view that survives a redraw."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from embedviz.figures.colours import Theme

FONT = '"Source Sans", "Source Sans Pro", "Segoe UI", system-ui, sans-serif'
#: How the page hands a figure to the browser. The wheel zooms, as on any map; no button sends the data elsewhere.
CONFIG: dict[str, Any] = {
    "scrollZoom": True,
    "displaylogo": False,
    "displayModeBar": True,
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": [
        "sendChartToCloud",
        "sendDataToCloud",
        "autoScale2d",
        "hoverClosestCartesian",
        "hoverCompareCartesian",
    ],
}


def blank(theme: Theme, height: int) -> go.Figure:
    """An empty figure in the theme's colours."""
    figure = go.Figure()
    figure.update_layout(
        template=None,
        height=height,
        # The tool bar lies over the top edge.
        margin={"l": 4, "r": 4, "t": 34, "b": 4},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 13, "color": theme.ink},
        hoverlabel={
            "bgcolor": theme.label_background,
            "bordercolor": theme.line,
            "font": {"family": FONT, "size": 13, "color": theme.ink},
            "align": "left",
            "namelength": 0,
        },
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": theme.muted, "activecolor": theme.ink},
        uirevision="embedviz",
    )
    return figure


def colour_bar(theme: Theme, title: str, **settings: Any) -> dict[str, Any]:
    """A slim scale at the right; ``title`` is escaped already."""
    return {
        "title": {"text": title, "side": "top", "font": {"size": 12, "color": theme.muted}},
        "thickness": 12,
        "len": 0.6,
        "x": 1.01,
        "y": 1,
        "yanchor": "top",
        "outlinewidth": 0,
        "tickfont": {"size": 12, "color": theme.ink},
    } | settings
