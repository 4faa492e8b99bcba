"""Mutual nearest neighbours: the share of each instance's neighbours that two layers have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from embedviz.comparison import intervals
from embedviz.comparison.measure import Estimate, Measure, Settings
from embedviz.comparison.view import View, fitting
from embedviz.projection.method import Progress
from embedviz.records import IntArray
from embedviz.similarity import blocks


def run(views: Sequence[View], rows: IntArray, settings: Settings, progress: Progress) -> Estimate:
    """Mean of |A ∩ B| / k over all instances (Huh et al. 2024), the neighbours exact and among all of ``rows``."""
    n, count = len(rows), len(views)
    k = fitting(settings.k, n)
    lists = []
    for place, view in enumerate(views):
        lists.append(view.nearest(rows, k + 1))  # one more: the one that moves up where another is left out
        progress(place + 1, count)
    values, half = np.eye(count), np.zeros((count, count))
    for one in range(count):
        for other in range(one):
            values[one, other] = values[other, one] = shared(lists[one][:, :k], lists[other][:, :k]).mean() / k
            half[one, other] = half[other, one] = intervals.NORMAL * standard_error(lists[one], lists[other])
    low, high = np.clip(values - half, 0, 1), np.clip(values + half, 0, 1)
    return Estimate(values, low, high, k / (n - 1), f"Each instance's {k} nearest neighbours.")


def shared(before: IntArray, after: IntArray) -> IntArray:
    """How many of each row's (instances, k) neighbours are in both lists: (instances,)."""
    counts: IntArray = _members(before, after).sum(axis=1)
    return counts


def standard_error(before: IntArray, after: IntArray) -> float:
    """The standard error of the mean overlap of two lists of k; both are (instances, k + 1), with the next nearest.

    A delete-one jackknife. Without an instance, its own overlap is missing, and in the lists it was in the next
    nearest moves up; the share of these that add to the overlap is taken over all lists. (The spread of the overlaps
    alone, which leaves the second out, gives intervals that hold in four of five cases in place of 19 of 20.)
    """
    n, k = len(before), before.shape[1] - 1
    one, other = before[:, :k], after[:, :k]
    inside = _members(one, other)
    into_other = (before[:, k:] == other).any(axis=1).mean()
    into_one = (after[:, k:] == one).any(axis=1).mean()
    into_both = (before[:, k] == after[:, k]).mean()
    without = inside.sum() - inside.sum(axis=1).astype(np.float64)
    without += into_other * np.bincount(one.ravel(), minlength=n) + into_one * np.bincount(other.ravel(), minlength=n)
    without -= (1 - into_both) * np.bincount(one[inside], minlength=n)
    return float(np.sqrt((n - 1) * (without / ((n - 1) * k)).var()))


def _members(of: IntArray, among: IntArray) -> npt.NDArray[np.bool_]:
    """Which of each row's numbers are in the same row of the other table."""
    found = np.empty(of.shape, dtype=bool)
    for start, stop in blocks(len(of), of.shape[1] * among.shape[1]):
        found[start:stop] = (of[start:stop, :, None] == among[start:stop, None, :]).any(axis=2)
    return found


MEASURE = Measure(
    name="mutual_neighbours",
    label="Shared neighbours",
    sentence="How many of an instance's nearest neighbours at one layer are its nearest neighbours at the other too, "
    "on average.",
    minimum=10,
    reason="with so few, nearly everybody is a neighbour of everybody.",
    run=run,
)
