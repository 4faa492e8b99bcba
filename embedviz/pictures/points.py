"""The points of a map on paper, and the legend that goes with them."""

from __future__ import annotations

import html
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np

from embedviz.figures.colours import THEMES
from embedviz.figures.flat import depth_of, flat
from embedviz.figures.marks import Mark, marks
from embedviz.figures.points import Canvas, canvas, check_map
from embedviz.figures.words import plain, shorten
from embedviz.pictures.markers import style
from embedviz.pictures.paper import LINE, LOOK, MARGIN, PIXEL, SMALL, Sheet
from embedviz.records import FloatArray, Instances, Projection

#: Above so many points a vector file holds them as one picture: each by itself would make it slow to open.
_MOST_AS_VECTORS = 5_000


@dataclass(frozen=True, eq=False)
class Points:
    """What the points of one map, or of several of the same instances, look like."""

    canvas: Canvas
    marks: list[Mark]

    @classmethod
    def of(cls, projection: Projection, instances: Instances, colour: str | None) -> Points:
        """ProjectionError where map and instances do not fit, or there is no such column."""
        coordinates = projection.coordinates
        check_map(coordinates, instances, colour)
        drawing = canvas(coordinates, instances, THEMES["light"], colour)
        visible = np.asarray(np.isfinite(coordinates).all(axis=1))
        return cls(drawing, marks(drawing, visible, "light") if visible.any() else [])

    def draw(self, axes: Any, coordinates: FloatArray, part: float = 1.0) -> None:
        """All points, on axes without a frame of their own; ``part`` is how large they are beside a large map's."""
        places, order = flat(coordinates), depth_of(coordinates)
        for mark in self.marks:
            # What is farther away is drawn first.
            positions = mark.positions[np.argsort(order[mark.positions], kind="stable")]
            size = max(1.2, self.canvas.size * PIXEL * part)
            outline = LOOK.background if self.canvas.size >= 5 else "none"
            look = style(mark.shape, mark.colour or LOOK.ink, size, outline)
            if mark.numbers is not None:
                look |= {"c": mark.numbers[positions], "cmap": scale(), "vmin": self.ends[0], "vmax": self.ends[1]}
            axes.scatter(
                *places[positions].T,
                alpha=self.canvas.opacity,
                rasterized=len(coordinates) > _MOST_AS_VECTORS,
                **look,
            )
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_axis_off()

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of a continuous scale."""
        known = [mark.numbers[mark.positions] for mark in self.marks if mark.numbers is not None]
        values = np.concatenate(known) if known else np.zeros(1)
        return float(values.min()), float(values.max())

    def legend(self, sheet: Sheet) -> None:
        """Lines of names beside their markers, as many columns as fit; of a continuous column its scale."""
        entries = [(mark, plain(html.unescape(mark.name))) for mark in self.marks if mark.name]
        scaled = any(mark.numbers is not None for mark in self.marks)
        if not entries and not scaled:
            return
        if self.canvas.colour is not None:
            sheet.text(shorten(self.canvas.colour, 60), down=LINE / 2, size=SMALL, color=LOOK.muted)
            sheet.advance(LINE + 0.6)
        if scaled:
            self._bar(sheet)
        wide = 6.0 + 1.45 * max((_letters(name) for _, name in entries), default=0)
        columns = max(1, int((sheet.width - 2 * MARGIN) // wide))
        for place, (mark, name) in enumerate(entries):
            left = MARGIN + (place % columns) * wide
            sheet.area(left, 3.0, LINE, _key(mark))
            sheet.text(name, left=left + 4.0, down=LINE / 2, size=SMALL)
            if place % columns == columns - 1 or place == len(entries) - 1:
                sheet.advance(LINE + 0.6)

    def _bar(self, sheet: Sheet) -> None:
        low, high = self.ends

        def draw(axes: Any) -> None:
            axes.imshow(np.linspace(0, 1, 128)[None], aspect="auto", cmap=scale())
            axes.set_axis_off()

        sheet.text(f"{low:.4g}", down=LINE / 2, size=SMALL)
        sheet.area(MARGIN + 12, 40, 2.4, draw, down=0.5)
        sheet.text(f"{high:.4g}", left=MARGIN + 54, down=LINE / 2, size=SMALL)
        sheet.advance(LINE + 0.6)


def scale() -> Any:
    """The colours of a continuous column."""
    return colours_of(LOOK.continuous)


def colours_of(colours: tuple[str, ...]) -> Any:
    """Evenly spaced colours as matplotlib takes a scale."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("embedviz", colours)


def _letters(text: str) -> int:
    """How many Latin letters a text is as wide as: Chinese and Japanese ones take twice the room."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _key(mark: Mark) -> Any:
    def draw(axes: Any) -> None:
        axes.scatter([0], [0], clip_on=False, **style(mark.shape, mark.colour, 5.0, LOOK.background))
        axes.set_axis_off()

    return draw
