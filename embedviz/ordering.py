"""In which order instances stand in a table of cosines, so that what is alike stands together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.errors import ProjectionError
from embedviz.records import Embeddings, IntArray, as_vectors

#: The clustering holds all pairs in memory, and turning its branches takes time that grows faster still.
MOST_ORDERED, MOST_TURNED = 5_000, 1_000


def matrix_order(
    vectors: Embeddings | npt.ArrayLike, by: str = "cluster", labels: Sequence[Any] | None = None
) -> IntArray:
    """The positions of the instances in the order to show them: a permutation of 0 … instances - 1.

    ``by="cluster"`` follows the tree of average linkage on cosine distance, its branches turned so that neighbours in
    the order are as close as can be. ``by="label"`` keeps the instances of a label together, labels in alphabetical
    order, those without one last, and clusters within each. Vectors without a direction come last.
    """
    matrix = np.asarray(as_vectors(vectors), dtype=np.float64)
    if len(matrix) > MOST_ORDERED:
        raise ProjectionError(
            f"More than {MOST_ORDERED:,} instances cannot be put in order by similarity",
            value=f"{len(matrix):,} instances",
            remedy="Choose fewer instances.",
        )
    if by == "cluster":
        return _cluster(matrix, np.arange(len(matrix), dtype=np.int64))
    if by != "label":
        raise ProjectionError("There is no such order", value=by, remedy='Use "cluster" or "label".')
    if labels is None or len(labels) != len(matrix):
        raise ProjectionError(
            "Ordering by label needs one label for each instance",
            value=f"{0 if labels is None else len(labels)} labels for {len(matrix)} instances",
            remedy='Choose a label column, or order by "cluster".',
        )
    names = [None if label is None or label != label else str(label) for label in labels]
    kinds: list[str | None] = [*sorted({name for name in names if name is not None}), None]
    members = [np.array([at for at, name in enumerate(names) if name == kind], dtype=np.int64) for kind in kinds]
    return np.concatenate([_cluster(matrix[positions], positions) for positions in members])


def _cluster(matrix: npt.NDArray[np.float64], positions: IntArray) -> IntArray:
    """``positions``, one a row of ``matrix``, in the order of the clustering."""
    with np.errstate(all="ignore"):
        unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    directed = np.isfinite(unit).all(axis=1)
    inside, outside = positions[directed], positions[~directed]
    if len(inside) < 3:
        return np.concatenate([inside, outside])
    from scipy.cluster.hierarchy import leaves_list, linkage

    unit = unit[directed]
    # Rounding may leave a distance a hair below zero, which scipy refuses.
    distances = np.clip(1.0 - (unit @ unit.T)[np.triu_indices(len(unit), 1)], 0.0, 2.0)
    tree = linkage(distances, method="average", optimal_ordering=len(unit) <= MOST_TURNED)
    return np.concatenate([inside[leaves_list(tree)], outside])
