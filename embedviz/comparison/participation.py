"""Participation ratio: over how many directions the vectors are spread, in effect."""

from __future__ import annotations

import numpy as np

from embedviz.comparison import intervals
from embedviz.comparison.cka import scaled, u_products
from embedviz.comparison.curve_kind import CurveKind, Point
from embedviz.comparison.measure import Settings
from embedviz.comparison.view import View
from embedviz.records import DoubleArray, IntArray


def run(view: View, rows: IntArray, codes: IntArray, settings: Settings) -> Point:
    vectors = scaled(view.vectors[rows])
    value = float(participation_ratio(vectors))
    half = intervals.by_subsampling(lambda drawn: participation_ratio(vectors[drawn]), len(rows), settings.seed)
    return Point(value, max(value - float(half), 1), value + float(half))


def participation_ratio(vectors: DoubleArray) -> DoubleArray:
    """(Σλ)² / Σλ² of the covariance's eigenvalues λ (Gao & Ganguli 2015), of (n, width) vectors; NaN for a single one.

    Σλ² is the sum of the squared covariance, estimated without bias by the U-centred Gram matrix. The plain formula
    finds no more than n - 1 directions, and of 384 equal ones in 240 instances only 148.
    """
    n = len(vectors)
    total = vectors.var(axis=0, ddof=1).sum()
    squares = u_products([vectors])[0, 0] / (n * (n - 3))
    return np.asarray(total**2 / squares if squares > 0 else np.nan)


CURVE = CurveKind(
    name="participation_ratio",
    label="Participation ratio",
    sentence="Over how many directions the vectors are spread, in effect: 1 is a line, the width is all directions "
    "alike.",
    not_said="It does not say that more is better: noise is spread over all directions.",
    minimum=50,
    run=run,
    most=2_000,
    decimals=0,
)
