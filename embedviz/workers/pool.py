"""All workers of a server: one a checkpoint, and one for each piece of numerical work."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable
from typing import Any

from embedviz.errors import CheckpointError
from embedviz.workers.model_worker import ModelWorker, Source
from embedviz.workers.process import Nursery, Process, Progress, can_fork, spawn
from embedviz.workers.wire import Arrays

log = logging.getLogger(__name__)

#: How many checkpoints are held open; the one idle for longest goes first.
MAX_OPEN = 6
NUMBERS_DEADLINE = 1800.0


class Pool:
    """The workers of one server."""

    def __init__(self) -> None:
        self._models = Nursery("model") if can_fork() else None
        self._numbers = Nursery("numbers") if can_fork() else None
        self._workers: dict[Source, ModelWorker] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to warm up; returns at once."""
        for nursery in (self._models, self._numbers):
            if nursery is not None:
                nursery.start()
        if self._models is None:
            log.warning("this system cannot fork: each worker starts slowly, with fewer limits")

    def model(self, source: Source) -> ModelWorker:
        """The worker of this source, made (but not started) where there is none. CheckpointError for an absent one."""
        if source.absent:
            raise CheckpointError(
                "The checkpoint of this session is not open, and this needs it",
                value=source.name,
                remedy="Open the checkpoint first, under 1 Checkpoint; the session then goes on with it.",
            )
        with self._lock:
            if source not in self._workers:
                self._retire()
                nursery = self._models
                start = nursery.fork if nursery is not None else lambda _stopped: spawn("model")
                self._workers[source] = ModelWorker(source, start)
            return self._workers[source]

    def _retire(self) -> None:
        idle = sorted((w for w in self._workers.values() if not w.busy), key=lambda worker: worker.used)
        for worker in idle[: max(0, len(self._workers) - MAX_OPEN + 1)]:
            log.info("retiring %s", worker.source.name)
            worker.end()
            del self._workers[worker.source]

    def release(self, owner: str) -> None:
        """End the workers that belong to ``owner``, a session that is over."""
        with self._lock:
            for source in [source for source in self._workers if source.owner == owner and owner]:
                self._workers.pop(source).end()

    def numbers(
        self,
        operation: str,
        arguments: dict[str, Any],
        arrays: Arrays,
        progress: Progress | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> tuple[Any, Arrays]:
        """Numerical work in a process of its own, so that stopping it is ending it and none waits for another."""
        process = self._numbers_process(operation, arguments, progress, stopped)
        try:
            return process.ask(
                operation, arguments, arrays, progress=progress, stopped=stopped, deadline=NUMBERS_DEADLINE
            )
        finally:
            process.kill()

    @property
    def numbers_ready(self) -> bool:
        """Whether numerical work starts at once, umap compiled."""
        return self._numbers is not None and self._numbers.ready.is_set()

    def _numbers_process(
        self, operation: str, arguments: dict[str, Any], progress: Progress | None, stopped: Callable[[], bool]
    ) -> Process:
        if self._numbers is None:
            return spawn("numbers")
        needs_umap = operation == "aligned" or (
            operation in ("project", "reroll") and arguments.get("method") == "umap"
        )
        # While umap still compiles (half a minute, the first time on a machine), nothing else has to wait for it.
        if not self._numbers.ready.is_set() and not needs_umap:
            self._numbers.start()
            return spawn("numbers")
        if progress is not None and not self._numbers.ready.is_set():
            progress("preparing UMAP (only once on this machine)", 0, 0)
        return self._numbers.fork(stopped)

    def stop(self) -> None:
        """End every worker."""
        with self._lock:
            for worker in self._workers.values():
                worker.end()
            self._workers.clear()
        for nursery in (self._models, self._numbers):
            if nursery is not None:
                nursery.stop()


_pool: Pool | None = None
_making = threading.Lock()


def pool() -> Pool:
    """This process's pool, started on first use."""
    global _pool
    with _making:
        if _pool is None:
            _pool = Pool()
            _pool.start()
            atexit.register(_pool.stop)
        return _pool
