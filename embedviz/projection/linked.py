"""The neighbour graph of several layers at once, in which every instance is tied to itself one layer on.

Each layer keeps its own neighbours; the last slots of an instance are given to the same instance in the layers before
and after, as near as its nearest neighbour is in its own layer. One map of that graph is one frame for all layers, in
which an instance moves as far as its neighbours make it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from embedviz.records import DoubleArray, IntArray
from embedviz.similarity import with_self
from embedviz.vectors import BoolArray

#: How many random directions stand for all layers' vectors where UMAP looks for a start.
SKETCHED = 64


@dataclass(frozen=True, eq=False)
class LinkedGraph:
    """``indices`` and ``distances`` (rows, n_neighbors), each row itself first; ``places`` (layers, instances) is the
    row of an instance in a layer, -1 where it has none."""

    indices: IntArray
    distances: DoubleArray
    places: IntArray


def linked_graph(
    units: Sequence[DoubleArray],
    defined: Sequence[BoolArray],
    n_neighbors: int,
    progress: Callable[[int, int], None] | None = None,
) -> LinkedGraph:
    """The graph of layers in their order: unit vectors (instances, width of the layer) and which of them count.

    ``n_neighbors`` counts the row itself; it is lowered to the instances of the smallest layer.
    """
    present = np.array(defined)
    places = np.where(present, np.cumsum(present).reshape(present.shape) - 1, -1)
    k = min(n_neighbors, int(present.sum(axis=1).min()))
    indices, distances = [], []
    for layer, rows in enumerate(units):
        near, apart = with_self(rows[present[layer]], k - 1, _counted(progress, layer, len(units)))
        indices.append(places[layer][present[layer]][near])
        distances.append(apart)
    graph = LinkedGraph(np.concatenate(indices), np.concatenate(distances), places)
    _link(graph)
    return graph


def _counted(progress: Callable[[int, int], None] | None, layer: int, layers: int) -> Callable[[int, int], None] | None:
    """Tells the layer at every block of a layer's instances, which is also the chance to stop."""
    return None if progress is None else lambda done, total: progress(layer, layers)


def _link(graph: LinkedGraph) -> None:
    """Gives the last one or two slots of each row to the same instance in the nearest layers that have it.

    At the row's own distance to its nearest neighbour, a link weighs as much as that neighbour does, however crowded
    the layer is: UMAP gives every row a scale of its own. At a larger distance, layers drift apart.
    """
    before, after = _beside(graph.places)
    slots = np.full(len(graph.indices), graph.indices.shape[1] - 1)
    nearest = graph.distances[:, 1].copy()
    for linked in (before, after):
        rows = np.flatnonzero(linked >= 0)
        graph.indices[rows, slots[rows]] = linked[rows]
        graph.distances[rows, slots[rows]] = nearest[rows]
        slots[rows] -= 1


def _beside(places: IntArray) -> tuple[IntArray, IntArray]:
    """For every row, the rows of the same instance in the layers before and after; -1 where there is none."""
    count = int(places.max()) + 1
    before, after = np.full(count, -1), np.full(count, -1)
    last = np.full(places.shape[1], -1)
    for rows in places:
        here = rows >= 0
        before[rows[here]] = last[here]
        both = here & (last >= 0)
        after[last[both]] = rows[both]
        last = np.where(here, rows, last)
    return before, after


def sketch(units: Sequence[DoubleArray], places: IntArray, seed: int) -> DoubleArray:
    """What all layers together say of an instance, (rows, SKETCHED), the same in every layer.

    A random projection keeps distances (Johnson & Lindenstrauss, 1984) of vectors of any width. It is no more than a
    start, and the same start for all layers of an instance keeps them together.
    """
    generator = np.random.default_rng(seed)
    total = np.sum([rows @ generator.normal(size=(rows.shape[1], SKETCHED)) for rows in units], axis=0)
    return np.concatenate([total[rows >= 0] for rows in places])
