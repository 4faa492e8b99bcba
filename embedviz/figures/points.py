"""One group of points as one plotly trace, in 2-D or 3-D."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from embedviz.errors import ProjectionError
from embedviz.figures.categories import is_missing
from embedviz.figures.colours import WEIGHTS, Theme
from embedviz.figures.words import escape, shorten, wrap
from embedviz.records import DoubleArray, FloatArray, Instances, IntArray

#: One plotly trace; plotly has no common type for them that checkers know.
Trace = Any
#: Above this many points the browser draws with WebGL in place of SVG.
MOST_IN_SVG = 2_000
#: Above this many points no text travels with them: the page would take too long to arrive.
MOST_WITH_TEXT = 20_000
#: What stays of a point that is not among those searched for or selected.
FADED = 0.18
#: A point that keeps this share of its neighbours, and more, is drawn as strongly as any; hardly a map has better ones.
FULL_SHARE = 0.5
#: So many steps of opacity are told apart.
_STEPS = 5
_DIAMETERS = ((50, 12.0), (300, 9.0), (2_000, 7.0), (20_000, 5.0))
_OPACITIES = ((300, 0.95), (2_000, 0.85), (20_000, 0.7))


@dataclass(frozen=True, eq=False)
class Shares:
    """A share in 0..1 of each instance, NaN where it is unknown: how far its place on the map can be trusted.

    ``way`` is "opacity" (points fade with their share) or "colour" (a scale takes the place of the categories).
    """

    values: FloatArray
    name: str = "kept neighbours"
    way: str = "opacity"

    @property
    def coloured(self) -> bool:
        return self.way == "colour"

    def opacities(self, full: float) -> DoubleArray:
        """How strongly each point is drawn, from ``FADED`` to ``full`` in a few steps."""
        share = np.nan_to_num(self.values.astype(np.float64) / FULL_SHARE).clip(0, 1)
        return FADED + (full - FADED) * np.round(share * (_STEPS - 1)) / (_STEPS - 1)


@dataclass(frozen=True, eq=False)
class Canvas:
    """What every trace of one map is made with: places, words, and the looks that depend on how many they are."""

    coordinates: FloatArray
    instances: Instances
    theme: Theme
    colour: str | None
    size: float
    opacity: float
    dense: bool
    shares: Shares | None = None

    @property
    def flat(self) -> bool:
        return bool(self.coordinates.shape[1] == 2)

    def trace(self, positions: IntArray, **settings: Any) -> Trace:
        """A trace of the given points; ``customdata`` holds each point's id and, if there are few, its hover text."""
        kind = go.Scatter3d if not self.flat else go.Scattergl if self.dense else go.Scatter
        x, y, *z = self.coordinates[positions].T
        return kind(x=x, y=y, **({"z": z[0]} if z else {}), **settings)

    def points(self, positions: IntArray, marker: dict[str, Any], **settings: Any) -> Trace:
        size = self.size * WEIGHTS.get(marker["symbol"], 1.0)
        marker = {"size": round(size, 1), "line": self.outline(marker["symbol"])} | marker
        text = len(self.instances) <= MOST_WITH_TEXT
        return self.trace(
            positions,
            mode="markers",
            marker=marker,
            customdata=[self.data(int(position), text) for position in positions],
            # "none" still tells the page what was clicked; only the label is not drawn.
            **({"hovertemplate": "%{customdata[1]}<extra></extra>"} if text else {"hoverinfo": "none"}),
            **settings,
        )

    def outline(self, symbol: str) -> dict[str, Any]:
        """A hair of background around each point keeps overlapping points apart."""
        small = self.size < 5 or not self.flat
        return {} if small or symbol.endswith("open") else {"width": 0.8, "color": self.theme.background}

    def data(self, position: int, text: bool) -> list[str]:
        identity = self.instances.ids[position]
        if not text:
            return [identity]
        label = self.instances.columns[self.colour][position] if self.colour else None
        foot = [] if is_missing(label) else [f"<b>{escape(shorten(label, 60))}</b>"]
        if self.shares is not None and np.isfinite(self.shares.values[position]):
            foot.append(f"{escape(self.shares.name)} {self.shares.values[position]:.0%}")
        foot.append(f'<span style="color:{self.theme.muted}">{escape(shorten(identity, 40))}</span>')
        return [identity, wrap(str(self.instances.items[position])) + "<br>" + " · ".join(foot)]


def check_map(coordinates: FloatArray, instances: Instances, colour: str | None) -> None:
    """ProjectionError where there is not a place in 2-D or 3-D for each instance, or no such column to colour by."""
    if coordinates.ndim != 2 or coordinates.shape[1] not in (2, 3) or len(coordinates) != len(instances):
        raise ProjectionError(
            "A map needs a place in 2-D or 3-D for each instance",
            value=f"coordinates {coordinates.shape} for {len(instances)} instances",
            remedy="Project these same instances again.",
        )
    check_column(instances, colour)


def check_column(instances: Instances, colour: str | None) -> None:
    """ProjectionError where there is no such column to colour by."""
    if colour is not None and colour not in instances.columns:
        raise ProjectionError(
            "There is no such column to colour by",
            value=colour,
            remedy=f"Choose one of: {', '.join(instances.columns)}.",
        )


def canvas(
    coordinates: FloatArray,
    instances: Instances,
    theme: Theme,
    colour: str | None,
    size: float | None = None,
    shares: Shares | None = None,
) -> Canvas:
    n = len(coordinates)
    diameter = next((diameter for most, diameter in _DIAMETERS if n <= most), 3.0)
    opacity = next((opacity for most, opacity in _OPACITIES if n <= most), 0.55)
    # Plotly's 3-D markers look larger than flat ones of the same number.
    diameter = diameter if coordinates.shape[1] == 2 else max(2.0, diameter * 0.7)
    return Canvas(coordinates, instances, theme, colour, size or diameter, opacity, n > MOST_IN_SVG, shares)
