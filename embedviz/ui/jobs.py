"""Work that goes on while pages are drawn: one thread a job, the same job shared by all who want its result."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable

from embedviz.errors import Cancelled, EmbedvizError, unexpected

log = logging.getLogger(__name__)


class Job:
    """One piece of work in a thread. It is over when ``finished``; then ``error`` says whether it failed."""

    def __init__(self, key: Hashable, work: Callable[[Job], None]) -> None:
        self.key = key
        self.started = time.monotonic()
        self.phase, self.done, self.total = "starting", 0, 0
        self.error: EmbedvizError | None = None
        #: Counts what became worth showing before the whole is done.
        self.previews = 0
        self.owners: set[str] = set()
        self._phase_started = self.started
        self._work = work
        self._over, self._stop = threading.Event(), threading.Event()
        threading.Thread(target=self._run, name="job", daemon=True).start()

    def _run(self) -> None:
        try:
            self._work(self)
        except EmbedvizError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001
            # At this boundary everything unexpected becomes a short reference; the log has it whole.
            self.error = unexpected(error)
        finally:
            now = time.monotonic()
            log.debug("%s took %.2f s, all %.2f s", self.phase, now - self._phase_started, now - self.started)
            self._over.set()

    @property
    def finished(self) -> bool:
        return self._over.is_set()

    def wait(self, seconds: float) -> bool:
        """Whether the job was over within so many seconds."""
        return self._over.wait(seconds)

    def stopped(self) -> bool:
        return self._stop.is_set()

    def progress(self, phase: str, done: int, total: int) -> None:
        """Say how far the work is; ends it where nobody waits for it any more."""
        if phase != self.phase:
            log.debug("%s took %.2f s", self.phase, time.monotonic() - self._phase_started)
            self.phase, self._phase_started = phase, time.monotonic()
        self.done, self.total = done, total
        if self.stopped():
            raise Cancelled("Stopped, as you asked")

    @property
    def remaining(self) -> float | None:
        """Seconds this phase will still take at its pace so far; None while that is not known."""
        took = time.monotonic() - self._phase_started
        if not self.total or self.done <= 0 or took < 0.5:
            return None
        return took / self.done * (self.total - self.done)

    def leave(self, owner: str) -> None:
        """``owner`` no longer wants this; when nobody does, it is stopped."""
        self.owners.discard(owner)
        if not self.owners:
            self._stop.set()


_running: dict[Hashable, Job] = {}
_lock = threading.Lock()


def start(key: Hashable, work: Callable[[Job], None], owner: str) -> Job:
    """The running job of this key, joined by ``owner``; a new one where none runs."""
    with _lock:
        for other in [other for other, job in _running.items() if job.finished]:
            del _running[other]
        job = _running.get(key)
        if job is None or job.stopped():
            job = _running[key] = Job(key, work)
        job.owners.add(owner)
        return job


def leave_all(owner: str) -> None:
    """``owner`` is gone: stop what only it waited for."""
    with _lock:
        for job in _running.values():
            job.leave(owner)
