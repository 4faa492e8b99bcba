"""How far instances move between maps, and whether that movement means anything."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from embedviz.records import DoubleArray
from embedviz.similarity import nearest_units

#: True neighbours looked at for what changes between layers.
NEIGHBOURS = 10
#: With fewer instances nearly everybody is a neighbour of everybody, and nothing can change.
FEWEST = 15


def drift(maps: Sequence[DoubleArray]) -> float | None:
    """The median move of an instance between consecutive maps (n, dimensions), in standard deviations of the map.

    The standard deviation is that of one axis, over all maps. None for fewer than two maps, or maps of no extent.
    """
    if len(maps) < 2:
        return None
    moves = np.concatenate([np.linalg.norm(later - earlier, axis=1) for earlier, later in pairwise(maps)])
    spread = np.sqrt(np.mean([np.nanvar(places, axis=0).mean() for places in maps]))
    moves = moves[np.isfinite(moves)]
    return float(np.median(moves) / spread) if len(moves) and spread else None


def faithfulness(maps: Sequence[DoubleArray], units: Sequence[DoubleArray]) -> float | None:
    """Spearman's correlation of each instance's move from the first to the last map with its change of neighbours.

    ``units`` are the first and last layers' centred unit vectors, of which the ten nearest are compared. Instances
    without a place in one of the two maps do not count. None for fewer than 15 others, or where nothing changes.
    """
    from scipy.stats import spearmanr

    if len(maps) < 2:
        return None
    first, last = maps[0], maps[-1]
    both = np.isfinite(first).all(axis=1) & np.isfinite(last).all(axis=1)
    if both.sum() < FEWEST:
        return None
    moved = np.linalg.norm(last[both] - first[both], axis=1)
    earlier, later = (nearest_units(rows[both], NEIGHBOURS)[0] for rows in (units[0], units[-1]))
    changed = NEIGHBOURS - (earlier[:, :, None] == later[:, None, :]).sum(axis=(1, 2))
    if np.ptp(moved) == 0 or np.ptp(changed) == 0:
        return None
    return float(spearmanr(moved, changed).statistic)
