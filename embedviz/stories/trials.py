"""Guesses: which of a few instances is nearest to another, with all their cosines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.records import FloatArray, IntArray, Neighbours
from embedviz.similarity import nearest_to
from embedviz.stories.story import Trial
from embedviz.vectors import find_postprocessing

#: Guesses prepared for a step, and what there is to choose from in each.
PREPARED, OPTIONS = 6, 4
#: Where in the order from the nearest to the farthest the wrong ones are taken.
_WRONG = (0.12, 0.4, 0.8)


def prepared(
    vectors: FloatArray, texts: Sequence[str], *, at: str = "", places: Sequence[int] | None = None
) -> tuple[Trial, ...]:
    """Guesses about some instances of the set, evenly spaced, or those at ``places``, by post-processed ``vectors``."""
    if places is None:
        places = np.unique(np.linspace(0, len(texts) - 1, PREPARED).round().astype(int)).tolist()
    found = []
    for place in places[:PREPARED]:
        near = nearest_to(vectors, place, k=max(1, len(texts) - 1))
        options = _options(near, texts, (texts[place],), seed=place)
        if options is not None:
            found.append(Trial(place, *options, at=at))
    return tuple(found)


def typed(
    vectors: FloatArray, vector: FloatArray, texts: Sequence[str], *, postprocessing: str = "none", at: str = ""
) -> Trial:
    """A guess about a new text, whose raw vector (width,) stands beside the raw ``vectors`` (instances, width).

    ``asked`` is -1. ProjectionError where the vector has no direction.
    """
    together = np.concatenate([vectors, vector[None]]).astype(np.float64)
    processed = find_postprocessing(postprocessing).function(together).astype(np.float32)
    near = nearest_to(processed, len(vectors), k=max(1, len(vectors)))
    options = _options(near, texts, (), seed=len(texts))
    if options is None:
        raise ProjectionError("The model gives this no direction, so nothing is near it", remedy="Try another.")
    return Trial(-1, *options, at=at)


def _options(
    near: Neighbours, texts: Sequence[str], without: Sequence[str], seed: int
) -> tuple[tuple[int, ...], tuple[float, ...]] | None:
    """Places to choose from and their cosines: the nearest, and some that are not; None where there are too few."""
    row, cosines = near.indices[0], near.cosines[0]
    ranked: IntArray = _distinct(row[row >= 0], texts, without)
    if len(ranked) < 2:
        return None
    told = {int(place): float(cosine) for place, cosine in zip(row, cosines, strict=True) if place >= 0}
    last = len(ranked) - 1
    chosen = dict.fromkeys([0, *(min(last, max(order, round(share * last))) for order, share in enumerate(_WRONG, 1))])
    places = [int(ranked[rank]) for rank in chosen]
    np.random.default_rng(seed).shuffle(places)
    return tuple(places), tuple(told[place] for place in places)


def _distinct(ranked: IntArray, texts: Sequence[str], without: Sequence[str]) -> IntArray:
    """Without those that read as one before them: nobody could tell them apart."""
    seen, kept = set(without), []
    for place in ranked.tolist():
        if texts[place] not in seen:
            seen.add(texts[place])
            kept.append(place)
    return np.array(kept, dtype=np.int64)
