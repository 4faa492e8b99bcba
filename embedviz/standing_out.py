"""What is unusual about one vector among others: the dimensions that it stands out in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedviz.records import DoubleArray, Embeddings, IntArray, as_vectors
from embedviz.vectors import check_finite


@dataclass(frozen=True, eq=False)
class StandingOut:
    """Dimensions of one vector, the most unusual first; all (dimensions,).

    ``deviations`` says by how many standard deviations of the set a value is away from the set's mean. ``lengths`` is
    the range of the set's norms that holds its middle 90 %.
    """

    dimensions: IntArray
    values: DoubleArray
    means: DoubleArray
    deviations: DoubleArray
    lengths: tuple[float, float]


def standing_out(vector: npt.ArrayLike, embeddings: Embeddings | npt.ArrayLike, most: int = 10) -> StandingOut:
    """The ``most`` dimensions in which ``vector`` (width,) is farthest from the set's mean, by the set's spread.

    Dimensions that are the same in all of the set say nothing and are left out. ProjectionError for NaN or infinity.
    """
    rows = check_finite(as_vectors(embeddings)).astype(np.float64)
    one = check_finite(np.asarray(vector, dtype=np.float64)[None])[0]
    norms = np.linalg.norm(rows, axis=1)
    lengths = tuple(float(value) for value in np.percentile(norms, [5, 95])) if len(rows) else (np.nan, np.nan)
    if not len(rows):
        nothing = np.zeros(0)
        return StandingOut(nothing.astype(np.int64), nothing, nothing, nothing, (np.nan, np.nan))
    means, varies = rows.mean(axis=0), rows.max(axis=0) > rows.min(axis=0)
    away = np.divide(one - means, rows.std(axis=0), out=np.zeros_like(one), where=varies)
    order = np.argsort(-np.abs(away), kind="stable")
    order = order[varies[order]][:most]
    return StandingOut(order, one[order], means[order], away[order], (lengths[0], lengths[1]))
