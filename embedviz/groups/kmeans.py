"""Groups of the vectors themselves, by k-means; whatever a map shows of them.

Lloyd, Least squares quantization in PCM, 1982; the number of groups by the silhouette (Rousseeuw, 1987).
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from embedviz.errors import ProjectionError
from embedviz.groups.groups import Groups, by_size, check_enough, medoids
from embedviz.projection.few import distinct
from embedviz.records import DoubleArray, Embeddings, IntArray
from embedviz.vectors import POSTPROCESSING, check_finite, unit_vectors

#: The numbers of groups that are tried, and on how many instances at most.
TRIED, SAMPLED = range(2, 13), 1_000
_STARTS = 4


def find_groups(embeddings: Embeddings | npt.ArrayLike, k: int | None = None, seed: int = 0) -> Groups:
    """``k`` groups by k-means of the centred vectors' directions; by default as many as stand apart best.

    That is the number from 2 to 12 with the highest silhouette, seen on 1,000 instances at most. Vectors of length 0
    are in no group. Raises ProjectionError for fewer than 10 others, vectors that are all the same, and an impossible
    ``k``.
    """
    vectors = check_finite(embeddings).astype(np.float64)
    defined = unit_vectors(vectors)[1]
    check_enough(int(defined.sum()))
    if distinct(vectors[defined]) == 1:
        raise ProjectionError(
            "There are no groups: all vectors are the same",
            value=f"{int(defined.sum())} vectors",
            remedy="Choose another layer or pooling, or add instances that differ.",
        )
    units = np.zeros_like(vectors)
    units[defined], _ = unit_vectors(POSTPROCESSING["centred"].function(vectors[defined]))
    if k is None:
        k = _most_apart(units[defined], seed)
    elif not 2 <= k <= int(defined.sum()):
        raise ProjectionError(
            "There cannot be so many groups", value=f"k={k}", remedy=f"Take 2 to {int(defined.sum())}."
        )
    of = np.full(len(vectors), -1, dtype=np.int64)
    of[defined] = by_size(_labels(units[defined], k, seed))
    found = int(of.max()) + 1
    return Groups(
        of,
        tuple(f"Group {number}" for number in range(1, found + 1)),
        medoids(units, of),
        f"{found} groups by k-means of the centred vectors, whatever the map shows.",
    )


def _most_apart(units: DoubleArray, seed: int) -> int:
    from sklearn.metrics import silhouette_score

    if len(units) > SAMPLED:
        units = units[np.sort(np.random.default_rng(seed).choice(len(units), SAMPLED, replace=False))]
    scores = {}
    for k in TRIED:
        labels = _labels(units, k, seed) if k < len(units) else np.zeros(0)
        if 2 <= len(np.unique(labels)) < len(units):
            scores[k] = silhouette_score(units, labels, metric="cosine")
    return max(scores, key=lambda k: scores[k], default=2)


def _labels(units: DoubleArray, k: int, seed: int) -> IntArray:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # One thread: sums over threads are taken in the order they finish, and a rounding can change a group.
    with threadpool_limits(limits=1, user_api="openmp"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different vectors than groups: fewer groups
        labels: IntArray = KMeans(k, n_init=_STARTS, random_state=seed).fit_predict(units).astype(np.int64)
    return labels
