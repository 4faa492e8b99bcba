"""The map: a projection drawn with its colours, its selection, its search hits and its true neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from embedviz.errors import ProjectionError
from embedviz.figures.beside import words_beside
from embedviz.figures.colours import THEMES
from embedviz.figures.frame import blank
from embedviz.figures.marks import Mark, colour_axis, marks
from embedviz.figures.points import FADED, Canvas, Shares, Trace, canvas, check_map
from embedviz.figures.words import escape, shorten
from embedviz.records import DoubleArray, FloatArray, Instances, IntArray, Projection

#: More selected points than this are shown by fading the others, not by rings.
MOST_RINGS = 12


def scatter(
    projection: Projection,
    instances: Instances,
    *,
    colour: str | None = None,
    selected: Sequence[str] = (),
    highlighted: Sequence[str] = (),
    lines: Sequence[tuple[str, str]] = (),
    shares: Shares | None = None,
    theme: str = "light",
    size: float | None = None,
    height: int = 560,
) -> go.Figure:
    """The map of ``instances``, in 2-D or 3-D.

    ``colour`` names a column; without it all points look alike. ``selected`` are the ids that are ringed (and, if
    there are several, all others are faded), ``highlighted`` those that a search has found, ``lines`` pairs of ids to
    join. ``shares`` are drawn as opacity, or as colour in place of the column's. Points that have no finite place are
    left out. The first element of a point's ``customdata`` is its id. On a flat map of at most 15 instances, words of
    its text stand beside each point.
    """
    coordinates = projection.coordinates
    check_map(coordinates, instances, colour)
    if shares is not None and shares.values.shape != (len(instances),):
        raise ProjectionError(
            "A share is needed of each instance",
            value=f"{shares.values.shape} for {len(instances)} instances",
            remedy="Measure the trust of this same map.",
        )
    drawing = canvas(coordinates, instances, THEMES[theme], colour, size, shares)
    visible = np.asarray(np.isfinite(coordinates).all(axis=1))
    figure = blank(drawing.theme, height)
    place = {identity: position for position, identity in enumerate(instances.ids) if visible[position]}
    figure.add_traces(_lines(drawing, place, lines))
    hits = np.isin(np.arange(len(instances)), [place[identity] for identity in highlighted if identity in place])
    looks = marks(drawing, visible, theme)
    figure.add_traces(_groups(drawing, looks, _opacities(drawing, hits)))
    chosen = np.array([place[identity] for identity in dict.fromkeys(selected) if identity in place], dtype=np.int64)
    _select(figure, drawing, chosen)
    _legend(figure, drawing, looks)
    _axes(figure, drawing, coordinates[visible])
    figure.update_layout(annotations=words_beside(drawing, np.flatnonzero(visible), height))
    return figure


def _opacities(drawing: Canvas, hits: npt.NDArray[np.bool_]) -> DoubleArray:
    """How strongly each point is drawn: (n,); what a search has not found is faded."""
    strong = np.full(len(hits), drawing.opacity)
    if drawing.shares is not None and not drawing.shares.coloured:
        strong = drawing.shares.opacities(drawing.opacity)
    return np.where(hits | (not hits.any()), strong, FADED)


def _groups(drawing: Canvas, looks: list[Mark], opacities: DoubleArray) -> list[Trace]:
    """One trace for each opacity of each mark, the faintest beneath all others; a mark's strongest names it."""
    traces = []
    for opacity in np.unique(opacities):
        for mark in looks:
            strength = opacities[mark.positions]
            positions = mark.positions[strength == opacity]
            if len(positions):
                traces.append(_points(drawing, mark, positions, float(opacity), named=opacity == strength.max()))
    return traces


def _points(drawing: Canvas, mark: Mark, positions: IntArray, opacity: float, *, named: bool) -> Trace:
    return drawing.points(
        positions,
        mark.at(positions) | {"opacity": opacity},
        name=mark.name,
        legendgroup=mark.name,
        legendrank=1 + mark.place,
        showlegend=bool(named and mark.name),
    )


