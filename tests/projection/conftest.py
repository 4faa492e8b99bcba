"""Vectors to draw."""

from collections.abc import Callable

import numpy as np
import pytest

Clusters = Callable[..., np.ndarray]


@pytest.fixture(scope="session")
def clusters() -> Clusters:
    """A function that makes (n, width) float32 vectors in ``groups`` round groups."""

    def make(n: int, width: int = 32, groups: int = 8, spread: float = 0.7) -> np.ndarray:
        generator = np.random.default_rng(7)
        centres = generator.normal(size=(groups, width))
        return (centres[np.arange(n) % groups] + spread * generator.normal(size=(n, width))).astype(np.float32)

    return make
