"""How many threads a forward pass takes: told by the first batches themselves, not by a default."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint

#: With fewer batches than this, finding out costs more than it brings.
_FEW = 8
#: One thread must win by this much: a busy machine makes it look good for a moment.
_CLEARLY = 0.95


class Threads:
    """All threads and one thread take turns over the first batches (many, one, one, many); the faster goes on.

    The choice is kept on the checkpoint, so that later runs begin with it. As a context it leaves torch's setting as
    it was.
    """

    def __init__(self, checkpoint: Checkpoint, batches: int) -> None:
        import torch

        self._checkpoint, self._before = checkpoint, torch.get_num_threads()
        known = checkpoint.threads
        worth_it = known is None and batches >= _FEW and self._before > 1
        self._turns = [self._before, 1, 1, self._before] if worth_it else []
        self._paces: dict[int, list[float]] = {}
        torch.set_num_threads(known or self._before)

    @contextlib.contextmanager
    def timed(self, weight: int) -> Iterator[None]:
        """Around one batch of ``weight`` tokens."""
        import torch

        if not self._turns:
            yield
            return
        threads = self._turns.pop(0)
        torch.set_num_threads(threads)
        started = time.perf_counter()
        yield
        self._paces.setdefault(threads, []).append((time.perf_counter() - started) / max(1, weight))
        if not self._turns:
            best = {threads: min(paces) for threads, paces in self._paces.items()}
            one = best[1] < _CLEARLY * best[self._before]
            self._checkpoint.threads = 1 if one else self._before
            torch.set_num_threads(self._checkpoint.threads)

    def __enter__(self) -> Threads:
        return self

    def __exit__(self, *_: Any) -> None:
        import torch

        torch.set_num_threads(self._before)
