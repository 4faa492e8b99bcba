"""How much of the true neighbourhood a map keeps, measured against exact cosine neighbours.

Exact up to ``EXACT`` instances; above, measured on ``SAMPLED`` instances drawn with a seed, each against all others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedviz.errors import ProjectionError
from embedviz.records import DoubleArray, Embeddings
from embedviz.similarity import blocks, largest, rounded_cosines
from embedviz.vectors import check_finite, unit_vectors

EXACT, SAMPLED = 2_000, 1_000
#: With fewer instances nearly everybody is a neighbour of everybody, and the measures say nothing.
FEWEST = 10
WHY_NOT = f"Fewer than {FEWEST} instances are too few to measure how faithful a map is."


@dataclass(frozen=True)
class Quality:
    """``trust`` (trustworthiness) and ``kept`` (share of true neighbours that are neighbours on the map), in 0..1.

    Both are None for fewer than ``FEWEST`` instances. ``k`` neighbours were looked at; chance would keep ``chance``.
    """

    trust: float | None
    kept: float | None
    k: int
    chance: float | None = None


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


def measure(vectors: Embeddings | npt.ArrayLike, coordinates: npt.ArrayLike, k: int = 15, seed: int = 0) -> Quality:
    """Both measures in one pass over the ``k`` nearest, fewer than half of the instances at most.

    Instances without a direction (zero vectors) or without a place on the map (NaN) are left out.
    """
    units, defined = unit_vectors(check_finite(vectors))
    places = np.asarray(coordinates, dtype=np.float64)
    if places.ndim != 2 or len(places) != len(units):
        raise ProjectionError(
            "The map and the vectors do not belong together", value=f"{len(places)} places, {len(units)} vectors"
        )
    defined &= np.isfinite(places).all(axis=1)
    units, places = units[defined], places[defined]
    n = len(units)
    k = min(int(k), (n - 1) // 2)  # the measure is defined for fewer than half of the instances
    if n < FEWEST or k < 1:
        return Quality(None, None, max(k, 0))
    queries = np.arange(n)
    if n > EXACT:
        queries = np.sort(np.random.default_rng(seed).choice(n, SAMPLED, replace=False))
    return _measure(units, places, k, queries)


def _measure(units: DoubleArray, places: DoubleArray, k: int, queries: npt.NDArray[np.int64]) -> Quality:
    n, penalty, kept = len(units), 0.0, 0
    for start, stop in blocks(len(queries), n):
        rows = queries[start:stop]
        itself = (np.arange(len(rows)), rows)
        cosines = rounded_cosines(units[rows], units)
        cosines[itself] = -np.inf
        nearness = _nearness(places[rows], places)
        nearness[itself] = -np.inf
        for drawn in largest(nearness, k).T:
            rank = _ranks(cosines, drawn)
            penalty += float(np.maximum(rank - k, 0).sum())
            kept += int((rank <= k).sum())
    trust = 1 - penalty * 2 / (len(queries) * k * (2 * n - 3 * k - 1))
    return Quality(float(trust), kept / (len(queries) * k), k, k / (n - 1))


def _nearness(some: DoubleArray, places: DoubleArray) -> DoubleArray:
    """Minus the squared distances on the map, by differences: exact where points lie close together."""
    total = np.zeros((len(some), len(places)))
    for axis in range(places.shape[1]):
        total -= (some[:, axis, None] - places[None, :, axis]) ** 2
    return total


def _ranks(cosines: DoubleArray, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The place, from 1, of each row's chosen column among its cosines; ties by column."""
    values = np.take_along_axis(cosines, chosen[:, None], axis=1)
    earlier = np.arange(cosines.shape[1])[None, :] < chosen[:, None]
    ahead = (cosines > values) | ((cosines == values) & earlier)
    ranks: npt.NDArray[np.int64] = ahead.sum(axis=1) + 1
    return ranks
