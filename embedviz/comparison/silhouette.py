"""Silhouette: how much nearer instances are to their own label's than to the nearest other's (Rousseeuw 1987)."""

from __future__ import annotations

from embedviz.comparison import intervals
from embedviz.comparison.curve_kind import CurveKind, Point
from embedviz.comparison.measure import Settings
from embedviz.comparison.view import View
from embedviz.records import IntArray


def run(view: View, rows: IntArray, codes: IntArray, settings: Settings) -> Point:
    from sklearn.metrics import silhouette_samples

    each = silhouette_samples(view.units(rows), codes, metric="cosine")
    value, half = float(each.mean()), intervals.of_mean(each)
    return Point(value, max(value - half, -1), min(value + half, 1))


CURVE = CurveKind(
    name="silhouette",
    label="Silhouette",
    sentence="Whether the labels form separate groups: 1 is far apart, 0 is mixed, and below 0 instances are nearer to "
    "another label's than to their own.",
    not_said="It does not say that a label is not there: one that forms two groups, or a long one, scores low.",
    minimum=10,
    run=run,
    needs_labels=True,
    most=2_000,
)
