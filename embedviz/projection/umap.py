"""UMAP: keeps neighbourhoods and how they hang together.

McInnes, Healy & Melville, UMAP: Uniform Manifold Approximation and Projection, 2018. umap-learn is given exact
cosine neighbours: left to itself it spends most of its time finding them below 4,096 instances.
"""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Iterator
from pickle import UnpicklingError
from typing import Any

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.projection.bar import Bar
from embedviz.projection.method import Layout, Method, Parameter, Progress
from embedviz.records import DoubleArray, IntArray
from embedviz.similarity import with_self

# numba's workqueue layer ends the whole process when two threads enter it at once.
_one_at_a_time = threading.RLock()


def _new_lock() -> None:
    """A forked child must not wait for a thread that stayed with its parent."""
    global _one_at_a_time
    _one_at_a_time = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


def run(
    vectors: DoubleArray,
    units: DoubleArray,
    dimensions: int,
    seed: int,
    parameters: dict[str, Any],
    progress: Progress | None,
) -> Layout:
    """UMAP from exact cosine neighbours; the seed fixes every bit of the result.

    It starts from the neighbour graph's spectrum, or from PCA where that graph gives no start. Raises
    ProjectionError where neither gives a map, and whatever ``progress`` raises to stop it.
    """
    n_neighbors = min(parameters["n_neighbors"], len(units) - 1)
    used = {"n_neighbors": n_neighbors, "min_dist": parameters["min_dist"]}
    # umap counts an instance among its own neighbours.
    graph = with_self(units, n_neighbors - 1)
    return layout(units, graph, used, dimensions, seed, progress)


def layout(
    rows: DoubleArray,
    graph: tuple[IntArray, DoubleArray],
    parameters: dict[str, Any],
    dimensions: int,
    seed: int,
    progress: Progress | None,
) -> Layout:
    """UMAP of a neighbour graph: (n, n_neighbors) indices and distances, each instance itself first.

    ``rows`` (n, width) only help to a start: where the graph falls into pieces, or has no spectrum to start from.
    """
    indices, distances = graph
    settings: dict[str, Any] = {
        **parameters,
        "n_components": dimensions,
        "precomputed_knn": (indices, distances.astype(np.float32)),
    }
    coordinates = _fit(rows, settings, "spectral", seed, progress)
    if coordinates is not None:
        return Layout(coordinates, parameters)
    coordinates = _fit(rows, settings, "pca", seed, progress)
    if coordinates is not None:
        return Layout(coordinates, parameters, "The neighbour graph gave no starting point, so UMAP started from PCA.")
    raise ProjectionError(
        "UMAP found no map of these instances",
        value=f"{len(rows)} instances, {parameters['n_neighbors']} neighbours",
        remedy="Use more neighbours, or PCA.",
    )


def _fit(
    rows: DoubleArray, settings: dict[str, Any], init: str, seed: int, progress: Progress | None
) -> np.ndarray | None:
    """(n, dimensions) coordinates, or None where umap cannot draw this graph from this start."""
    from embedviz.projection.warm import import_umap, stop_keeping

    bar = Bar(progress)
    with _one_at_a_time, _quiet():
        umap, numba = import_umap()
        threads = numba.get_num_threads()
        model = umap.UMAP(
            **settings,
            metric="cosine",
            init=init,
            random_state=seed,
            n_jobs=1,
            # Opposite vectors (distance 2) would be cut off and lose their coordinates.
            disconnection_distance=np.inf,
            tqdm_kwds=bar.settings,
        )
        try:
            coordinates = np.asarray(model.fit_transform(rows.astype(np.float32)))
            bar.stop()
        except (UserWarning, ValueError, TypeError):
            bar.stop()
            return None
        except (OSError, EOFError, UnpicklingError):
            bar.stop()
            # A full disk, or a spoilt file among the compiled functions: do without them.
            if not stop_keeping("umap"):
                raise
            return _fit(rows, settings, init, seed, progress)
        finally:
            numba.set_num_threads(threads)  # umap sets it to one, and leaves it there when it is stopped
    return coordinates if np.isfinite(coordinates).all() else None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences what umap says about neighbours it is given; makes its failed start an error, not a random start."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    interval = tqdm.monitor_interval
    tqdm.monitor_interval = 0  # its monitor is a thread, and a process with threads cannot be forked safely
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"precomputed_knn\[2\]")
            warnings.filterwarnings("error", message="Spectral initialisation failed")
            yield
    finally:
        tqdm.monitor_interval = interval


METHOD = Method(
    name="umap",
    label="UMAP",
    sentence="Keeps each instance beside its neighbours and, loosely, groups in their order; sizes of groups and gaps "
    "mean little.",
    parameters=(
        Parameter(
            name="n_neighbors",
            label="Neighbours",
            default=15,
            minimum=2,
            maximum=200,
            step=1,
            sentence="How many neighbours each instance holds on to: lower shows small groups, higher the broad "
            "picture.",
        ),
        Parameter(
            name="min_dist",
            label="Tightness",
            default=0.1,
            minimum=0.0,
            maximum=0.99,
            step=0.01,
            sentence="How close instances may be drawn: lower packs groups tightly, higher spreads them out evenly.",
        ),
    ),
    minimum=15,
    run=run,
)
