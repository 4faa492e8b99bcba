"""The marker shapes of the screen as matplotlib draws them."""

from __future__ import annotations

from typing import Any

from embedviz.figures.colours import WEIGHTS

#: By plotly's names.
_KNOWN: dict[str, Any] = {
    "circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "cross": "P", "star": "*", "triangle-down": "v",
    "x": "X", "hexagon": "h", "pentagon": "p", "star-diamond": (4, 1, 0), "triangle-left": "<", "triangle-right": ">",
    "star-square": (4, 1, 45),
}  # fmt: skip
_CORNERS = {
    "hourglass": [(-1, 1), (1, 1), (-1, -1), (1, -1), (-1, 1)],
    "bowtie": [(-1, 1), (-1, -1), (1, 1), (1, -1), (-1, 1)],
}
#: matplotlib's diamond reaches farther than plotly's of the same size.
_SIZES = {"diamond": 0.8, "star": 1.1}


def marker(shape: str) -> Any:
    """What matplotlib takes as ``marker``."""
    from matplotlib.path import Path

    name = shape.removesuffix("-open")
    return Path(_CORNERS[name], closed=True) if name in _CORNERS else _KNOWN[name]


def style(shape: str, colour: str, size: float, outline: str) -> dict[str, Any]:
    """A marker's look for ``Axes.scatter``, ``size`` points across."""
    across = size * WEIGHTS.get(shape, 1.0) * _SIZES.get(shape.removesuffix("-open"), 1.0)
    look: dict[str, Any] = {"marker": marker(shape), "s": across**2}
    if shape.endswith("-open"):
        return look | {"facecolors": "none", "edgecolors": colour, "linewidths": 0.9}
    return look | {"c": [colour], "edgecolors": outline, "linewidths": 0.35}
