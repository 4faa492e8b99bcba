"""What each point of linked maps looks like: the same colours and shapes as on the one map of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.figures.categories import as_numbers, categories, is_continuous, is_missing
from embedviz.figures.colours import THEMES, WEIGHTS, Theme, palette, shapes
from embedviz.figures.points import MOST_WITH_TEXT
from embedviz.figures.words import shorten
from embedviz.records import Instances

#: Colours that a continuous scale is drawn in; the eye tells no more apart on points this small.
STEPS = 64


@dataclass(frozen=True)
class Look:
    """A marker: ``weight`` evens out how large the shapes seem."""

    colour: str
    shape: str = "circle"

    @property
    def weight(self) -> float:
        return WEIGHTS.get(self.shape, 1.0)


@dataclass(frozen=True, eq=False)
class Looks:
    """``of`` (instances,) says which of ``looks`` an instance has.

    ``entries`` are the legend's: name, count, look. ``scale`` holds a continuous column's ends and colours,
    ``labels`` each instance's value as a short text.
    """

    looks: list[Look]
    of: npt.NDArray[np.uint8]
    title: str = ""
    entries: list[tuple[str, int, int]] = field(default_factory=list)
    scale: dict[str, Any] | None = None
    labels: dict[str, Any] | None = None


def looks(instances: Instances, colour: str | None, seen: npt.NDArray[np.bool_], theme: str) -> Looks:
    """The looks by the column ``colour``; the legend counts only what is ``seen`` (instances,)."""
    if colour is None:
        return Looks([Look(palette(1, theme)[0])], np.zeros(len(instances), dtype=np.uint8))
    values = instances.columns[colour]
    title = shorten(colour, 40)
    labels = _labels(values) if len(instances) <= MOST_WITH_TEXT else None
    if is_continuous(values):
        return _scaled(as_numbers(values), seen, title, THEMES[theme], labels)
    return _named(values, seen, title, theme, labels)


def _named(
    values: Sequence[Any], seen: npt.NDArray[np.bool_], title: str, theme: str, labels: dict[str, Any] | None
) -> Looks:
    groups = categories(values)
    ranked = sum(group.rank is not None for group in groups)
    colours, symbols = palette(ranked, theme), shapes(ranked)
    found: list[Look] = []
    of = np.zeros(len(values), dtype=np.uint8)
    entries = []
    for place, group in enumerate(groups):
        rank = group.rank
        found.append(Look(THEMES[theme].missing) if rank is None else Look(colours[rank], symbols[rank]))
        of[group.positions] = place
        count = int(seen[group.positions].sum())
        if count:
            entries.append((shorten(group.name, 60), count, place))
    return Looks(found, of, title, entries, None, labels)


def _scaled(
    numbers: npt.NDArray[np.float64],
    seen: npt.NDArray[np.bool_],
    title: str,
    theme: Theme,
    labels: dict[str, Any] | None,
) -> Looks:
    known = np.isfinite(numbers)
    shown = numbers[known & seen]
    low, high = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 0.0)
    share = (np.where(known, numbers, low) - low) / ((high - low) or 1.0)
    of = np.where(known, np.rint(np.clip(share, 0, 1) * (STEPS - 1)), STEPS).astype(np.uint8)
    colours = _between(theme.continuous)
    unknown = int((seen & ~known).sum())
    return Looks(
        [*map(Look, colours), Look(theme.missing)],
        of,
        title,
        [("no value", unknown, STEPS)] if unknown else [],
        {"low": f"{low:.4g}", "high": f"{high:.4g}", "colours": theme.continuous} if len(shown) else None,
        labels,
    )


def _labels(values: Sequence[Any]) -> dict[str, Any]:
    """Texts by number, each kept once; -1 stands for none."""
    numbers: dict[str, int] = {}
    of = [-1 if is_missing(value) else numbers.setdefault(shorten(value, 60), len(numbers)) for value in values]
    return {"texts": list(numbers), "of": of}


def _between(colours: Sequence[str]) -> list[str]:
    """The scale's colours in so many even steps, mixed as plotly mixes them."""
    known = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in colours])
    where = np.linspace(0, len(colours) - 1, STEPS)
    mixed = [np.rint(np.interp(where, np.arange(len(colours)), channel)).astype(int) for channel in known.T]
    return [f"#{red:02X}{green:02X}{blue:02X}" for red, green, blue in zip(*mixed, strict=True)]
