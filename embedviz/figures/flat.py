"""A map in 3-D as it looks from one side."""

from __future__ import annotations

import numpy as np

from embedviz.records import DoubleArray, FloatArray

#: Where the map is looked at from, as on the page (right, front, above), and which way is up.
EYE = np.array([1.2, 1.2, 0.8])


def flat(coordinates: FloatArray) -> FloatArray:
    """(instances, 2) places of (instances, 2 or 3): of a map in 3-D without perspective, seen from ``EYE``."""
    if coordinates.shape[1] == 2:
        return coordinates
    towards = EYE / np.linalg.norm(EYE)
    right = np.cross([0.0, 0.0, 1.0], towards)
    right /= np.linalg.norm(right)
    up = np.cross(towards, right)
    seen: FloatArray = (coordinates @ np.column_stack([right, up])).astype(np.float32)
    return seen


def depth_of(coordinates: FloatArray) -> DoubleArray:
    """(instances,) how near to the eye each one is; all alike on a flat map, last where it has no place."""
    if coordinates.shape[1] == 2:
        return np.zeros(len(coordinates))
    near: DoubleArray = np.nan_to_num(coordinates.astype(np.float64) @ EYE, nan=np.inf)
    return near
