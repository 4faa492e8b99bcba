"""How the points of a map look: each group's colour, shape and name in the legend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.figures.categories import as_numbers, categories, is_continuous
from embedviz.figures.colours import palette, scale, shapes
from embedviz.figures.frame import colour_bar
from embedviz.figures.points import Canvas
from embedviz.figures.words import escape, shorten
from embedviz.records import IntArray


@dataclass(frozen=True, eq=False)
class Mark:
    """Points that look alike, or that share one continuous scale (``numbers``, one an instance).

    ``place`` is the line in the legend, which a search must not shuffle.
    """

    positions: IntArray
    name: str
    colour: str = ""
    shape: str = "circle"
    numbers: npt.NDArray[np.float64] | None = None
    place: int = 0

    @property
    def continuous(self) -> bool:
        return self.numbers is not None

    def at(self, positions: IntArray) -> dict[str, Any]:
        """The marker of some of the points."""
        if self.numbers is None:
            return {"color": self.colour, "symbol": self.shape}
        # On an axis of its own, so that those found and those faded by a search keep one scale.
        return {"color": self.numbers[positions], "coloraxis": "coloraxis", "symbol": self.shape}


def marks(drawing: Canvas, visible: npt.NDArray[np.bool_], theme: str) -> list[Mark]:
    """The groups of a map in the order of the legend; those without a visible point are left out."""
    everything = np.flatnonzero(visible).astype(np.int64)
    shares = drawing.shares if drawing.shares is not None and drawing.shares.coloured else None
    if drawing.colour is None and shares is None:
        return [Mark(everything, "", palette(1, theme)[0])]
    values = () if shares else drawing.instances.columns[drawing.colour or ""]
    if shares is not None:
        found = _scale(drawing, everything, shares.values.astype(np.float64))
    elif is_continuous(values):
        found = _scale(drawing, everything, as_numbers(values))
    else:
        found = _named(drawing, visible, theme)
    shown = [mark for mark in found if len(mark.positions)]
    return [replace(mark, place=place) for place, mark in enumerate(shown)]


def colour_axis(drawing: Canvas, looks: list[Mark]) -> dict[str, Any]:
    """The scale that continuous marks share."""
    if drawing.shares is not None and drawing.shares.coloured:
        # All of the scale on every map, so that the colours of two of them can be compared.
        bar = colour_bar(drawing.theme, escape(shorten(drawing.shares.name, 22)), tickformat=".0%", nticks=5)
        return {"cmin": 0.0, "cmax": 1.0, "colorscale": scale(drawing.theme.continuous), "colorbar": bar}
    values = np.concatenate([mark.numbers[mark.positions] for mark in looks if mark.numbers is not None])
    return {
        "cmin": float(values.min()),
        "cmax": float(values.max()),
        "colorscale": scale(drawing.theme.continuous),
        "colorbar": colour_bar(drawing.theme, escape(shorten(drawing.colour, 22))),
    }


def _scale(drawing: Canvas, everything: IntArray, numbers: npt.NDArray[np.float64]) -> list[Mark]:
    known = np.isfinite(numbers[everything])
    unknown = everything[~known]
    return [
        Mark(unknown, _entry("no value", len(unknown)), drawing.theme.missing),
        Mark(everything[known], "", numbers=numbers),
    ]


def _named(drawing: Canvas, visible: npt.NDArray[np.bool_], theme: str) -> list[Mark]:
    groups = categories(drawing.instances.columns[drawing.colour or ""])
    ranked = sum(group.rank is not None for group in groups)
    colours, symbols = palette(ranked, theme), shapes(ranked, 2 if drawing.flat else 3)
    found = []
    for group in groups:
        positions = group.positions[visible[group.positions]]
        name = _entry(group.name, len(positions))
        if group.rank is None:
            found.append(Mark(positions, name, drawing.theme.missing))
        else:
            found.append(Mark(positions, name, colours[group.rank], symbols[group.rank]))
    return found


def _entry(name: str, count: int) -> str:
    """A line of the legend: the name, and how many points bear it."""
    return f"{escape(shorten(name, 26))}  {count:,}"
