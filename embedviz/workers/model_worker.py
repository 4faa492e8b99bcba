"""One opened checkpoint in a process of its own."""

from __future__ import annotations

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
from embedviz.workers.process import Process, Progress
from embedviz.workers.wire import Arrays

OPEN_DEADLINE, CAPTURE_DEADLINE, EXAMINE_DEADLINE = 600.0, 3600.0, 600.0
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
