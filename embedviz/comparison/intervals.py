"""95 % intervals: how far a number would move with other instances of the same kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from embedviz.projection.method import Progress
from embedviz.records import DoubleArray, IntArray

DRAWS, LARGEST = 20, 250
#: The 97.5 % points of the normal distribution and of Student's t with ``DRAWS`` - 1 degrees of freedom.
NORMAL, STUDENT = 1.959964, 2.093024


def by_subsampling(
    measure: Callable[[IntArray], DoubleArray], n: int, seed: int, progress: Progress | None = None
) -> DoubleArray:
    """Half the width of the interval around what ``measure`` gives for all ``n`` instances, in the shape it gives.

    The delete-d jackknife (Shao & Wu 1989; Politis, Romano & Wolf 1999): ``measure`` is taken of ``DRAWS`` random
    subsets of m = min(n/2, ``LARGEST``) instances, drawn without replacement, since an instance that is drawn twice
    would be its own nearest neighbour. A subset's spread is larger than that of all n, by (n - m)/m in variance.
    """
    size = min(n // 2, LARGEST)
    generator = np.random.default_rng(seed)
    drawn = []
    for draw in range(DRAWS):
        drawn.append(measure(np.sort(generator.choice(n, size, replace=False))))
        if progress is not None:
            progress(draw + 1, DRAWS)
    spread: DoubleArray = np.std(drawn, axis=0, ddof=1) * np.sqrt(size / (n - size))
    return STUDENT * spread


def of_mean(values: DoubleArray) -> float:
    """Half the width of the normal interval around the mean of one number an instance."""
    if len(values) < 2:
        return float("nan")
    return float(NORMAL * values.std(ddof=1) / np.sqrt(len(values)))


def of_share(share: float, n: int) -> tuple[float, float]:
    """Wilson's interval of a share of ``n`` instances (1927): it stays within 0..1 and is honest near its ends."""
    weight = NORMAL**2 / n
    middle = (share + weight / 2) / (1 + weight)
    half = NORMAL / (1 + weight) * np.sqrt(share * (1 - share) / n + weight / (4 * n))
    return float(max(middle - half, 0)), float(min(middle + half, 1))
