"""What stays of a map when only the seed changes: what does not is the method's chance, not the vectors'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.errors import ProjectionError
from embedviz.projection import METHODS, Progress, project
from embedviz.projection.quality import FEWEST, nearness_on_map, sampled_note, some
from embedviz.projection.trust import EVERY, SOME
from embedviz.records import Embeddings, IntArray, Projection, Stability
from embedviz.similarity import blocks, largest
from embedviz.vectors import check_finite

#: Further seeds that show what stays without a long wait.
SEEDS = 3


def reroll(
    vectors: Embeddings | npt.ArrayLike,
    projection: Projection,
    seeds: Sequence[int] | None = None,
    k: int = 15,
    *,
    progress: Progress | None = None,
) -> Stability:
    """The map drawn again with each of the seeds (by default the ``SEEDS`` after its own), and what stays.

    Of each instance's ``k`` nearest on the map (fewer than half of all), the share that are its nearest on the new
    one too; maps may turn and mirror for all that. A method that draws the same whatever the seed says so.
    ``progress(done, total)`` is told in hundredths of a seed. Raises ProjectionError as ``project`` does.
    """
    rows = check_finite(vectors)
    if len(rows) != len(projection.coordinates):
        raise ProjectionError(
            "The map and the vectors do not belong together",
            value=f"{len(projection.coordinates)} places, {len(rows)} vectors",
        )
    seeds = tuple(seeds or ((projection.seed + step) % 2**32 for step in range(1, SEEDS + 1)))
    placed = np.flatnonzero(np.isfinite(projection.coordinates).all(axis=1))
    k = min(int(k), (len(placed) - 1) // 2)
    shares = np.full(len(rows), np.nan, dtype=np.float32)
    if len(placed) < FEWEST or k < 1 or projection.method not in METHODS:
        return Stability(None, shares, seeds, max(k, 0), note="These are too few instances to say what stays.")
    chance = k / (len(placed) - 1)
    if not METHODS[projection.method].seeded:
        return _fixed(shares, placed, seeds, k, chance)
    queries = some(len(placed), EVERY, SOME, projection.seed)
    drawn = _nearest_on_map(projection.coordinates[placed], queries, k)
    stays = []
    for number, seed in enumerate(seeds):
        again = project(
            rows,
            projection.method,
            dimensions=projection.dimensions,
            seed=seed,
            progress=_part(progress, number, len(seeds)),
            **_settable(projection),
        ).coordinates
        if np.array_equal(again, projection.coordinates, equal_nan=True):
            return _fixed(shares, placed, seeds, k, chance)
        other = _nearest_on_map(again[placed], queries, k)
        stays.append((drawn[:, :, None] == other[:, None, :]).any(axis=2).mean(axis=1))
    shares[placed[queries]] = np.mean(stays, axis=0)
    return Stability(float(np.mean(stays)), shares, seeds, k, chance, note=sampled_note(len(queries), len(placed)))


def _fixed(
    shares: npt.NDArray[np.float32], placed: IntArray, seeds: tuple[int, ...], k: int, chance: float
) -> Stability:
    shares[placed] = 1
    return Stability(1.0, shares, seeds, k, chance, fixed=True)


def _settable(projection: Projection) -> dict[str, Any]:
    """Of the parameters that were used, those that can be asked for again."""
    known = {parameter.name for parameter in METHODS[projection.method].parameters}
    return {name: value for name, value in projection.parameters.items() if name in known}


def _nearest_on_map(coordinates: npt.NDArray[np.float32], queries: IntArray, k: int) -> IntArray:
    """The queries' (queries, k) nearest others among places on a map."""
    places = coordinates.astype(np.float64)
    found = np.empty((len(queries), k), dtype=np.int64)
    for start, stop in blocks(len(queries), len(places)):
        nearness = nearness_on_map(places[queries[start:stop]], places)
        nearness[np.arange(stop - start), queries[start:stop]] = -np.inf
        found[start:stop] = largest(nearness, k)
    return found


def _part(progress: Progress | None, number: int, parts: int) -> Progress | None:
    """Progress of one of several maps as hundredths of all of them."""
    if progress is None:
        return None
    return lambda done, total: progress(100 * number + (100 * done) // max(total, 1), 100 * parts)
