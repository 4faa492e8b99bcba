"""What can be drawn of a handful of instances, and when nothing can."""

from __future__ import annotations

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.projection.method import Layout, Method
from embedviz.projection.pca import components
from embedviz.records import DoubleArray

#: Vectors closer than this share of the longest one differ by the rounding of a float32 model, and by nothing else.
SAME = 1e-6

TABLE = "The exact cosine table is still there."


def draw_few(units: DoubleArray, dimensions: int, asked: Method) -> tuple[Layout, str]:
    """The map of unit vectors (n, width) too few for the method asked for, and the name of what was drawn instead.

    PCA of unit vectors is classical scaling of their distances, whose squares are 2(1 - cosine): it draws the
    cosine table as faithfully as a flat picture can.
    """
    n = len(units)
    if n == 0:
        raise ProjectionError(
            "There is nothing to draw",
            remedy="Give at least one instance whose vector is not all zeros.",
        )
    if n == 1:
        return Layout(np.zeros((1, dimensions)), {}, "One instance: a single point says nothing."), "point"
    if n == 2:
        coordinates = np.zeros((2, dimensions))
        coordinates[1, 0] = 1 - np.clip(units[0] @ units[1], -1, 1)
        return Layout(coordinates, {}, "Two instances: the line between them is as long as 1 - their cosine."), "line"
    coordinates, share = components(units, dimensions)
    note = (
        f"{asked.label} needs at least {asked.minimum} instances and would invent structure for {n}, so this is PCA "
        f"of their directions, carrying {share:.0%} of the variance."
    )
    return Layout(coordinates, {}, note), "pca"


def distinct(rows: DoubleArray) -> int:
    """How many different vectors the rows (n, width) hold, counted up to three; without rows, none."""
    if not len(rows):
        return 0
    largest = np.abs(rows).max()
    rows = rows / largest if largest else rows
    tolerance = SAME * np.sqrt(np.einsum("ij,ij->i", rows, rows).max())
    nearest = np.linalg.norm(rows - rows[0], axis=1)
    found = 1
    while found < 3 and nearest.max() > tolerance:
        # The row farthest from all found so far is different from each of them.
        nearest = np.minimum(nearest, np.linalg.norm(rows - rows[nearest.argmax()], axis=1))
        found += 1
    return found


def check_distinct(rows: DoubleArray, count: int) -> None:
    """ProjectionError where the rows (n, width) hold fewer than three different vectors: no map can be drawn."""
    found = distinct(rows)
    if found < 3:
        different = "all the same" if found == 1 else "only two different ones"
        raise ProjectionError(
            "No map can be drawn: a map needs at least three different vectors",
            value=f"{count} vectors, {different}",
            remedy=f"{TABLE} Choose another layer or pooling, or add instances that differ.",
        )
