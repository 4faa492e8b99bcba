"""Giving a hostile file to a real worker, as the app does, and watching what becomes of it."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from embedviz.checkpoints.request import Options
from embedviz.errors import EmbedvizError
from embedviz.modalities.samples import load_sample
from embedviz.records import TensorItem
from embedviz.workers.items import pack
from embedviz.workers.model_worker import ModelWorker, Source
from embedviz.workers.pool import Pool
from tests.checkpoints.tiny import SECRET, Maker

TEXTS = ("the cat and the dog.", "Nothing, aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")
#: What no message to a person may hold: Python's own words, paths of the host, what belongs to others.
LEAKS = re.compile(
    r"Traceback|, line \d+|site-packages|/proc/|embedviz-\w{8}\b|unexpected went wrong|object at 0x|torch\._C|root:x:|"
    + "|".join(map(re.escape, (sys.prefix, str(Path(__file__).parents[2]), SECRET)))
)


@dataclass
class Outcome:
    """``step`` is how far it came: "open", "capture", "examine" or "done". Times are in seconds, memory in bytes.

    ``worked`` is the processor time of the worker, which a busy machine does not lengthen as it does the others.
    ``ran`` says whether the file's program left its mark, ``left`` are files that were written where none may be.
    """

    name: str
    step: str = "open"
    error: EmbedvizError | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    peak: int = 0
    worked: float = 0.0
    told: str = ""
    ran: bool = False
    left: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        """The error's code; the kind of the error where it has none; "opened" without any."""
        return "opened" if self.error is None else self.error.code or type(self.error).__name__

    @property
    def longest(self) -> float:
        return max(self.seconds.values(), default=0.0)


@dataclass(frozen=True)
class Server:
    """A pool, the folder with its home and its temporary files, and the process that forks its model workers."""

    pool: Pool
    folder: Path
    zygote: int


@contextmanager
def small_server(folder: Path, gigabytes: float = 4) -> Iterator[Server]:
    """A server's pool whose model workers may have so much memory, and write to ``folder`` only."""
    changes = {"EMBEDVIZ_WORKER_MEMORY_GB": str(gigabytes), "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    pool = Pool()
    assert pool._models is not None
    try:
        pool._models.start()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    try:
        assert pool._models.ready.wait(120)
        assert pool._models._child is not None
        yield Server(pool, folder, pool._models._child.pid)
    finally:
        pool.stop()


@contextmanager
def _watched(worker: ModelWorker, outcome: Outcome) -> Iterator[None]:
    """Notes the most memory that the worker's process holds; ``ru_maxrss`` would be its parent's."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            outcome.peak = max(outcome.peak, resident(worker.pid))
            outcome.worked = max(outcome.worked, worked(worker.pid))

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


def worked(pid: int | None) -> float:
    """The processor time that the process has used, in seconds; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def attempt(server: Server, name: str, make: Maker, folder: Path) -> Outcome:
    """Write the file below ``folder``, open it, capture two texts and examine it; the worker is ended."""
    marker, upload = folder / "marker", folder / "upload"
    path = make(upload, marker)
    # What is still there of another worker, which runs beside this one, is not of this one.
    before = _files(upload)
    options = Options(base="bundled") if name.startswith("adapter") else Options()
    worker = server.pool.model(Source(path.name, path, name, options))
    outcome = Outcome(name)
    try:
        with _watched(worker, outcome):
            outcome.told = _use(worker, outcome)
    except EmbedvizError as error:
        outcome.error = error
        said = (error.what, error.value, error.remedy, error.why, error.repair, *error.choices)
        outcome.told = "\n".join(map(str, said))
    finally:
        server.pool.release(name)
    outcome.ran = marker.exists()
    outcome.left = sorted(map(str, _files(upload) - before))
    return outcome


def _use(worker: ModelWorker, outcome: Outcome) -> str:
    """All that a person would read of it."""
    summary = _timed(outcome, "open", worker.open)
    layer = summary["recommended"]
    if layer and not summary["unreadable"]:
        told, packed = pack(*_instances(summary["reads"]))
        asked = {"items": told, "ids": ["0", "1"], "layers": [layer], "poolings": ["mean"]}
        described, arrays = _timed(outcome, "capture", lambda: worker.capture(asked, packed))
        assert len(arrays["0"]) == len(TEXTS), described
    report = _timed(outcome, "examine", lambda: worker.examine(TEXTS))
    outcome.step = "done"
    return f"{summary}\n{report}"


def _instances(reads: dict[str, Any]) -> tuple[Sequence[Any], str]:
    """Two instances of what the model says it reads, and their kind."""
    if reads["modality"] == "images":
        return load_sample("digit-pictures").items[:2], "images"
    if reads["modality"] == "tensors":
        shape = [32_000 if axis is None and len(reads["shape"]) == 1 else axis or 11 for axis in reads["shape"]]
        return [TensorItem.of(np.full(shape, value, reads["dtype"])) for value in (0, 1)], "tensors"
    return TEXTS, "text"


def _timed(outcome: Outcome, step: str, work: Callable[[], Any]) -> Any:
    outcome.step, begun = step, time.perf_counter()
    try:
        return work()
    finally:
        outcome.seconds[step] = time.perf_counter() - begun


def _files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))
