"""How much of the true neighbourhood a map keeps, measured against exact cosine neighbours.

Exact up to ``EXACT`` instances; above, measured on ``SAMPLED`` instances drawn with a seed, each against all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedviz.errors import ProjectionError
from embedviz.records import DoubleArray, Embeddings, FloatArray, IntArray, Quality
from embedviz.similarity import blocks, largest, rounded_cosines
from embedviz.vectors import check_finite, unit_vectors

EXACT, SAMPLED = 2_000, 1_000
#: With fewer instances nearly everybody is a neighbour of everybody, and the measures say nothing.
FEWEST = 10
WHY_NOT = f"Fewer than {FEWEST} instances are too few to measure how faithful a map is."


@dataclass(frozen=True, eq=False)
class Together:
    """Unit vectors (n, width) and places on the map (n, dimensions) of the same instances, those at ``where``.

    Instances without a direction (zero vectors) or without a place (NaN) are left out. ``k`` is how many neighbours
    are looked at: fewer than half of the instances, for which alone trustworthiness is defined.
    """

    units: DoubleArray
    places: DoubleArray
    where: IntArray
    k: int

    def __len__(self) -> int:
        return len(self.units)

    @property
    def measurable(self) -> bool:
        return len(self) >= FEWEST and self.k >= 1


@dataclass(frozen=True, eq=False)
class Block:
    """Some instances (``rows``) seen in both spaces: ``cosines`` and ``nearness`` on the map are (rows, n), with
    -inf for the instance itself. ``drawn`` are the (rows, k) nearest on the map, ``ranks`` their true places from 1.
    """

    rows: IntArray
    cosines: DoubleArray
    nearness: DoubleArray
    drawn: IntArray
    ranks: IntArray


def trustworthiness(
    vectors: Embeddings | npt.ArrayLike, coordinates: npt.ArrayLike, k: int = 15, seed: int = 0
) -> float | None:
    """Venna & Kaski's trustworthiness in 0..1: low where strangers are drawn as neighbours; chance is near 0.5."""
    return measure(vectors, coordinates, k, seed).trust


def kept_neighbours(
    vectors: Embeddings | npt.ArrayLike, coordinates: npt.ArrayLike, k: int = 15, seed: int = 0
) -> float | None:
    """The share in 0..1 of true cosine neighbours that are neighbours on the map; chance is k/(n - 1)."""
    return measure(vectors, coordinates, k, seed).kept


def kept_shares(near: IntArray, coordinates: npt.ArrayLike) -> FloatArray:
    """For each instance, the share in 0..1 of its true neighbours that are as many of its neighbours on the map.

    ``near`` is (instances, k) places, -1 where there is none. NaN for an instance without neighbours or place.
    """
    from scipy.spatial import KDTree

    places = np.asarray(coordinates, dtype=np.float64)
    there = np.flatnonzero(np.isfinite(places).all(axis=1))
    shares = np.full(len(places), np.nan, dtype=np.float32)
    k = min(near.shape[1], len(there) - 1)
    if k < 1:
        return shares
    _, found = KDTree(places[there]).query(places[there], k + 1)
    drawn = there[found]
    true = near[there]
    # Of two instances in one place either may come first: an instance is no neighbour of its own.
    kept = ((true[:, :, None] == drawn[:, None, :]) & (true != there[:, None])[:, :, None]).any(axis=2)
    counts = (true >= 0).sum(axis=1)
    shares[there] = np.divide(kept.sum(axis=1), counts, out=np.full(len(there), np.nan), where=counts > 0)
    return shares


def measure(vectors: Embeddings | npt.ArrayLike, coordinates: npt.ArrayLike, k: int = 15, seed: int = 0) -> Quality:
    """Both measures in one pass over the ``k`` nearest, fewer than half of the instances at most.

    Instances without a direction (zero vectors) or without a place on the map (NaN) are left out.
    """
    both = together(vectors, coordinates, k)
    if not both.measurable:
        return Quality(None, None, max(both.k, 0))
    ranks = [block.ranks for block in blocks_of(both, some(len(both), EXACT, SAMPLED, seed))]
    return quality_of(np.concatenate(ranks), len(both))


def together(vectors: Embeddings | npt.ArrayLike, coordinates: npt.ArrayLike, k: int) -> Together:
    """The instances that have both a direction and a place; ProjectionError where the two are not of the same ones."""
    units, defined = unit_vectors(check_finite(vectors))
    places = np.asarray(coordinates, dtype=np.float64)
    if places.ndim != 2 or len(places) != len(units):
        raise ProjectionError(
            "The map and the vectors do not belong together", value=f"{len(places)} places, {len(units)} vectors"
        )
    where = np.flatnonzero(defined & np.isfinite(places).all(axis=1))
    return Together(units[where], places[where], where, min(int(k), (len(where) - 1) // 2))


def some(n: int, exact: int, sampled: int, seed: int) -> IntArray:
    """All of ``n`` instances up to ``exact`` of them; above, ``sampled`` of them drawn with the seed."""
    if n <= exact:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, sampled, replace=False))


def sampled_note(looked_at: int, n: int) -> str:
    """That a sample stands for all; "" where it was all."""
    return f"Taken of {looked_at:,} of the {n:,} instances, drawn at random." if looked_at < n else ""


def blocks_of(both: Together, queries: IntArray) -> Iterator[Block]:
    """The queries' neighbourhoods on the map and in truth, a block of them at a time."""
    for start, stop in blocks(len(queries), len(both)):
        rows = queries[start:stop]
        itself = (np.arange(len(rows)), rows)
        cosines = rounded_cosines(both.units[rows], both.units)
        nearness = nearness_on_map(both.places[rows], both.places)
        cosines[itself] = nearness[itself] = -np.inf
        drawn = largest(nearness, both.k)
        yield Block(rows, cosines, nearness, drawn, np.column_stack([ranks(cosines, one) for one in drawn.T]))


def quality_of(true_ranks: IntArray, n: int) -> Quality:
    """The measures of a map of ``n``, from the true ranks (queries, k) of the neighbours on it."""
    queries, k = true_ranks.shape
    penalty = float(np.maximum(true_ranks - k, 0).sum())
    trust = 1 - penalty * 2 / (queries * k * (2 * n - 3 * k - 1))
    return Quality(trust, int((true_ranks <= k).sum()) / (queries * k), k, k / (n - 1))


def nearness_on_map(some: DoubleArray, places: DoubleArray) -> DoubleArray:
    """Minus the squared distances on the map, by differences: exact where points lie close together."""
    total = np.zeros((len(some), len(places)))
    for axis in range(places.shape[1]):
        total -= (some[:, axis, None] - places[None, :, axis]) ** 2
    return total


def ranks(scores: DoubleArray, chosen: IntArray) -> IntArray:
    """The place, from 1, of each row's chosen column among its scores, the largest first; ties by column."""
    values = np.take_along_axis(scores, chosen[:, None], axis=1)
    places: IntArray = np.count_nonzero(scores > values, axis=1) + 1
    same = scores == values
    for row in np.flatnonzero(np.count_nonzero(same, axis=1) > 1):
        places[row] += np.count_nonzero(same[row, : chosen[row]])
    return places
