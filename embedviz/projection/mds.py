"""Classical scaling: the cosine table itself, laid flat.

Torgerson, Multidimensional scaling: I. Theory and method, Psychometrika 1952.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from embedviz.projection.method import Layout, Method, Progress
from embedviz.records import DoubleArray

#: The whole table of distances is taken apart: seconds for so many instances, minutes for ten times as many.
MOST = 2_000


def run(
    vectors: DoubleArray,
    units: DoubleArray,
    dimensions: int,
    seed: int,
    parameters: dict[str, Any],
    progress: Progress | None,
) -> Layout:
    """Classical scaling of 1 - cosine; the same for every seed. Each axis points to where its largest value is."""
    from scipy.linalg import eigh

    if progress:
        progress(0, 1)
    table = _doubly_centred(1 - np.clip(units @ units.T, -1, 1))
    n = len(table)
    values, axes = eigh(table, subset_by_index=(max(0, n - dimensions), n - 1))
    values, axes = np.maximum(values[::-1], 0), axes[:, ::-1]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    coordinates = np.zeros((n, dimensions))
    coordinates[:, : len(values)] = axes * np.sqrt(values)
    if progress:
        progress(1, 1)
    # The squares of a matrix's eigenvalues add up to those of its entries: no need to find them all.
    share = float(np.sqrt((values**2).sum() / (table**2).sum()))
    return Layout(coordinates, {}, f"These {dimensions} axes carry {share:.0%} of the cosine table.")


def _doubly_centred(distances: DoubleArray) -> DoubleArray:
    """-½ of the squared distances, less the means of rows and columns: scalar products seen from the middle."""
    squares = distances**2
    means = squares.mean(axis=0)
    products: DoubleArray = -0.5 * (squares - means - means[:, None] + means.mean())
    return products


METHOD = Method(
    name="mds",
    label="Classical MDS",
    sentence="Draws the cosine table itself: points lie as far apart as 1 - cosine, as nearly as a flat picture can. "
    "Honest about large distances; for the few.",
    parameters=(),
    minimum=3,
    maximum=MOST,
    run=run,
    seeded=False,
    pace=0.0005,
)
