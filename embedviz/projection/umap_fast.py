"""UMAP by a compiled package: the same idea several times as fast, where ``manifolds-rs`` is installed.

Its layout differs from umap-learn's in detail, so a map is one or the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.projection import umap
from embedviz.projection.method import Layout, Method, Progress
from embedviz.records import DoubleArray
from embedviz.similarity import nearest_units

#: umap-learn's own rule: fewer rounds for many instances.
MANY, ROUNDS, ROUNDS_OF_MANY = 10_000, 500, 200


def run(
    vectors: DoubleArray,
    units: DoubleArray,
    dimensions: int,
    seed: int,
    parameters: dict[str, Any],
    progress: Progress | None,
) -> Layout:
    """UMAP from exact cosine neighbours; the seed fixes every bit of the result.

    The package offers no way to watch or stop its loop, so progress is reported while neighbours are found and at the
    end only.
    """
    from manifolds_rs import UMAP

    n_neighbors = min(parameters["n_neighbors"], len(units) - 1)
    used = {"n_neighbors": n_neighbors, "min_dist": parameters["min_dist"]}
    if progress:
        progress(0, len(units))
    # An instance counts among its own neighbours, but this package wants them without.
    indices, cosines = nearest_units(units, n_neighbors - 1)
    model = UMAP(
        n_components=dimensions,
        n_neighbors=n_neighbors - 1,
        metric="cosine",
        min_dist=float(used["min_dist"]),
        n_epochs=ROUNDS if len(units) <= MANY else ROUNDS_OF_MANY,
        optimiser="sgd",
        seed=int(seed),
    )
    coordinates = model.fit_transform(
        units.astype(np.float32), knn_indices=indices, knn_distances=(1 - cosines).astype(np.float32)
    )
    if not np.isfinite(coordinates).all():
        raise ProjectionError(
            "UMAP (fast) found no map of these instances",
            value=f"{len(units)} instances, {n_neighbors} neighbours",
            remedy="Use more neighbours, or UMAP.",
        )
    if progress:
        progress(len(units), len(units))
    return Layout(coordinates, used)


METHOD = Method(
    name="umap_fast",
    label="UMAP (fast)",
    sentence="UMAP by a compiled package: much the same picture sooner. It cannot be watched while it draws.",
    parameters=umap.METHOD.parameters,
    minimum=umap.METHOD.minimum,
    run=run,
    pace=0.0008,
    package="manifolds_rs",
    extra="fast",
)
