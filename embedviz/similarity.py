"""Exact cosine tables, neighbours and pairs, in blocks of rows so that memory stays bounded.

A zero vector has no direction: its cosines are undefined (NaN) and it is nobody's neighbour. Cosines that agree to
twelve decimals count as ties and are ordered by index, so that duplicates always come in the order of the instances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.errors import ProjectionError
from embedviz.records import DoubleArray, Embeddings, FloatArray, IntArray, Neighbours
from embedviz.vectors import check_finite, unit_vectors

#: How many float64 numbers a block of cosines may hold: 32 MB.
BLOCK = 4_000_000
#: Above so many instances neighbours are looked for in float32 first, and so many more than are asked for.
_MANY, _SPARE = 4_000, 16
#: Float64 sums in another order differ near the 16th decimal; equal to this many decimals is equal.
DECIMALS = 12


@dataclass(frozen=True)
class Pair:
    """Two instances, ``i < j``, and their cosine."""

    i: int
    j: int
    cosine: float


@dataclass(frozen=True)
class Pairs:
    """The most similar pairs, most similar first, and the least similar pairs, least similar first."""

    most: tuple[Pair, ...]
    least: tuple[Pair, ...]


def cosine_similarity(embeddings: Embeddings | npt.ArrayLike) -> FloatArray:
    """The (instances, instances) table of cosines in -1..1: symmetric, 1 on the diagonal, NaN for a zero vector."""
    units, defined = unit_vectors(check_finite(embeddings))
    table = np.empty((len(units), len(units)), dtype=np.float32)
    for start, stop in blocks(len(units)):
        block = np.clip(units[start:stop] @ units[start:].T, -1, 1)
        table[start:stop, start:] = block
        table[start:, start:stop] = block.T  # mirrored, since the two products may differ in the last bit
    np.fill_diagonal(table, 1)
    table[~defined] = np.nan
    table[:, ~defined] = np.nan
    return table


def neighbours(
    embeddings: Embeddings | npt.ArrayLike, k: int = 10, *, progress: Callable[[int, int], None] | None = None
) -> Neighbours:
    """Each instance's ``k`` nearest by cosine (all others where there are fewer); ProjectionError for ``k`` below 1.

    ``progress`` is told after each block of rows how many of how many are done.
    """
    units, defined = unit_vectors(check_finite(embeddings))
    columns = _count(k, max(len(units) - 1, 0))
    where = np.flatnonzero(defined)
    found = min(columns, max(len(where) - 1, 0))
    indices = np.full((len(units), columns), -1, dtype=np.int64)
    cosines = np.full((len(units), columns), np.nan, dtype=np.float32)
    if found:
        nearest, values = nearest_units(units[where], found, progress)
        indices[where, :found] = where[nearest]
        cosines[where, :found] = values
    return Neighbours(indices, cosines, tuple(int(row) for row in np.flatnonzero(~defined)))


def nearest_to(embeddings: Embeddings | npt.ArrayLike, place: int, k: int = 10) -> Neighbours:
    """As ``neighbours``, for the one instance at ``place``: (1, k)."""
    units, defined = unit_vectors(check_finite(embeddings))
    columns = _count(k, max(len(units) - 1, 0))
    indices = np.full((1, columns), -1, dtype=np.int64)
    cosines = np.full((1, columns), np.nan, dtype=np.float32)
    if defined[place]:
        scores = rounded_cosines(units[place : place + 1], units)
        scores[:, ~defined] = -np.inf
        scores[0, place] = -np.inf
        found = min(columns, int(defined.sum()) - 1)
        if found:
            indices[:, :found] = largest(scores, found)
            cosines[:, :found] = np.take_along_axis(scores, indices[:, :found], axis=1)
    return Neighbours(indices, cosines, tuple(int(row) for row in np.flatnonzero(~defined)))


def nearest_units(
    units: DoubleArray, k: int, progress: Callable[[int, int], None] | None = None
) -> tuple[IntArray, DoubleArray]:
    """Neighbours of unit vectors (n, width), itself left out: (n, k) indices and float64 cosines, nearest first.

    Of many, float32 finds who can be among them, in less time; float64 ranks these.
    """
    indices = np.empty((len(units), k), dtype=np.int64)
    cosines = np.empty((len(units), k), dtype=np.float64)
    narrow = units.astype(np.float32) if len(units) > _MANY else None
    for start, stop in blocks(len(units)):
        rows = np.arange(start, stop)
        columns = _candidates(narrow, rows, k) if narrow is not None else None
        if columns is None:
            scores = rounded_cosines(units[start:stop], units)
            scores[rows - start, rows] = -np.inf
            indices[start:stop] = best = largest(scores, k)
        else:
            scores = _cosines_at(units, rows, columns)
            best = largest(scores, k)
            indices[start:stop] = np.take_along_axis(columns, best, axis=1)
        cosines[start:stop] = np.take_along_axis(scores, best, axis=1)
        if progress is not None:
            progress(stop, len(units))
    return indices, cosines


def _candidates(narrow: FloatArray, rows: IntArray, k: int) -> IntArray | None:
    """Columns (rows, some) in their order, among which are each row's ``k`` nearest, whatever float32 rounds away.

    None where so many are that near each other that all of them have to be compared. A float32 product of unit
    vectors is off by (width + 2)·2⁻²⁴ at most (Higham, Accuracy and Stability of Numerical Algorithms, 2002, §3.1).
    """
    rough = narrow[rows] @ narrow.T
    rough[np.arange(len(rows)), rows] = -np.inf
    columns = largest(rough, min(k + _SPARE, len(narrow) - 1))
    scores = np.take_along_axis(rough, columns, axis=1)
    margin = 2 * (narrow.shape[1] + 2) * 2.0**-24
    if not (scores[:, -1] < scores[:, k - 1] - margin).all():
        return None
    return np.sort(columns, axis=1)


def _cosines_at(units: DoubleArray, rows: IntArray, columns: IntArray) -> DoubleArray:
    """Rounded cosines (rows, any) of each row with the given columns."""
    found = np.empty(columns.shape)
    for start, stop in blocks(len(rows), columns.shape[1] * units.shape[1]):
        found[start:stop] = np.matmul(units[columns[start:stop]], units[rows[start:stop], :, None])[:, :, 0]
    np.clip(found, -1, 1, out=found)
    return np.round(found, DECIMALS, out=found)


def with_self(
    units: DoubleArray, k: int, progress: Callable[[int, int], None] | None = None
) -> tuple[IntArray, DoubleArray]:
    """Neighbour graph (n, k + 1) of unit vectors: indices and 1 - cosine, the instance itself first at distance 0."""
    indices, cosines = nearest_units(units, k, progress)
    distances = np.column_stack([np.zeros(len(units)), 1 - cosines])
    return np.column_stack([np.arange(len(units)), indices]), distances


def pairs(embeddings: Embeddings | npt.ArrayLike, k: int = 20) -> Pairs:
    """The ``k`` most and ``k`` least similar pairs, ties by (i, j); zero vectors are in none."""
    units, defined = unit_vectors(check_finite(embeddings))
    where = np.flatnonzero(defined)
    units = units[where]
    k = _count(k, len(units) * (len(units) - 1) // 2)
    most = least = np.empty((3, 0))
    for start, stop in blocks(len(units)) if k else ():
        block = rounded_cosines(units[start:stop], units[start:])
        later = np.arange(stop - start)[:, None] < np.arange(len(units) - start)[None, :]  # each pair once, i < j
        most = _best(most, np.where(later, block, -np.inf), start, k)
        least = _best(least, np.where(later, -block, -np.inf), start, k)
    return Pairs(_records(most, where, 1), _records(least, where, -1))


def _best(best: DoubleArray, scores: DoubleArray, start: int, k: int) -> DoubleArray:
    """The ``k`` largest of ``best``, (3, any) rows of score, i and j, and a block of scores whose first i and j is
    ``start``; ties by (i, j)."""
    floor = -np.inf
    if scores.size > k:
        floor = np.partition(scores, scores.size - k, axis=None)[scores.size - k]
    rows, columns = np.nonzero((scores >= floor) & (scores > -np.inf))
    both = np.concatenate([best, [scores[rows, columns], rows + start, columns + start]], axis=1)
    order: IntArray = np.lexsort((both[2], both[1], -both[0]))[:k]
    return both[:, order]


def _records(best: DoubleArray, where: IntArray, sign: int) -> tuple[Pair, ...]:
    """Pairs of instances from rows of score, i and j; ``where`` translates rows of units to instances."""
    return tuple(Pair(int(where[int(i)]), int(where[int(j)]), float(sign * score)) for score, i, j in best.T)


def mean_cosine(embeddings: Embeddings | npt.ArrayLike) -> float | None:
    """The mean cosine over all pairs ("crowding"): near 1 where all vectors point the same way, near 0 where spread.

    The pairs are not formed: for unit vectors u, ‖Σu‖² is the sum over all ordered pairs plus n, so the mean is
    (‖Σu‖² - n) / (n(n - 1)). Zero vectors are left out; None with fewer than two others.
    """
    units, defined = unit_vectors(check_finite(embeddings))
    count = int(defined.sum())
    if count < 2:
        return None
    total = units.sum(axis=0)
    return float(np.clip((total @ total - count) / (count * (count - 1)), -1, 1))


def rounded_cosines(queries: DoubleArray, units: DoubleArray) -> DoubleArray:
    """Cosines of unit vectors, (queries, n) float64, so rounded that equal directions give equal numbers."""
    product = queries @ units.T
    np.clip(product, -1, 1, out=product)
    return np.round(product, DECIMALS, out=product)


def largest(scores: npt.NDArray[Any], k: int) -> IntArray:
    """The (rows, k) columns of each row's ``k`` largest scores, largest first, ties by column."""
    threshold = np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k]
    rows, columns = np.nonzero(scores >= threshold[:, None])
    order = np.lexsort((columns, -scores[rows, columns], rows))
    starts = np.searchsorted(rows, np.arange(len(scores)))
    chosen: IntArray = columns[order][starts[:, None] + np.arange(k)]
    return chosen


def blocks(rows: int, columns: int | None = None) -> Iterator[tuple[int, int]]:
    """(start, stop) over the rows of a table, so that a block of it holds at most ``BLOCK`` numbers."""
    step = max(1, BLOCK // max(1, rows if columns is None else columns))
    for start in range(0, rows, step):
        yield start, min(start + step, rows)


def _count(k: int, available: int) -> int:
    if k < 1:
        raise ProjectionError("At least one is needed", value=f"k={k}", remedy="Ask for k=1 or more.")
    return min(int(k), available)
