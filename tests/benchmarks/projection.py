"""How long maps and neighbours take, and how faithful they are: ``python -m tests.benchmarks.projection PART …``.

``starts`` of a process until its first map · ``umap`` against umap-learn's defaults, first and second fit · ``maps``
by every method · ``neighbours`` · ``aligned`` maps, linked against independent. Without a part it measures all.

``--sizes`` are the numbers of instances. ``--vectors FILE.npy`` (instances, width) takes real ones in place of a
mixture of 26 groups on six-dimensional flats in 384 dimensions, and ``--layers FILE.npz`` (an array a layer) in place
of MiniLM's layers of the bundled sample. Starts and fits are measured in fresh processes with a numba cache of their
own, so that nothing on this machine is used or changed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from embedviz.projection import METHODS, project

WIDTH = 384
PARTS = ["starts", "umap", "maps", "neighbours", "aligned"]
#: The other parts measure so many at most.
MOST = 4_000

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


FITS = """
import json, resource, sys, time, warnings
import numpy as np
from embedviz.projection import METHODS
from embedviz.projection.quality import measure
from embedviz.vectors import unit_vectors
warnings.filterwarnings("ignore")
way, vectors = sys.argv[1], np.load(sys.argv[2])

def draw(rows):
    if way in METHODS:
        units = unit_vectors(rows)[0]
        return METHODS[way].run(rows, units, 2, 0, METHODS[way].settle({}), None).coordinates
    return umap.UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(rows)

def timed(work):
    began, used = time.perf_counter(), time.process_time()
    made = work()
    return made, time.perf_counter() - began, time.process_time() - used

def load():
    if way in METHODS:
        from embedviz.projection import warm
        warm.import_umap() if way == "umap" else __import__("manifolds_rs")
    else:
        globals()["umap"] = __import__("umap")

loaded = timed(load)
first = timed(lambda: draw(vectors))
second = timed(lambda: draw(vectors)) if len(vectors) > 100 else first
quality = measure(vectors, first[0])
print(json.dumps([*loaded[1:], *first[1:], *second[1:], quality.trust, quality.kept]))
"""
#: umap-learn with nothing set but the metric and the seed.
ALONE = "umap by itself"


def mixture(n: int) -> np.ndarray:
    """(n, 384) float32 vectors in 26 groups, each on a flat of six dimensions of its own, with a little noise."""
    generator = np.random.default_rng(0)
    made = np.empty((n, WIDTH), dtype=np.float32)
    for group in range(26):
        rows = np.arange(group, n, 26)
        flat = generator.normal(size=(6, WIDTH))
        noise = 0.2 * generator.normal(size=(len(rows), WIDTH))
        made[rows] = generator.normal(size=WIDTH) + 0.7 * generator.normal(size=(len(rows), 6)) @ flat + noise
    return made


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


def maps(vectors: np.ndarray) -> None:
    n = len(vectors)
    print(f"\n{'instances':>10} {'way':28} {'s':>8} {'trust':>7} {'kept':>7}")
    for name, method in METHODS.items():
        if not method.fits(n):
            continue
        project(vectors[:50], name)
        began = time.perf_counter()
        made = project(vectors, name)
        took = time.perf_counter() - began
        trust, kept = (f"{value:7.3f}" if value is not None else f"{'–':>7}" for value in (made.trust, made.kept))
        print(f"{n:10} {name:28} {took:8.2f} {trust} {kept}")


def umap(vectors: np.ndarray, ways: Sequence[str]) -> None:
    """First and second fit in a process of its own, whose functions were compiled and kept before where they can be."""
    head = ("import s", "first s", "cpu s", "second s", "cpu s", "trust", "kept")
    print(f"\n{'instances':>10} {'way':16}" + "".join(f"{each:>10}" for each in head))
    for way in ways:
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"NUMBA_CACHE_DIR": folder}
            for rows in (vectors[:60], vectors):
                file = os.path.join(folder, "vectors.npy")
                np.save(file, rows)
                command = [sys.executable, "-c", FITS, way, file]
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        loaded, _, *numbers, trust, kept = json.loads(done.stdout.splitlines()[-1])
        told = "".join(f"{number:10.2f}" for number in (loaded, *numbers))
        print(f"{len(vectors):10} {way:16}{told}{trust:10.3f}{kept:10.3f}", flush=True)


def aligned(layers: Mapping[str, np.ndarray]) -> None:
    from embedviz import Embeddings, aligned_maps
    from embedviz.projection.aligned import ALIGNMENTS

    ids = tuple(map(str, range(len(next(iter(layers.values()))))))
    captured = {name: Embeddings(rows.astype(np.float32), ids) for name, rows in layers.items()}
    aligned_maps({name: Embeddings(rows[:50], ids[:50]) for name, rows in layers.items()})
    print(
        f"\n{'instances':>10} {'layers':>7} {'alignment':14} {'s':>8} {'drift':>7} {'rho':>7} {'trust':>7} {'kept':>7}"
    )
    for alignment in ALIGNMENTS:
        began = time.perf_counter()
        made = aligned_maps(captured, alignment)
        took = time.perf_counter() - began
        trust, kept = (np.mean([getattr(each, name) or 0 for each in made.maps.values()]) for name in ("trust", "kept"))
        numbers = (took, made.drift or 0, made.faithfulness or 0, trust, kept)
        told = "".join(f"{number:8.3f}" for number in numbers)
        print(f"{len(ids):10} {len(layers):7} {alignment:14}{told}", flush=True)


def sample_layers() -> dict[str, np.ndarray]:
    """MiniLM's embeddings and blocks, of the bundled sample."""
    import embedviz
    from embedviz.modalities.samples import load_sample

    wanted = ["embeddings", *(f"encoder.layer.{block}" for block in range(6))]
    made = embedviz.capture(embedviz.bundled_checkpoint(), load_sample("wordnet-glosses"), wanted)
    return {name: each.vectors for name, each in made.items()}


def neighbours(vectors: np.ndarray) -> None:
    from sklearn.metrics import pairwise_distances
    from sklearn.neighbors import NearestNeighbors

    from embedviz import similarity
    from embedviz.projection.quality import measure

    n = len(vectors)
    print(f"\n{'instances':>10} {'step':28} {'s':>8}")
    places = np.random.default_rng(1).normal(size=(n, 2))
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--sizes", type=int, nargs="+", default=[240, 500, 4_000, 20_000], help="15 or more each")
    parser.add_argument("--ways", nargs="+", default=None, help=f"of umap: umap, umap_fast, {ALONE!r}")
    parser.add_argument("--vectors", help="a .npy file of real vectors")
    parser.add_argument("--layers", help="an .npz file, an array a layer")
    given = parser.parse_args()
    if "starts" in given.parts:
        starts()
    real = None if given.vectors is None else np.load(given.vectors)
    for n in given.sizes:
        vectors = mixture(n) if real is None else real[np.linspace(0, len(real) - 1, min(n, len(real))).astype(int)]
        if "umap" in given.parts:
            umap(vectors, given.ways or [*(way for way in ("umap", "umap_fast") if way in METHODS), ALONE])
        if n <= MOST and "maps" in given.parts:
            maps(vectors)
        if n <= MOST and "neighbours" in given.parts:
            neighbours(vectors)
    if "aligned" in given.parts:
        aligned(sample_layers() if given.layers is None else dict(np.load(given.layers)))


if __name__ == "__main__":
    main()
