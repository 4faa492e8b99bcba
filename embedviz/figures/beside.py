"""The words beside the points of a flat map of few instances."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedviz.figures.points import Canvas
from embedviz.figures.words import escape, shorten
from embedviz.records import FloatArray, IntArray

#: With more instances than this, words would hide the map; of a text, so many characters stand beside its point.
MOST_WORDS, LONGEST = 15, 28
_FONT = 12
#: Pixels of an average letter, of a line, and of the map where there is little room: how wide it is, only plotly knows.
_LETTER, _LINE, _WIDTH = 6.2, 16, 460
_Box = tuple[float, float, float, float]


def words_beside(drawing: Canvas, positions: IntArray, height: int) -> list[dict[str, Any]]:
    """Annotations, which plotly keeps within the frame, for the points at ``positions``: none covers another."""
    if not drawing.flat or len(drawing.instances) > MOST_WORDS or not len(positions):
        return []
    pixels = _pixels(drawing.coordinates[positions], height)
    away = drawing.size / 2 + 4
    mark = away - 2
    taken: list[_Box] = [(x - mark, x + mark, y - mark, y + mark) for x, y in pixels]
    found = []
    for position, (x, y) in zip(positions, pixels, strict=True):
        text = shorten(drawing.instances.items[position], LONGEST) or shorten(drawing.instances.ids[position], LONGEST)
        spot = _free(x, y, len(text) * _LETTER, away, taken)
        if spot is not None:
            found.append(_annotation(drawing, int(position), text, spot, away))
    return found


def _pixels(places: FloatArray, height: int) -> FloatArray:
    """About where the points come to stand: one scale both ways."""
    spread = np.ptp(places, axis=0)
    scales = np.array([_WIDTH, height]) / np.where(spread > 0, spread, np.inf)
    scale = scales[scales > 0].min(initial=np.inf)
    pixels: FloatArray = (places - places.min(axis=0)) * (scale if np.isfinite(scale) else 1.0)
    return pixels


def _free(x: float, y: float, width: float, away: float, taken: list[_Box]) -> tuple[int, int] | None:
    """Right of the point, left of it, above or below: the first where nothing stands yet, which is taken then."""
    sides = ((1, 0), (-1, 0)) if x + away + width <= _WIDTH else ((-1, 0), (1, 0))
    for across, up in (*sides, (0, 1), (0, -1)):
        left = x - width / 2 + across * (away + width / 2)
        middle = y + up * (away + _LINE / 2)
        box = (left, left + width, middle - _LINE / 2, middle + _LINE / 2)
        if not any(box[0] < b and box[1] > a and box[2] < d and box[3] > c for a, b, c, d in taken):
            taken.append(box)
            return across, up
    return None


def _annotation(drawing: Canvas, position: int, text: str, side: tuple[int, int], away: float) -> dict[str, Any]:
    x, y = map(float, drawing.coordinates[position])
    across, up = side
    around = [f"{dx}px {dy}px 2px {drawing.theme.background}" for dx in (-1, 1) for dy in (-1, 1)]
    return {
        "x": x,
        "y": y,
        "text": escape(text),
        "showarrow": False,
        "xanchor": {1: "left", 0: "center", -1: "right"}[across],
        "yanchor": {1: "bottom", 0: "middle", -1: "top"}[up],
        "xshift": across * away,
        "yshift": up * away,
        "borderpad": 0,
        "font": {"size": _FONT, "color": drawing.theme.ink, "shadow": ", ".join(around * 2)},
    }