def _lines(drawing: Canvas, place: dict[str, int], lines: Sequence[tuple[str, str]]) -> list[Trace]:
    """All lines as one trace beneath the points, with a gap after each."""
    pairs = [(place[start], place[end]) for start, end in lines if start in place and end in place]
    if not pairs:
        return []
    trace = drawing.trace(
        np.array([position for pair in pairs for position in (*pair, pair[1])], dtype=np.int64),
        mode="lines",
        line={"color": drawing.theme.muted, "width": 1.3 if drawing.flat else 3.0},
        hoverinfo="skip",
        showlegend=False,
    )
    for axis in ("x", "y") if drawing.flat else ("x", "y", "z"):
        values = np.array(trace[axis], dtype=np.float32)
        values[2::3] = np.nan
        trace[axis] = values
    return [trace]


def _select(figure: go.Figure, drawing: Canvas, chosen: IntArray) -> None:
    """Tell plotly's own selection what is selected, and ring it."""
    if drawing.flat:
        ids = {drawing.instances.ids[position] for position in chosen}
        # One point is found by its ring; fading all the others for it would hide the map.
        faint = FADED if len(chosen) > 1 else drawing.opacity
        for trace in figure.data:
            if trace.mode == "markers":
                indices = [index for index, data in enumerate(trace.customdata) if data[0] in ids]
                opacity = trace.marker.opacity
                trace.update(
                    selectedpoints=indices if len(chosen) else None,
                    selected={"marker": {"opacity": opacity}},
                    unselected={"marker": {"opacity": min(faint, opacity)}},
                )
    if 0 < len(chosen) <= MOST_RINGS:
        ring = {"symbol": "circle-open", "size": drawing.size + 8, "color": drawing.theme.ink, "opacity": 1.0}
        ring["line"] = {"width": 2.2, "color": drawing.theme.ink}
        figure.add_trace(
            drawing.trace(
                chosen,
                mode="markers",
                marker=ring,
                customdata=[[drawing.instances.ids[position]] for position in chosen],
                hoverinfo="skip",
                showlegend=False,
                **({"unselected": {"marker": {"opacity": 1.0}}} if drawing.flat else {}),
            )
        )


def _legend(figure: go.Figure, drawing: Canvas, looks: list[Mark]) -> None:
    scale = any(mark.continuous for mark in looks)
    if scale:
        figure.update_layout(coloraxis=colour_axis(drawing, looks))
    title = "" if scale or drawing.colour is None else escape(shorten(drawing.colour, 26))
    figure.update_layout(
        legend={
            # Beside the names, plotly counts the title's width wrongly and cuts the last of a line.
            "title": {"text": title, "font": {"size": 12, "color": drawing.theme.muted}, "side": "top"},
            "itemsizing": "constant",
            "bgcolor": "rgba(0,0,0,0)",
            "font": {"size": 13, "color": drawing.theme.ink},
            # Below the map, which has the whole width so.
            "orientation": "h",
            "x": 0,
            "y": -0.02,
            "yanchor": "top",
        },
    )


def _axes(figure: go.Figure, drawing: Canvas, places: FloatArray) -> None:
    axis = {"visible": False, "showgrid": False, "zeroline": False, "showticklabels": False, "title": None}
    if drawing.flat:
        figure.update_layout(
            clickmode="event+select", dragmode="pan", xaxis=axis, yaxis=axis | {"scaleanchor": "x", "scaleratio": 1}
        )
        return
    spread = np.ptp(places, axis=0) if len(places) else np.zeros(3)
    # True proportions, unless the cloud is all but flat and would be drawn as a line.
    aspect = "data" if spread.min() > 0.05 * spread.max() else "cube"
    walls = axis | {"showbackground": False, "showspikes": False}
    figure.update_layout(
        scene={
            "xaxis": walls,
            "yaxis": walls,
            "zaxis": walls,
            "aspectmode": aspect,
            "dragmode": "turntable",
            "camera": {"eye": {"x": 1.2, "y": 1.2, "z": 0.8}},
        }
    )
