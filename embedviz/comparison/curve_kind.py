"""What a curve over depth declares: one number a layer, what it says and what it does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from embedviz.comparison.measure import Settings
from embedviz.comparison.view import View
from embedviz.records import IntArray


@dataclass(frozen=True)
class Point:
    """A layer's number and the ends of its 95 % interval, NaN where there is none."""

    value: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class CurveKind:
    """One number a layer.

    ``sentence`` says what it is, ``not_said`` what it does not say, each to somebody who does not know it. It is not
    taken of fewer than ``minimum`` instances; of more than ``most``, a sample of so many stands for all.
    ``run(view, rows, codes, settings)`` takes it of the instances at ``rows``, all of which have a direction;
    ``codes`` are their labels, (rows,), where it ``needs_labels``. ``chance`` is what it would be without order, from
    the labels. ``of_constant``: it can be taken of a layer that gives the same vector for every instance.
    """

    name: str
    label: str
    sentence: str
    not_said: str
    minimum: int
    run: Callable[[View, IntArray, IntArray, Settings], Point]
    needs_labels: bool = False
    chance: Callable[[IntArray], float] | None = None
    most: int | None = None
    decimals: int = 2
    of_constant: bool = False
