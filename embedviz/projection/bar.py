"""A tqdm bar that becomes calls of ``progress``, and lets it stop the work."""

from __future__ import annotations

import re

from embedviz.projection.method import Progress


class Bar:
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

    bar: Bar

    def __new__(cls, bar: Bar) -> _Interval:
        interval = super().__new__(cls, 0.05)
        interval.bar = bar
        return interval

    def __le__(self, elapsed: float) -> bool:
        self.bar.stop()
        return super().__le__(elapsed)
