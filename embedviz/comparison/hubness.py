"""Hubness: whether a few instances are the neighbours of very many (Radovanović, Nanopoulos & Ivanović 2010)."""

from __future__ import annotations

import numpy as np

from embedviz.comparison.curve_kind import CurveKind, Point
from embedviz.comparison.measure import Settings
from embedviz.comparison.view import View, fitting
from embedviz.records import IntArray


def run(view: View, rows: IntArray, codes: IntArray, settings: Settings) -> Point:
    """The skewness of how many of the others' neighbour lists an instance is in; 0 where all are in as many."""
    near = view.nearest(rows, fitting(settings.k, len(rows)))
    counts = np.bincount(near.ravel(), minlength=len(rows))
    spread = counts.std()
    return Point(float((((counts - counts.mean()) / spread) ** 3).mean()) if spread > 0 else 0.0)


CURVE = CurveKind(
    name="hubness",
    label="Hubness",
    sentence="Whether a few instances are the nearest neighbours of very many: 0 is none, from about 2 it disturbs "
    "neighbour lists.",
    not_said="It does not say which instances these are, nor whether the others' lists are right.",
    minimum=50,
    run=run,
)
