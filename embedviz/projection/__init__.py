"""Drawing embeddings in 2-D or 3-D, and saying how far the drawing can be trusted.

To add a method: one file that ends in a ``METHOD``, and one line in ``METHODS``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.errors import ProjectionError
from embedviz.projection import pca, tsne, umap
from embedviz.projection.few import check_distinct, draw_few
from embedviz.projection.method import Layout, Method, Parameter, Progress, close_matches
from embedviz.projection.quality import WHY_NOT, measure
from embedviz.records import Embeddings, Projection
from embedviz.vectors import check_finite, unit_vectors

__all__ = ["METHODS", "Layout", "Method", "Parameter", "Progress", "project"]

METHODS: dict[str, Method] = {
    "umap": umap.METHOD,
    "tsne": tsne.METHOD,
    "pca": pca.METHOD,
}


def project(
    embeddings: Embeddings | npt.ArrayLike,
    method: str = "umap",
    *,
    dimensions: int = 2,
    seed: int = 0,
    progress: Progress | None = None,
    **parameters: Any,
) -> Projection:
    """A map of the embeddings: (instances, dimensions) float32 coordinates, the same for the same seed.

    The method is given up for a simpler one where there are too few instances for it: one is the origin, two are a
    line as long as 1 - cosine, fewer than the method's minimum are PCA; ``Projection.method`` and ``note`` say so.
    A zero vector has no direction and so no place: its coordinates are NaN, and the note counts them.

    ``progress(done, total)`` is called along the way; what it raises stops the work. Raises ProjectionError for
    unknown methods and parameters, values out of range, NaN or infinity, and vectors of which no map can be drawn.
    """
    chosen = _method(method)
    settings = chosen.settle(parameters)
    _check_numbers(dimensions, seed)
    vectors = check_finite(embeddings).astype(np.float64)
    units, defined = unit_vectors(vectors)
    layout, used = _draw(chosen, vectors[defined], units[defined], dimensions, seed, settings, progress)
    coordinates = np.full((len(vectors), dimensions), np.nan, dtype=np.float32)
    coordinates[defined] = layout.coordinates
    quality = measure(vectors, coordinates, seed=seed)
    zeros = len(vectors) - int(defined.sum())
    remarks = (
        layout.note,
        f"Left out: {zeros} of {len(vectors)} vectors, which have length 0 and so no direction." if zeros else "",
        WHY_NOT if quality.trust is None else "",
    )
    note = " ".join(remark for remark in remarks if remark)
    return Projection(coordinates, used, layout.parameters, int(seed), quality.trust, quality.kept, note)


def _draw(
    chosen: Method,
    vectors: np.ndarray,
    units: np.ndarray,
    dimensions: int,
    seed: int,
    settings: dict[str, Any],
    progress: Progress | None,
) -> tuple[Layout, str]:
    """The layout of the vectors that have a direction, and the name of the method that made it."""
    if len(vectors) >= 3:
        check_distinct(units if chosen.directions else vectors, len(vectors))
    if len(vectors) < chosen.minimum:
        return draw_few(units, dimensions, chosen)
    return chosen.run(vectors, units, dimensions, seed, settings, progress), chosen.name


def _method(name: str) -> Method:
    if name not in METHODS:
        raise ProjectionError("There is no such way to draw a map", value=name, remedy=close_matches(name, METHODS))
    return METHODS[name]


def _check_numbers(dimensions: int, seed: int) -> None:
    if dimensions not in (2, 3):
        raise ProjectionError("A map has 2 or 3 dimensions", value=dimensions, remedy="Choose 2 or 3.")
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ProjectionError("The seed is out of range", value=seed, remedy="Take a whole number from 0 to 2^32 - 1.")
