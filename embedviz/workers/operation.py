"""What a worker can be asked for: functions from JSON values and arrays to JSON values and arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from embedviz.errors import Cancelled
from embedviz.workers.wire import Arrays


@dataclass(frozen=True)
class Context:
    """How an operation speaks while it works: ``say(phase, done, total)``, and whether it should stop."""

    say: Callable[[str, int, int], None]
    stopped: Callable[[], bool]

    def progress(self, phase: str) -> Callable[[int, int], None]:
        """A (done, total) callback for the library that reports under ``phase`` and stops when asked to."""

        def report(done: int, total: int) -> None:
            if self.stopped():
                raise Cancelled("Stopped, as you asked")
            self.say(phase, done, total)

        return report


Operation = Callable[[dict[str, Any], Arrays, Context], tuple[Any, Arrays]]
Operations = dict[str, Operation]
