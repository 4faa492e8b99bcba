"""How far a map can be trusted, point by point, and where it contradicts the cosines.

Kept neighbours and trustworthiness: Venna & Kaski, Neighborhood preservation in nonlinear projection methods, 2001.
False and missing neighbours point by point: Lespinats & Aupetit, CheckViz, Computer Graphics Forum 2011.

Every instance is looked at up to ``EVERY`` of them; above, ``SOME`` drawn with a seed, each against all others.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from embedviz.errors import ProjectionError
from embedviz.projection.method import Progress
from embedviz.projection.pca import components
from embedviz.projection.quality import (
    WHY_NOT,
    Together,
    blocks_of,
    measure,
    nearness_on_map,
    quality_of,
    ranks,
    sampled_note,
    some,
    together,
)
from embedviz.records import (
    DrawnNeighbours,
    Embeddings,
    IntArray,
    OddPairs,
    PointTrust,
    Quality,
    Trust,
)
from embedviz.similarity import largest, rounded_cosines
from embedviz.vectors import check_finite

EVERY, SOME = 20_000, 5_000
#: As many contradictions as a person reads.
MOST_PAIRS = 20


def trust(
    vectors: Embeddings | npt.ArrayLike,
    coordinates: npt.ArrayLike,
    k: int = 15,
    seed: int = 0,
    *,
    progress: Progress | None = None,
) -> Trust:
    """What a map (n, dimensions) keeps of the vectors (n, width), in one pass over the ``k`` nearest of each.

    A pair is wrongly near where each is among the other's ``k`` nearest on the map and neither among the other's
    nearest in truth: the worst is the one whose better true rank is last. A pair is wrongly far where each is the
    other's nearest in truth and neither among the other's ``k`` nearest on the map: the worst is the one whose better
    rank on the map is last. ``progress`` is told how many instances of how many were looked at. Raises
    ProjectionError for NaN or infinity in the vectors, and where map and vectors are not of the same instances.
    """
    both = together(vectors, coordinates, k)
    shares = np.full(len(np.asarray(coordinates)), np.nan, dtype=np.float32)
    if not both.measurable:
        return Trust(Quality(None, None, max(both.k, 0)), {}, shares, _none(), _none(), WHY_NOT)
    queries = some(len(both), EVERY, SOME, seed)
    # One row an instance: its neighbours on the map, their true ranks, its truly nearest, and the rank of that there.
    drawn, found = (np.empty((len(queries), both.k), dtype=np.int64) for _ in range(2))
    twins, apart = (np.empty((len(queries), 1), dtype=np.int64) for _ in range(2))
    done = 0
    for block in blocks_of(both, queries):
        now = slice(done, done + len(block.rows))
        drawn[now], found[now] = block.drawn, block.ranks
        nearest = block.cosines.argmax(axis=1)
        twins[now, 0], apart[now, 0] = nearest, ranks(block.nearness, nearest)
        done = now.stop
        if progress is not None:
            progress(done, len(queries))
    shares[both.where[queries]] = (found <= both.k).mean(axis=1)
    return Trust(
        quality_of(found, len(both)),
        _baselines(check_finite(vectors)[both.where], np.asarray(coordinates).shape[1], k, seed),
        shares,
        _odd_pairs(both, queries, drawn, found),
        _odd_pairs(both, queries, twins, apart),
        sampled_note(len(queries), len(both)),
    )


def point_trust(vectors: Embeddings | npt.ArrayLike, coordinates: npt.ArrayLike, place: int, k: int = 15) -> PointTrust:
    """The false and the missing neighbours on a map of the instance at ``place``, with cosines and ranks.

    Raises ProjectionError as ``trust`` does, and where there is no such place.
    """
    both = together(vectors, coordinates, k)
    count = len(np.asarray(coordinates))
    if not 0 <= place < count:
        raise ProjectionError("There is no such instance", value=place, remedy=f"Take a place from 0 to {count - 1}.")
    row = int(np.searchsorted(both.where, place))
    if both.k < 1 or row == len(both) or both.where[row] != place:
        nobody = np.empty(0, dtype=np.int64)
        nothing = DrawnNeighbours(nobody, nobody.astype(np.float32), nobody, nobody)
        return PointTrust(0, 0, nothing, nothing)
    cosines = rounded_cosines(both.units[row : row + 1], both.units)
    nearness = nearness_on_map(both.places[row : row + 1], both.places)
    cosines[0, row] = nearness[0, row] = -np.inf
    true, drawn = largest(cosines, both.k)[0], largest(nearness, both.k)[0]
    false, missing = drawn[~np.isin(drawn, true)], true[~np.isin(true, drawn)]

    def listed(rows: IntArray) -> DrawnNeighbours:
        on_map, in_truth = (
            np.array([ranks(scores, np.array([one]))[0] for one in rows], dtype=np.int64)
            for scores in (nearness, cosines)
        )
        return DrawnNeighbours(both.where[rows], cosines[0, rows].astype(np.float32), on_map, in_truth)

    return PointTrust(both.k - len(missing), both.k, listed(false), listed(missing))


def _none() -> OddPairs:
    return OddPairs(np.empty((0, 2), np.int64), np.empty(0, np.float32), np.empty(0, np.int64))


def _baselines(vectors: npt.NDArray[np.floating], dimensions: int, k: int, seed: int) -> dict[str, Quality]:
    """The measures of PCA and of a picture drawn at random."""
    random = np.random.default_rng(seed).normal(size=(len(vectors), dimensions))
    with np.errstate(invalid="ignore"):  # vectors that are all alike have no variance to take shares of
        layouts = {"pca": components(vectors.astype(np.float64), dimensions)[0], "random": random}
    return {name: measure(vectors, layout, k, seed) for name, layout in layouts.items()}


def _odd_pairs(both: Together, queries: IntArray, listed: IntArray, elsewhere: IntArray) -> OddPairs:
    """The pairs that list each other, ``listed`` (queries, any), while even the better of their two ranks
    ``elsewhere`` (queries, any) is beyond ``both.k``; the worst first, ties by place."""
    one, other = np.repeat(queries, listed.shape[1]), listed.ravel()
    pair = np.minimum(one, other) * len(both) + np.maximum(one, other)
    order = np.argsort(pair, kind="stable")
    pair, rank = pair[order], elsewhere.ravel()[order]
    twice = np.flatnonzero(pair[1:] == pair[:-1])
    pair, rank = pair[twice], np.minimum(rank[twice], rank[twice + 1])
    pair, rank = pair[rank > both.k], rank[rank > both.k]
    worst = np.lexsort((pair, -rank))[:MOST_PAIRS]
    rows = np.column_stack(np.divmod(pair[worst], len(both)))
    cosines = rounded_cosines(both.units[rows[:, 0]], both.units[rows[:, 1]]).diagonal().astype(np.float32)
    return OddPairs(both.where[rows], cosines, rank[worst])
