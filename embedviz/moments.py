"""Post-processing of vectors that are never in memory all at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from embedviz.records import DoubleArray
from embedviz.vectors import find_postprocessing, unit_vectors


@dataclass
class Moments:
    """What a number of vectors have in common, added up a part at a time: all in float64, each array (width,).

    ``scatter`` is the sum of squared distances from the mean. Parts are combined by their means (Chan, Golub, LeVeque),
    so that vectors that lie far from zero lose no digits, as they would in a sum of squares.
    """

    count: int = 0
    mean: DoubleArray = field(default_factory=lambda: np.zeros(0))
    scatter: DoubleArray = field(default_factory=lambda: np.zeros(0))
    low: DoubleArray = field(default_factory=lambda: np.zeros(0))
    high: DoubleArray = field(default_factory=lambda: np.zeros(0))

    def add(self, vectors: npt.ArrayLike) -> None:
        """Count in some more vectors, (n, width)."""
        rows = np.asarray(vectors, dtype=np.float64)
        if not len(rows):
            return
        mean = rows.mean(axis=0)
        scatter = np.square(rows - mean).sum(axis=0)
        low, high = rows.min(axis=0), rows.max(axis=0)
        if not self.count:
            self.count, self.mean, self.scatter, self.low, self.high = len(rows), mean, scatter, low, high
            return
        total, apart = self.count + len(rows), mean - self.mean
        self.scatter = self.scatter + scatter + apart**2 * (self.count * len(rows) / total)
        self.mean = self.mean + apart * (len(rows) / total)
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
        self.count = total


def _centred(rows: DoubleArray, moments: Moments) -> DoubleArray:
    return rows - moments.mean


def _standardised(rows: DoubleArray, moments: Moments) -> DoubleArray:
    # As in ``vectors``: a column that is constant is told by its extremes, which know no rounding.
    varies = moments.high > moments.low
    deviation = np.sqrt(moments.scatter / max(1, moments.count))
    centred = np.where(varies, rows - moments.mean, 0.0)
    np.divide(centred, deviation, out=centred, where=varies)
    return centred


#: Those of ``vectors.POSTPROCESSING`` that need nothing but the row, and those that need the moments of all.
BY_ROW: dict[str, Callable[[DoubleArray], DoubleArray]] = {
    "none": lambda rows: rows,
    "l2": lambda rows: unit_vectors(rows)[0],
}
BY_MOMENTS: dict[str, Callable[[DoubleArray, Moments], DoubleArray]] = {
    "centred": _centred,
    "standardised": _standardised,
}


def streamed(name: str) -> bool:
    """Whether the post-processing can be done a part at a time. EmbedvizError for a name that does not exist."""
    return find_postprocessing(name).name in {*BY_ROW, *BY_MOMENTS}


def postprocess_part(vectors: npt.NDArray[np.float32], name: str, moments: Moments) -> npt.NDArray[np.float32]:
    """Some of the vectors, (n, width), after the post-processing ``name`` of all of them, which have these moments."""
    if name == "none":
        return vectors
    rows = vectors.astype(np.float64)
    changed = BY_ROW[name](rows) if name in BY_ROW else BY_MOMENTS[name](rows, moments)
    return changed.astype(np.float32)
