"""Which points share a colour: the categories of a column, or its place on a continuous scale."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.figures.colours import MOST_CATEGORIES
from embedviz.records import IntArray

#: A column of numbers with more distinct values than this is a scale, with fewer it is a set of names.
MOST_NUMBERS_AS_NAMES = 12


@dataclass(frozen=True, eq=False)
class Category:
    """The positions that share a value. ``rank`` is its place in the palette; None for the grey groups."""

    name: str
    positions: IntArray
    rank: int | None


def is_missing(value: Any) -> bool:
    """None, pandas' NA, blank text, and NaN and its kin (which are unlike themselves)."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return not value.strip() if isinstance(value, str) else bool(value != value)


def is_continuous(values: Sequence[Any]) -> bool:
    present = [value for value in values if not is_missing(value)]
    numeric = bool(present) and all(
        isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_) for value in present
    )
    return numeric and len(set(present)) > MOST_NUMBERS_AS_NAMES


def as_numbers(values: Sequence[Any]) -> npt.NDArray[np.float64]:
    """The values as float64; what is missing or not finite is NaN."""
    numbers = np.array([math.nan if is_missing(value) else float(value) for value in values], dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def categories(values: Sequence[Any], most: int = MOST_CATEGORIES) -> list[Category]:
    """The groups of a column in the order of their names: the most frequent, then "other", then "no label".

    A name keeps its colour whatever order the instances come in.
    """
    names = [None if is_missing(value) else str(value) for value in values]
    counts = Counter(name for name in names if name is not None)
    frequent = sorted(counts, key=lambda name: (-counts[name], name))
    if len(frequent) > most:
        # Of names that occur once each, none deserves a colour more than the others.
        frequent = [name for name in frequent[: most - 1] if counts[name] > 1]
    shown = sorted(frequent, key=_natural)
    ranks = {name: rank for rank, name in enumerate(shown)}
    places: dict[str, list[int]] = {name: [] for name in shown}
    other: list[int] = []
    unlabelled: list[int] = []
    for position, name in enumerate(names):
        (unlabelled if name is None else places.get(name, other)).append(position)
    groups = [Category(name, np.array(places[name], dtype=np.int64), ranks[name]) for name in shown]
    if other:
        groups.append(Category(f"other ({len(counts) - len(shown)} labels)", np.array(other, dtype=np.int64), None))
    if unlabelled:
        groups.append(Category("no label", np.array(unlabelled, dtype=np.int64), None))
    return groups


def _natural(name: str) -> tuple[float, str]:
    """Numbers by size, before words in the order of the alphabet."""
    try:
        number = float(name)
    except ValueError:
        return (math.inf, name.casefold())
    return (number if math.isfinite(number) else math.inf, name)
