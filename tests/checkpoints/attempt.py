"""Giving a hostile file to a real worker, as the app does, and watching what becomes of it."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedviz.checkpoints.request import Options
from embedviz.errors import EmbedvizError
from embedviz.workers.pool import ModelWorker, Pool, Source

TEXTS = ("the cat and the dog.", "Nothing, aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")
#: What no message to a person may hold.
LEAKS = re.compile(r"Traceback|File \"|site-packages|/proc/|embedviz-\w{8}|unexpected went wrong|object at 0x|torch\._C")


@dataclass
class Outcome:
    """``step`` is how far it came: "open", "capture", "examine" or "done". Times are in seconds, memory in bytes."""

    name: str
    step: str = "open"
    error: EmbedvizError | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    peak: int = 0
    summary: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """Everything that a person would read."""
        error = self.error
        said = [] if error is None else [error.what, error.value, error.remedy, error.why, error.repair, *error.choices]
        return "\n".join([*map(str, said), str(self.summary), str(self.report)])

    @property
    def code(self) -> str:
        """The error's code; the kind of the error where it has none; "opened" without any."""
        return "opened" if self.error is None else self.error.code or type(self.error).__name__


@contextmanager
def small_pool(gigabytes: float = 4) -> Iterator[Pool]:
    """A pool whose model workers may have so much memory."""
    before = os.environ.get("EMBEDVIZ_WORKER_MEMORY_GB")
    os.environ["EMBEDVIZ_WORKER_MEMORY_GB"] = str(gigabytes)
    pool = Pool()
    try:
        assert pool._models is not None
        pool._models.start()
        yield pool
    finally:
        pool.stop()
        if before is None:
            del os.environ["EMBEDVIZ_WORKER_MEMORY_GB"]
        else:
            os.environ["EMBEDVIZ_WORKER_MEMORY_GB"] = before


@contextmanager
def watched(worker: ModelWorker, outcome: Outcome) -> Iterator[None]:
    """Notes the most memory that the worker's process holds; ``ru_maxrss`` would be its parent's."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.004):
            outcome.peak = max(outcome.peak, resident(worker.pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def resident(pid: int | None) -> int:
    """The most that the process has held so far, in bytes; 0 where it is gone."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def attempt(pool: Pool, name: str, path: Path, owner: str = "an uploader") -> Outcome:
    """Open, capture two texts from the recommended layer, and examine; ends the worker."""
    options = Options(base="bundled") if name.startswith("adapter") else Options()
    worker = pool.model(Source(path.name, path, owner, options))
    outcome = Outcome(name)
    try:
        with watched(worker, outcome):
            outcome.summary = timed(outcome, "open", worker.open)
            layer = outcome.summary["recommended"]
            if layer and not outcome.summary["unreadable"]:
                asked = {"items": list(TEXTS), "ids": ["0", "1"], "layers": [layer], "poolings": ["mean"]}
                timed(outcome, "capture", lambda: worker.capture(asked))
            outcome.report = timed(outcome, "examine", lambda: worker.examine(TEXTS))
            outcome.step = "done"
    except EmbedvizError as error:
        outcome.error = error
    finally:
        pool.release(owner)
    return outcome


def timed(outcome: Outcome, step: str, work: Any) -> Any:
    outcome.step, begun = step, time.perf_counter()
    try:
        return work()
    finally:
        outcome.seconds[step] = time.perf_counter() - begun
