"""Whose true neighbours change most between two layers."""

from __future__ import annotations

import numpy as np

from embedviz.comparison.mutual_neighbours import shared
from embedviz.comparison.view import View, check_same_instances, fitting
from embedviz.records import Embeddings, IntArray, Movers


def movers(one: Embeddings, other: Embeddings, k: int = 10, postprocessing: str = "centred") -> Movers:
    """The instances ranked by how many of their ``k`` nearest neighbours at layer ``one`` are no longer at ``other``.

    Where there are few instances, fewer than half of the others are looked at. Instances without a direction in one
    of the layers, and all of them where a layer gives the same vector for every instance, are not ranked. Widths may
    differ. Raises ProjectionError for other instances, NaN or infinity, and ``k`` below 1.
    """
    check_same_instances({"the first": one, "the second": other})
    views = [View.of(each.layer, each, postprocessing) for each in (one, other)]
    n = len(one)
    defined = views[0].defined & views[1].defined & (not any(each.constant for each in views))
    rows = np.flatnonzero(defined)
    columns = fitting(k, n)
    return moved(*(_neighbours(each, rows, columns, n) for each in views))


def moved(before: IntArray, after: IntArray) -> Movers:
    """The same from each instance's neighbours at two layers: (instances, k) places, -1 where there is none."""
    rows = np.flatnonzero((before >= 0).any(axis=1) & (after >= 0).any(axis=1))
    kept = np.full(len(before), -1, dtype=np.int64)
    kept[rows] = shared(before[rows], np.where(after[rows] < 0, -2, after[rows]))
    order: IntArray = rows[np.argsort(kept[rows], kind="stable")]
    return Movers(order, kept, before, after)


def _neighbours(view: View, rows: IntArray, columns: int, n: int) -> IntArray:
    """(n, columns) the neighbours of ``rows`` among themselves, -1 elsewhere."""
    lists = np.full((n, columns), -1, dtype=np.int64)
    found = min(columns, max(len(rows) - 1, 0))
    if found:
        lists[rows, :found] = rows[view.nearest(rows, found)]
    return lists
