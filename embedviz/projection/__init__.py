"""Drawing embeddings in 2-D or 3-D, and saying how far the drawing can be trusted.

To add a method: one file that ends in a ``METHOD``, and one line in ``ALL_METHODS``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.errors import ProjectionError
from embedviz.projection import mds, pca, tsne, umap, umap_fast
from embedviz.projection.few import check_distinct, draw_few
from embedviz.projection.judge import judge
from embedviz.projection.method import Layout, Method, Parameter, Progress, close_matches
from embedviz.records import Embeddings, Projection
from embedviz.vectors import check_finite, unit_vectors

__all__ = ["METHODS", "Layout", "Method", "Parameter", "Progress", "project"]

#: Every method there is; ``METHODS`` are those that can be used here.
ALL_METHODS: dict[str, Method] = {
    "umap": umap.METHOD,
    "umap_fast": umap_fast.METHOD,
    "tsne": tsne.METHOD,
    "pca": pca.METHOD,
    "mds": mds.METHOD,
}
METHODS = {name: method for name, method in ALL_METHODS.items() if method.installed}


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
    check_numbers(dimensions, seed)
    vectors = check_finite(embeddings).astype(np.float64)
    units, defined = unit_vectors(vectors)
    layout, used = _draw(chosen, vectors[defined], units[defined], dimensions, seed, settings, progress)
    return judge(vectors, defined, layout, used, seed)


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
    if not chosen.fits(len(vectors)):
        raise ProjectionError(
            f"{chosen.label} is for up to {chosen.maximum:,} instances",
            value=f"{len(vectors):,} instances",
            remedy="Choose UMAP or PCA, or fewer instances.",
        )
    if len(vectors) < chosen.minimum:
        return draw_few(units, dimensions, chosen)
    return chosen.run(vectors, units, dimensions, seed, settings, progress), chosen.name


def _method(name: str) -> Method:
    if name not in ALL_METHODS:
        raise ProjectionError("There is no such way to draw a map", value=name, remedy=close_matches(name, METHODS))
    if name not in METHODS:
        missing = ALL_METHODS[name]
        raise ProjectionError(
            f"{missing.label} needs a package that is not installed",
            value=missing.package,
            remedy=f"Run `pip install embedviz[{missing.extra}]` where embedviz runs, and start it again.",
        )
    return METHODS[name]


def check_numbers(dimensions: int, seed: int) -> None:
    if dimensions not in (2, 3):
        raise ProjectionError("A map has 2 or 3 dimensions", value=dimensions, remedy="Choose 2 or 3.")
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ProjectionError("The seed is out of range", value=seed, remedy="Take a whole number from 0 to 2^32 - 1.")
