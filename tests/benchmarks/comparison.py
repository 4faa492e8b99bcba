"""How long comparing layers takes: ``python -m tests.benchmarks.comparison [--size N] [--neighbours N …]``.

Without sizes it compares 240, 1,000 and 4,000 instances, seven layers with each other and two models of 13, and finds
the top 10 of 10,000 and 50,000 instances. A bare BLAS product of the same blocks is as fast as exact cosines can be.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import numpy as np

from tests.benchmarks.projection import WIDTH, mixture, seconds


def compared(n: int, depth: int, width: int, models: int) -> None:
    import embedviz as ev
    from embedviz.comparison import CURVES, MEASURES

    generator = np.random.default_rng(0)
    labels, captured = np.arange(n) % 8, []
    for _ in range(models):
        rows = generator.normal(size=(n, width)) + 0.15 * generator.normal(size=(8, width))[labels]
        layers = {}
        for layer in range(depth):
            rows = 0.9 * rows + 0.5 * generator.normal(size=(n, width))
            layers[f"layer.{layer}"] = ev.Embeddings.from_array(rows, labels=labels)
        captured.append(layers)
    stages = [*MEASURES, *CURVES, *(CURVES if models > 1 else ())]
    took: dict[str, float] = defaultdict(float)
    before = began = time.perf_counter()

    def progress(done: int, total: int) -> None:
        nonlocal before
        now = time.perf_counter()
        took[stages[max(done - 1, 0) * len(stages) // total]] += now - before
        before = now

    ev.compare(*captured, progress=progress)
    whole = time.perf_counter() - began
    print(f"\n{n:,} instances, {depth} layers of {width}" + (f", {models} models" if models > 1 else ""))
    for name, spent in took.items():
        print(f"{name:28} {spent:8.2f}")
    print(f"{'all of it':28} {whole:8.2f}")
    one, other = list(captured[0].values())[:2]
    print(f"{'movers':28} {seconds(lambda: ev.movers(one, other)):8.2f}")


def bare(units: np.ndarray) -> None:
    """The products alone, in the blocks that the neighbours are found in."""
    from embedviz.similarity import blocks

    for start, stop in blocks(len(units)):
        units[start:stop] @ units.T


def neighbours(n: int) -> None:
    from sklearn.neighbors import NearestNeighbors

    from embedviz import similarity
    from embedviz.vectors import unit_vectors

    vectors = mixture(n)
    units = unit_vectors(vectors)[0]
    brute = NearestNeighbors(metric="cosine", algorithm="brute").fit(vectors)
    k = min(10, n - 1)
    print(f"\n{'top 10 of ' + format(n, ','):28} {'s':>8}")
    print(f"{'embedviz':28} {seconds(lambda: similarity.neighbours(vectors, k)):8.2f}", flush=True)
    print(f"{'bare product, float64':28} {seconds(lambda: bare(units)):8.2f}", flush=True)
    print(f"{'bare product, float32':28} {seconds(lambda: bare(units.astype(np.float32))):8.2f}", flush=True)
    print(f"{'scikit-learn, brute':28} {seconds(lambda: brute.kneighbors(n_neighbors=k)):8.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs="*", default=[240, 1_000, 4_000], help="instances to compare over")
    parser.add_argument("--neighbours", type=int, nargs="*", default=[10_000, 50_000], help="instances to find among")
    given = parser.parse_args()
    for n in given.size:
        compared(n, depth=7, width=WIDTH, models=1)
        compared(n, depth=13, width=2 * WIDTH, models=2)
    for n in given.neighbours:
        neighbours(n)


if __name__ == "__main__":
    main()
