"""Principal components: the flat shadow that keeps the most spread."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedviz.projection.method import Layout, Method, Progress
from embedviz.records import DoubleArray


def components(rows: DoubleArray, dimensions: int) -> tuple[DoubleArray, float]:
    """The first principal coordinates (n, dimensions) of the centred rows, and the share of variance they carry.

    Signs are fixed: each axis points to where its largest weight is positive (scikit-learn's ``svd_flip``). Rows
    that vary in fewer directions than asked for get zeros on the remaining axes.
    """
    from sklearn.decomposition import PCA

    rank = min(dimensions, *rows.shape)
    # The covariance route is the fast exact one for many instances; it squares the rounding error of few.
    solver = "covariance_eigh" if len(rows) > 5 * rows.shape[1] else "full"
    fitted = PCA(n_components=rank, svd_solver=solver)
    coordinates = np.zeros((len(rows), dimensions))
    coordinates[:, :rank] = fitted.fit_transform(rows)
    return coordinates, float(min(1.0, fitted.explained_variance_ratio_.sum()))


def run(
    vectors: DoubleArray,
    units: DoubleArray,
    dimensions: int,
    seed: int,
    parameters: dict[str, Any],
    progress: Progress | None,
) -> Layout:
    """PCA of the vectors as they are, lengths included; the same for every seed."""
    if progress:
        progress(0, 1)
    coordinates, share = components(vectors, dimensions)
    if progress:
        progress(1, 1)
    return Layout(coordinates, {}, f"These {dimensions} axes carry {share:.0%} of the variance.")


METHOD = Method(
    name="pca",
    label="PCA",
    sentence="Turns the cloud of vectors to its widest side and draws its shadow: honest about large distances, "
    "blind to fine groups.",
    parameters=(),
    minimum=3,
    run=run,
    pace=0.0001,
    directions=False,
    seeded=False,
)
