"""Neighbour purity: the share of nearest neighbours that have the same label."""

from __future__ import annotations

import numpy as np

from embedviz.comparison import intervals
from embedviz.comparison.curve_kind import CurveKind, Point
from embedviz.comparison.measure import Settings
from embedviz.comparison.view import View, fitting
from embedviz.records import IntArray


def run(view: View, rows: IntArray, codes: IntArray, settings: Settings) -> Point:
    """The interval is of a delete-one jackknife, as that of mutual neighbours: see there."""
    n = len(rows)
    k = fitting(settings.k, n)
    near = view.nearest(rows, k + 1)  # and the one that moves up where another is left out
    same = codes[near] == codes[:, None]
    listed, alike = near[:, :k], same[:, :k]
    without = alike.sum() - alike.sum(axis=1).astype(np.float64)
    without -= np.bincount(listed[alike], minlength=n)
    without += same[:, k].mean() * np.bincount(listed.ravel(), minlength=n)
    half = intervals.NORMAL * float(np.sqrt((n - 1) * (without / ((n - 1) * k)).var()))
    value = float(alike.mean())
    return Point(value, max(value - half, 0), min(value + half, 1))


def chance(codes: IntArray) -> float:
    """The share of pairs with the same label: what shuffled labels would give."""
    counts = np.bincount(codes)
    return float((counts * (counts - 1)).sum() / (len(codes) * (len(codes) - 1)))


CURVE = CurveKind(
    name="purity",
    label="Neighbour purity",
    sentence="The share of an instance's nearest neighbours that have its label, on average.",
    not_said="It does not say that other ways to sort the instances are missing: a layer may keep together what is "
    "alike in another respect.",
    minimum=10,
    run=run,
    needs_labels=True,
    chance=chance,
)
