"""Layers compared, on paper: how alike they are as a heatmap, and curves over the depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from embedviz.comparison import CURVES, MEASURES
from embedviz.errors import ProjectionError
from embedviz.figures.colours import palette, readable
from embedviz.figures.words import plain, shorten
from embedviz.pictures.paper import LARGE, LINE, LOOK, MARGIN, NORMAL, SMALL, Sheet
from embedviz.pictures.points import colours_of
from embedviz.records import Agreement, Comparison, Curve

#: Layers whose numbers still fit the cells; curves side by side; millimetres of a curve's height and of its numbers.
_MOST_NUMBERED, _ABREAST, _HEIGHT, _NUMBERS = 14, 3, 26.0, 9.0


def navigator(comparison: Comparison, measure: str, caption: str) -> Sheet:
    """How alike every two layers are. ProjectionError where there is no such measure, or it could not be taken."""
    if measure not in comparison.agreements:
        known = ", ".join(comparison.agreements)
        raise ProjectionError("There is no such measure", value=measure, remedy=f"Choose one of: {known}.")
    found = comparison.agreements[measure]
    if found.why_not:
        raise ProjectionError(found.why_not.rstrip("."), value=MEASURES[measure].label)
    sheet = Sheet()
    sheet.text(MEASURES[measure].label, down=2.2, size=LARGE, weight="bold")
    sheet.advance(5.5)
    names = 1.5 * min(28, max(len(name) for name in comparison.rows))
    wide = min(sheet.width - 2 * MARGIN - names, 9.0 * len(comparison.columns) + 20)
    high = max(wide * len(comparison.rows) / len(comparison.columns), 10.0)
    sheet.area(MARGIN + names, wide, high, lambda axes: _cells(axes, found, comparison))
    sheet.advance(high + 1.1 * min(28, max(len(name) for name in comparison.columns)) + 4)
    chance = "" if found.chance is None else f"layers that have nothing in common would get {found.chance:.2f}"
    instances = f"{comparison.instances:,} instances"
    sheet.caption(" · ".join(part for part in (instances, chance, found.note.rstrip("."), caption) if part))
    return sheet


def _cells(axes: Any, found: Agreement, comparison: Comparison) -> None:
    rows, columns, values = comparison.rows, comparison.columns, found.values
    apart = values[np.array([[row != column for column in columns] for row in rows])]
    apart = apart[np.isfinite(apart)]
    # As on the screen: the scale ends at the largest value between two different layers.
    low, high = (min(0.0, float(apart.min())), max(float(apart.max()), 0.1)) if len(apart) else (0.0, 1.0)
    axes.pcolormesh(
        np.ma.masked_invalid(values), cmap=colours_of(LOOK.sequential), vmin=low, vmax=high, edgecolors="w", lw=0.6
    )
    axes.invert_yaxis()
    if max(len(rows), len(columns)) <= _MOST_NUMBERED:
        for row, column in np.ndindex(values.shape):
            value = float(values[row, column])
            ink = readable(LOOK.sequential, (value - low) / (high - low)) if np.isfinite(value) else LOOK.muted
            text = f"{round(value, 2) + 0.0:.2f}" if np.isfinite(value) else "–"
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", size=SMALL, color=ink)
    step = -(-max(len(rows), len(columns)) // 40)
    for axis, names in ((axes.xaxis, columns), (axes.yaxis, rows)):
        axis.set_ticks([place + 0.5 for place in range(len(names))][::step], [shorten(n, 28) for n in names[::step]])
    axes.tick_params(length=0, labelsize=SMALL, colors=LOOK.ink)
    axes.tick_params(axis="x", rotation=45)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    axes.set_frame_on(False)


def curves(comparison: Comparison, models: Sequence[str], caption: str) -> Sheet:
    """One number a layer, a small picture each; of two models two lines, ``models`` their names."""
    sheet = Sheet()
    sheet.text("Over the depth", down=2.2, size=LARGE, weight="bold")
    sheet.advance(6)
    names = list(comparison.curves)
    wide = (sheet.width - 2 * MARGIN) / _ABREAST
    for start in range(0, len(names), _ABREAST):
        for place, name in enumerate(names[start : start + _ABREAST]):
            left = MARGIN + place * wide
            sheet.text(CURVES[name].label, left=left, down=LINE / 2, size=NORMAL, weight="bold")
            curve = comparison.curves[name]
            if curve.why_not:
                sheet.text("not measured: too little for it", left=left, down=8, size=SMALL, color=LOOK.muted)
                continue
            sheet.area(left + _NUMBERS, wide - _NUMBERS - 4, _HEIGHT, _curve(comparison, name), down=LINE + 1.5)
        sheet.advance(LINE + _HEIGHT + 9)
    if comparison.other_curves:
        for name, colour in zip(models, palette(2), strict=False):
            sheet.text(shorten(name, 80), down=LINE / 2, size=SMALL, color=colour)
            sheet.advance(LINE)
    bands = "bands: 95 % intervals; dotted: chance"
    sheet.caption(" · ".join(part for part in (f"{comparison.instances:,} instances", bands, caption) if part))
    return sheet


def _curve(comparison: Comparison, name: str) -> Any:
    other = comparison.other_curves.get(name)
    lines = [(comparison.rows, comparison.curves[name])]
    if other is not None and not other.why_not:
        lines.append((comparison.columns, other))

    def draw(axes: Any) -> None:
        for (layers, curve), colour in zip(lines, palette(len(lines)), strict=True):
            _line(axes, np.linspace(0, 1, len(layers)) if len(layers) > 1 else np.zeros(1), curve, colour)
        ends = [lines[0][0][0], lines[0][0][-1]] if len(lines) == 1 else ["first layer", "last layer"]
        axes.set_xticks([0, 1], [shorten(plain(end), 16) for end in ends])
        axes.get_xticklabels()[0].set_ha("left")
        axes.get_xticklabels()[1].set_ha("right")
        axes.tick_params(length=0, labelsize=SMALL - 1, colors=LOOK.muted)
        axes.locator_params(axis="y", nbins=4)
        axes.grid(axis="y", color=LOOK.line, linestyle=":", linewidth=0.4)
        axes.set_frame_on(False)

    return draw


def _line(axes: Any, places: Any, curve: Curve, colour: str) -> None:
    if curve.low is not None and curve.high is not None:
        axes.fill_between(places, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(places, curve.values, color=colour, linewidth=1.2, marker="o", markersize=2.5)
    if curve.chance is not None:
        axes.axhline(curve.chance, color=LOOK.muted, linewidth=0.7, linestyle=":")
