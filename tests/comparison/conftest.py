"""Layers to compare."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import embedviz as ev

Layers = Callable[..., dict[str, ev.Embeddings]]


@pytest.fixture(scope="session")
def layers() -> Layers:
    """A function that makes layers of several widths in which eight labels come out more and more."""

    def make(n: int, depth: int = 4, seed: int = 0, labelled: bool = True) -> dict[str, ev.Embeddings]:
        generator = np.random.default_rng(seed)
        labels = np.arange(n) % 8
        latent = generator.normal(size=(n, 12))
        centres = generator.normal(size=(8, 12))[labels]
        made = {}
        for layer in range(depth):
            seen = latent + centres * 2.5 * layer / max(depth - 1, 1) + generator.normal(size=(n, 12))
            vectors = seen @ generator.normal(size=(12, 24 + 8 * layer)) + 3
            made[f"layer.{layer}"] = ev.Embeddings.from_array(
                vectors, labels=labels if labelled else None, layer=f"layer.{layer}"
            )
        return made

    return make
