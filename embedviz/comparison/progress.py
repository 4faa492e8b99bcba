"""One count of progress over several stages, each of which counts for itself."""

from __future__ import annotations

from embedviz.projection.method import Progress

#: How finely a stage is told.
_STEPS = 100


class Stages:
    """``progress`` is told (done, total) over ``count`` stages of equal weight; what it raises stops the work."""

    def __init__(self, progress: Progress | None, count: int) -> None:
        self._progress, self._count, self._begun = progress, count, 0

    def next(self) -> Progress:
        """Begin a stage: what it calls with its own (done, total)."""
        begun = self._begun
        self._begun += 1

        def tell(done: int, total: int) -> None:
            if self._progress is not None:
                part = _STEPS * done // total if total else _STEPS
                self._progress(begun * _STEPS + part, self._count * _STEPS)

        tell(0, 1)
        return tell

    def finish(self) -> None:
        if self._progress is not None:
            self._progress(self._count * _STEPS, self._count * _STEPS)
