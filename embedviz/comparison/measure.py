"""What a measure of agreement between layers declares, so that pages draw the choice from the declaration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from embedviz.comparison.view import View
from embedviz.projection.method import Progress
from embedviz.records import DoubleArray, IntArray


@dataclass(frozen=True)
class Settings:
    """How many neighbours to look at, and the seed of every draw."""

    k: int = 10
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Estimate:
    """(layers, layers) values and the ends of their 95 % intervals; what unrelated layers would get; a remark."""

    values: DoubleArray
    low: DoubleArray
    high: DoubleArray
    chance: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Measure:
    """How alike layers are: 1 for a layer and itself, whatever the widths.

    ``sentence`` explains it to somebody who does not know it. It is not offered for fewer than ``minimum`` instances,
    and ``reason`` says why. ``run(views, rows, settings, progress)`` compares all of the layers with each other over
    the instances at ``rows``, all of which have a direction in each.
    """

    name: str
    label: str
    sentence: str
    minimum: int
    reason: str
    run: Callable[[Sequence[View], IntArray, Settings, Progress], Estimate]


def sampled(rows: IntArray, most: int, seed: int) -> IntArray:
    """``rows``, or ``most`` of them drawn with a seed, in their order."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def sample_note(measured: int, total: int, seed: int) -> str:
    return f"Measured on {measured:,} of {total:,} instances, drawn with seed {seed}." if measured < total else ""
