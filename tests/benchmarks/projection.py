"""How long maps and neighbours take: ``python -m tests.benchmarks.projection [--size N]``.

Without a size it measures 240, 1,000 and 4,000 instances. Starts are measured in fresh processes with a numba cache
of their own, so that nothing on this machine is used or changed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable

import numpy as np

WIDTH = 384

START = """
import sys, time
began = time.perf_counter()
import numpy as np
from embedviz.projection import project, warm
if {plain}:
    warm.keep_compiled = lambda package: 0
project(np.random.default_rng(0).normal(size=(100, 16)).astype(np.float32))
print(time.perf_counter() - began)
"""


def clusters(n: int) -> np.ndarray:
    """(n, 384) float32 vectors in twenty loose groups."""
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(20, WIDTH))
    return (centres[np.arange(n) % 20] + generator.normal(size=(n, WIDTH))).astype(np.float32)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def start(cache: str, plain: bool) -> float:
    """Seconds from an empty process to the first map, compiling as the cache folder has it."""
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-c", START.format(plain=plain)]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def starts() -> None:
    print(f"{'a new process until its first map':44} {'s':>8}")
    with tempfile.TemporaryDirectory() as cache:
        print(f"{'empty cache':44} {start(cache, plain=False):8.2f}")
        print(f"{'kept on disk':44} {start(cache, plain=False):8.2f}")
        print(f"{'not kept on disk (umap by itself)':44} {start(cache, plain=True):8.2f}")


def maps(n: int) -> None:
    import umap

    from embedviz.projection import METHODS, project

    print(f"\n{'instances':>10} {'way':28} {'s':>8} {'trust':>7} {'kept':>7}")
    vectors = clusters(n)
    for name in METHODS:
        project(vectors[:50], name)
        began = time.perf_counter()
        made = project(vectors, name)
        took = time.perf_counter() - began
        trust, kept = (f"{value:7.3f}" if value is not None else f"{'–':>7}" for value in (made.trust, made.kept))
        print(f"{n:10} {name:28} {took:8.2f} {trust} {kept}")
    warnings.filterwarnings("ignore", module="umap")
    default = umap.UMAP(metric="cosine", random_state=0, n_jobs=1)
    for label in ("umap by itself, first", "umap by itself, again"):
        print(f"{n:10} {label:28} {seconds(lambda: default.fit(vectors)):8.2f}")


def neighbours(n: int) -> None:
    from sklearn.metrics import pairwise_distances
    from sklearn.neighbors import NearestNeighbors

    from embedviz import similarity
    from embedviz.projection.quality import measure

    print(f"\n{'instances':>10} {'step':28} {'s':>8}")
    vectors, places = clusters(n), np.random.default_rng(1).normal(size=(n, 2))
    brute = NearestNeighbors(metric="cosine", algorithm="brute")
    steps: dict[str, Callable[[], object]] = {
        "15 neighbours": lambda: similarity.neighbours(vectors, 15),
        "15 neighbours, scikit-learn": lambda: brute.fit(vectors).kneighbors(n_neighbors=min(15, n - 1)),
        "cosine table": lambda: similarity.cosine_similarity(vectors),
        "cosine table, scikit-learn": lambda: pairwise_distances(vectors, metric="cosine"),
        "20 extreme pairs": lambda: similarity.pairs(vectors),
        "mean cosine": lambda: similarity.mean_cosine(vectors),
        "trust and kept neighbours": lambda: measure(vectors, places),
    }
    for label, step in steps.items():
        step()
        print(f"{n:10} {label:28} {seconds(step):8.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, help="measure one number of instances only, 15 or more")
    parser.add_argument("--no-starts", dest="starts", action="store_false", help="leave the starts of processes out")
    given = parser.parse_args()
    if given.starts:
        starts()
    for n in [given.size] if given.size else [240, 1_000, 4_000]:
        maps(n)
        neighbours(n)


if __name__ == "__main__":
    main()
