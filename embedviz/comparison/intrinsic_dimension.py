"""Intrinsic dimension: in how many directions one can move among near instances (TwoNN, Facco et al. 2017)."""

from __future__ import annotations

import numpy as np

from embedviz.comparison import intervals
from embedviz.comparison.curve_kind import CurveKind, Point
from embedviz.comparison.measure import Settings
from embedviz.comparison.view import SAME, View
from embedviz.records import DoubleArray, IntArray
from embedviz.similarity import blocks

#: The largest ratios are far from any near instance, and are known to be at least so large, no more.
_TRUSTED = 0.9
FEWEST = 50


def run(view: View, rows: IntArray, codes: IntArray, settings: Settings) -> Point:
    vectors = view.vectors[rows].astype(np.float64)
    vectors /= np.abs(vectors).max()
    vectors -= vectors.mean(axis=0)
    nearest, earlier = _nearest_two(vectors)
    if earlier.any():
        vectors = vectors[~earlier]
        nearest, _ = _nearest_two(vectors) if len(vectors) >= FEWEST else (np.empty((0, 2)), earlier)
    if len(vectors) < FEWEST:
        return Point(float("nan"))
    value, kept = two_nn(nearest)
    half = intervals.NORMAL * value / np.sqrt(kept)
    return Point(value, max(value - half, 0), value + half)


def two_nn(nearest: DoubleArray) -> tuple[float, int]:
    """The dimension from (instances, 2) distances to the two nearest, and how many of them it rests on.

    The logarithm of the second over the first is exponential, at the rate of the dimension. Of the largest tenth it
    is taken only that they are larger: the maximum-likelihood estimate of a censored sample.
    """
    logarithms = np.sort(np.log(nearest[:, 1] / nearest[:, 0]))
    kept = int(_TRUSTED * len(logarithms))
    total = logarithms[:kept].sum() + (len(logarithms) - kept) * logarithms[kept - 1]
    return (float(kept / total) if total > 0 else float("nan")), kept


def _nearest_two(vectors: DoubleArray) -> tuple[DoubleArray, np.ndarray]:
    """Distances to the two nearest others, (instances, 2), and which instances repeat an earlier one."""
    n = len(vectors)
    squares = (vectors**2).sum(axis=1)
    same = SAME**2 * squares.max()
    nearest, earlier = np.empty((n, 2)), np.zeros(n, dtype=bool)
    for start, stop in blocks(n):
        block = squares[start:stop, None] + squares[None] - 2 * vectors[start:stop] @ vectors.T
        places = np.arange(start, stop)
        block[places - start, places] = np.inf
        earlier[start:stop] = ((block <= same) & (np.arange(n)[None] < places[:, None])).any(axis=1)
        nearest[start:stop] = np.sqrt(np.maximum(np.partition(block, 1, axis=1)[:, :2], 0))
    return nearest, earlier


CURVE = CurveKind(
    name="intrinsic_dimension",
    label="Intrinsic dimension",
    sentence="In how many directions one can move from an instance among those nearest to it; repeated instances count "
    "once.",
    not_said="It does not say what the directions mean, and of few instances it finds fewer directions than there are.",
    minimum=FEWEST,
    run=run,
    most=2_000,
    decimals=0,
)
