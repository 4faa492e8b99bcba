"""Maps on paper: one large, or several in one frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.figures.flat import flat
from embedviz.figures.survival import one_in, survive_sentence
from embedviz.figures.words import shorten
from embedviz.pictures.paper import LARGE, LINE, LOOK, MARGIN, SMALL, Sheet
from embedviz.pictures.points import Points
from embedviz.projection.aligned import ALIGNMENTS
from embedviz.projection.told import told
from embedviz.records import AlignedMaps, FloatArray, Instances, Projection

#: A map is so high beside its width; so many stand side by side, with so many millimetres between them.
_SHAPE, _ABREAST, _GAP = 0.72, 3, 4.0


def one_map(projection: Projection, instances: Instances, colour: str | None, title: str, caption: str) -> Sheet:
    """One map over the whole width, its legend, and how it was drawn."""
    sheet, points = Sheet(), Points.of(projection, instances, colour)
    if title:
        sheet.text(shorten(title, 90), down=2.2, size=LARGE, weight="bold")
        sheet.advance(5.5)
    wide = sheet.width - 2 * MARGIN
    high = wide * _shape(projection.coordinates)
    sheet.area(MARGIN, wide, high, lambda axes: points.draw(axes, projection.coordinates))
    sheet.advance(high + 1)
    points.legend(sheet)
    sheet.advance(1)
    side = "seen from one side" if projection.dimensions == 3 else ""
    parts = [told(projection, len(instances)), side, survive_sentence(projection), projection.note.rstrip("."), caption]
    sheet.caption(" · ".join(part for part in parts if part))
    return sheet


def small_multiples(
    maps: AlignedMaps, instances: Instances, colour: str | None, shown: Sequence[str], title: str, caption: str
) -> Sheet:
    """Maps of the layers ``shown`` side by side in one frame. ProjectionError where one of them is not there."""
    for name in shown:
        if name not in maps.maps:
            raise ProjectionError("There is no such map", value=name, remedy=f"Choose of: {', '.join(maps.maps)}.")
    drawn = {name: maps.maps[name] for name in shown}
    sheet = Sheet()
    if title:
        sheet.text(shorten(title, 90), down=2.2, size=LARGE, weight="bold")
        sheet.advance(5.5)
    abreast = min(_ABREAST, len(drawn)) if len(drawn) != 4 else 2
    wide = (sheet.width - 2 * MARGIN - (abreast - 1) * _GAP) / abreast
    looks = {name: Points.of(each, instances, colour) for name, each in drawn.items()}
    frame = _frame([each.coordinates for each in drawn.values()])
    for start in range(0, len(drawn), abreast):
        for place, name in enumerate(list(drawn)[start : start + abreast]):
            left = MARGIN + place * (wide + _GAP)
            sheet.text(shorten(name, int(wide / 1.8)), left=left, down=LINE / 2, weight="bold")
            kept = drawn[name].kept
            keeps = f"keeps {one_in(kept)} neighbours" if kept is not None else ""
            sheet.text(keeps, left=left, down=LINE * 1.5, size=SMALL, color=LOOK.muted)
            # Points that look well on one large map are too large on a small one.
            panel = _panel(looks[name], drawn[name].coordinates, frame, 1 / abreast**0.5)
            sheet.area(left, wide, wide * _SHAPE, panel, 2 * LINE)
        sheet.advance(2 * LINE + wide * _SHAPE + 2)
    looks[shown[0]].legend(sheet)
    sheet.advance(1)
    first = next(iter(drawn.values()))
    alignment = f"{ALIGNMENTS[maps.alignment].label}: {told(first, len(instances))}"
    sheet.caption(" · ".join(part for part in (alignment, maps.note.rstrip("."), caption) if part))
    return sheet


def _panel(points: Points, coordinates: FloatArray, frame: Any, part: float) -> Any:
    def draw(axes: Any) -> None:
        points.draw(axes, coordinates, part)
        if frame is not None:
            axes.set_aspect("equal", adjustable="box")
            axes.set(xlim=frame[0], ylim=frame[1])

    return draw


def _shape(coordinates: FloatArray) -> float:
    """How high a map is beside its width: as its points lie, within bounds."""
    frame = _frame([coordinates])
    if frame is None:
        return _SHAPE
    (left, right), (bottom, top) = frame
    return float(min(0.85, max(0.4, (top - bottom) / (right - left))))


def _frame(maps: Sequence[FloatArray]) -> Any:
    """The ends of both axes that hold all places of all maps; None where there is no place."""
    places = np.concatenate([flat(coordinates) for coordinates in maps])
    places = places[np.isfinite(places).all(axis=1)]
    if not len(places):
        return None
    low, high = places.min(axis=0), places.max(axis=0)
    room = 0.04 * max(float((high - low).max()), 1e-6)
    return [(float(one) - room, float(other) + room) for one, other in zip(low, high, strict=True)]
