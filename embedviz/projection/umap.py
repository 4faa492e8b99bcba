"""UMAP: keeps neighbourhoods and how they hang together.

McInnes, Healy & Melville, UMAP: Uniform Manifold Approximation and Projection, 2018. umap-learn is given exact
cosine neighbours: left to itself it spends most of its time finding them below 4,096 instances.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import warnings
from collections.abc import Iterator
from pickle import UnpicklingError
from typing import Any

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.projection.method import Layout, Method, Parameter, Progress
from embedviz.records import DoubleArray
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
    indices, distances = with_self(units, n_neighbors - 1)
    settings: dict[str, Any] = {
        **used,
        "n_components": dimensions,
        "precomputed_knn": (indices, distances.astype(np.float32)),
    }
    coordinates = _fit(units, settings, "spectral", seed, progress)
    if coordinates is not None:
        return Layout(coordinates, used)
    coordinates = _fit(units, settings, "pca", seed, progress)
    if coordinates is not None:
        return Layout(coordinates, used, "The neighbour graph gave no starting point, so UMAP started from PCA.")
    raise ProjectionError(
        "UMAP found no map of these instances",
        value=f"{len(units)} instances, {n_neighbors} neighbours",
        remedy="Use more neighbours, or PCA.",
    )


def _fit(
    units: DoubleArray, settings: dict[str, Any], init: str, seed: int, progress: Progress | None
) -> np.ndarray | None:
    """(n, dimensions) coordinates, or None where umap cannot draw this graph from this start."""
    from embedviz.projection.warm import import_umap, stop_keeping

    bar = _Bar(progress)
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
            coordinates = np.asarray(model.fit_transform(units.astype(np.float32)))
            bar.stop()
        except (UserWarning, ValueError, TypeError):
            bar.stop()
            return None
        except (OSError, EOFError, UnpicklingError):
            bar.stop()
            # A full disk, or a spoilt file among the compiled functions: do without them.
            if not stop_keeping("umap"):
                raise
            return _fit(units, settings, init, seed, progress)
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


class _Bar:
    """A file for tqdm to write "12/500" to, which becomes a call of ``progress``.

    tqdm holds a lock of all its bars while it writes, and keeps it for ever if writing raises. So what ``progress``
    raises is put aside, and raised where tqdm next looks at the clock, which is outside the lock.
    """

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress
        self.raised: BaseException | None = None
        self.settings = {
            "disable": progress is None,
            "file": self,
            "mininterval": _Interval(self),
            "bar_format": "{n_fmt}/{total_fmt}",
        }

    def write(self, text: str) -> None:
        counts = re.search(r"(\d+)/(\d+)", text)
        if not counts or not self.progress or self.raised:
            return
        try:
            self.progress(int(counts[1]), int(counts[2]))
        except BaseException as error:  # noqa: BLE001  (raised again by stop)
            self.raised = error

    def flush(self) -> None:
        """Nothing is kept back."""

    def stop(self) -> None:
        """Raises what ``progress`` raised, if anything."""
        if self.raised is not None:
            raise self.raised


class _Interval(float):
    """The seconds tqdm waits between two writes; comparing the clock with it is the chance to stop."""

    bar: _Bar

    def __new__(cls, bar: _Bar) -> _Interval:
        interval = super().__new__(cls, 0.05)
        interval.bar = bar
        return interval

    def __le__(self, elapsed: float) -> bool:
        self.bar.stop()
        return super().__le__(elapsed)


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
