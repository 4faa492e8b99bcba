"""All workers of a server: one a checkpoint, and one for each piece of numerical work."""

from __future__ import annotations

import atexit
import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedviz.checkpoints.request import Options
from embedviz.errors import Cancelled, CheckpointError, WorkerError
from embedviz.records import TokenizerComparison
from embedviz.workers.process import Nursery, Process, Progress, can_fork, spawn
from embedviz.workers.wire import Arrays

log = logging.getLogger(__name__)

#: How many checkpoints are held open; the one idle for longest goes first.
MAX_OPEN = 6
OPEN_DEADLINE, CAPTURE_DEADLINE, NUMBERS_DEADLINE, EXAMINE_DEADLINE = 600.0, 3600.0, 1800.0, 600.0
#: An upload may be made to take long; of the hostile files that were tried, the slowest that opened took eleven s.
UPLOAD_DEADLINE = 180.0


@dataclass(frozen=True)
class Source:
    """Where a checkpoint comes from. ``path`` None is the bundled one; ``owner`` "" makes it everybody's."""

    name: str
    path: Path | None = None
    owner: str = ""
    options: Options = field(default_factory=Options)
    #: Only known from a session file: there is nothing to open.
    absent: bool = False

    @property
    def shared(self) -> bool:
        return not self.owner


class ModelWorker:
    """One opened checkpoint in a process of its own, opened again by itself if that process died while idle."""

    def __init__(self, source: Source, start: Callable[[Callable[[], bool]], Process]) -> None:
        self.source = source
        self.summary: dict[str, Any] = {}
        self.used = time.monotonic()
        self._start = start
        self._process: Process | None = None
        self._scratch = ""
        self._turn = threading.Lock()

    @property
    def busy(self) -> bool:
        return self._turn.locked()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.alive else None

    def open(self, progress: Progress | None = None, stopped: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        """The checkpoint's summary (see ``model_operations.summary``)."""
        with self._turn_when_free(progress, stopped):
            self._ensure_open(progress, stopped)
            return self.summary

    def capture(
        self,
        arguments: dict[str, Any],
        arrays: Arrays | None = None,
        progress: Progress | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> tuple[Any, Arrays]:
        """``model_operations``' capture."""
        return self._ask("capture", arguments, arrays, progress, stopped)

    def examine(
        self,
        items: Sequence[str],
        progress: Progress | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any]:
        """The doctor's report as JSON values, with the person's own instances looked at."""
        return dict(self._ask("examine", {"items": list(items)}, None, progress, stopped, EXAMINE_DEADLINE)[0])

    def script(self, arguments: dict[str, Any], arrays: Arrays) -> str:
        """``model_operations``' script: Python that makes vectors again."""
        return str(self._ask("script", arguments, arrays)[0]["text"])

    def tokens(
        self,
        arguments: dict[str, Any],
        arrays: Arrays,
        progress: Progress | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> tuple[Any, Arrays]:
        """``token_operations``' tokens of some texts, with their vectors where layers are asked for."""
        return self._ask("tokens", arguments, arrays, progress, stopped)

    def compare_tokenizers(
        self,
        arguments: dict[str, Any],
        progress: Progress | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> TokenizerComparison:
        """``tokenizer_operations``' comparison. A tokenizer from a file may be made to take long, and is ended then."""
        deadline = UPLOAD_DEADLINE if arguments.get("path") else CAPTURE_DEADLINE
        return TokenizerComparison.from_json(
            *self._ask("compare_tokenizers", arguments, None, progress, stopped, deadline)
        )

    def _ask(
        self,
        operation: str,
        arguments: dict[str, Any],
        arrays: Arrays | None = None,
        progress: Progress | None = None,
        stopped: Callable[[], bool] = lambda: False,
        deadline: float = CAPTURE_DEADLINE,
    ) -> tuple[Any, Arrays]:
        """What the worker answers, once it is this one's turn and the checkpoint is open."""
        with self._turn_when_free(progress, stopped):
            process = self._ensure_open(progress, stopped)
            return process.ask(operation, arguments, arrays, progress=progress, stopped=stopped, deadline=deadline)

    def copy(self, progress: Progress | None = None, stopped: Callable[[], bool] = lambda: False) -> Path:
        """A zip of the checkpoint as safetensors; it goes when the worker does."""
        with self._turn_when_free(progress, stopped):
            process = self._ensure_open(progress, stopped)
            process.ask("save", {}, progress=progress, stopped=stopped, deadline=OPEN_DEADLINE)
            made = Path(self._scratch) / "copy.zip"
            if made.is_symlink() or not made.is_file():
                raise WorkerError("The copy was not written", remedy="Try again; see the server's log.")
            return made

    def _ensure_open(self, progress: Progress | None, stopped: Callable[[], bool]) -> Process:
        self.used = time.monotonic()
        if self._process is None or not self._process.alive:
            if progress is not None:
                progress("starting a worker", 0, 0)
            self._process = self._start(stopped)
            self._clear()
            # The server removes what the worker unpacks there: a worker that is killed cannot.
            self._scratch = tempfile.mkdtemp(prefix="embedviz-")
            path = str(self.source.path) if self.source.path else None
            arguments = {
                "path": path,
                "name": self.source.name,
                "scratch": self._scratch,
                "options": self.source.options.as_json(),
            }
            try:
                self.summary, _ = self._process.ask(
                    "open",
                    arguments,
                    progress=progress,
                    stopped=stopped,
                    deadline=OPEN_DEADLINE if self.source.shared else UPLOAD_DEADLINE,
                )
            except BaseException as error:
                alive = self._process.alive
                self.end()
                if isinstance(error, WorkerError) and not alive:
                    raise CheckpointError(
                        f"Opening this was ended before it was done ({error.what})",
                        value=self.source.name,
                        remedy="Check that it is what its sender says it is; ask for the weights as safetensors.",
                        code="files.ends-its-worker",
                        why="A damaged or hostile file can break the libraries that read it. Nothing else was touched.",
                    ) from error
                raise
        return self._process

    def _turn_when_free(self, progress: Progress | None, stopped: Callable[[], bool]) -> _Turn:
        while not self._turn.acquire(timeout=0.05):
            if stopped():
                raise Cancelled("Stopped, as you asked")
            if progress is not None:
                progress("waiting for others who use this model", 0, 0)
        return _Turn(self)

    def end(self) -> None:
        """Kill the process and remove what it unpacked."""
        if self._process is not None:
            self._process.kill()
            self._process = None
        self._clear()

    def _clear(self) -> None:
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = ""


class _Turn:
    def __init__(self, worker: ModelWorker) -> None:
        self._worker = worker

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._worker.used = time.monotonic()
        self._worker._turn.release()


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
