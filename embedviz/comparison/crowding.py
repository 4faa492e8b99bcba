"""Crowding: the mean cosine of two instances, as captured."""

from __future__ import annotations

from embedviz.comparison.curve_kind import CurveKind, Point
from embedviz.comparison.measure import Settings
from embedviz.comparison.view import View
from embedviz.records import IntArray
from embedviz.similarity import mean_cosine


def run(view: View, rows: IntArray, codes: IntArray, settings: Settings) -> Point:
    mean = mean_cosine(view.raw[rows])
    return Point(float("nan") if mean is None else mean)


CURVE = CurveKind(
    name="crowding",
    label="Crowding",
    sentence="The mean cosine of two instances, before any post-processing: near 1, all vectors point the same way.",
    not_said="It does not say that a crowded layer knows less: once centred, it may tell instances apart as well.",
    minimum=2,
    run=run,
    of_constant=True,
)
