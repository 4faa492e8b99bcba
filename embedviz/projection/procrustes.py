"""Turning one map onto another of the same instances, since the axes of a map mean nothing.

Schönemann, A generalized solution of the orthogonal Procrustes problem, Psychometrika 1966.
"""

from __future__ import annotations

import numpy as np

from embedviz.records import DoubleArray


def turned(places: DoubleArray, onto: DoubleArray, resize: bool = True) -> DoubleArray:
    """``places`` (n, dimensions), moved, turned and mirrored as near to ``onto`` as can be by least squares.

    ``resize`` gives it the same spread too. The least squares' own factor would shrink a map the more, the less it
    has in common with the other. Instances without a place (NaN) in one of the two do not count.
    """
    both = np.isfinite(places).all(axis=1) & np.isfinite(onto).all(axis=1)
    if not both.any():
        return places
    middle, target = places[both].mean(axis=0), onto[both].mean(axis=0)
    ours, theirs = places[both] - middle, onto[both] - target
    left, _, right = np.linalg.svd(ours.T @ theirs)
    spread = np.linalg.norm(ours)
    factor = np.linalg.norm(theirs) / spread if resize and spread else 1.0
    moved: DoubleArray = (places - middle) @ (left @ right) * factor + target
    return moved
