"""Results kept in memory under what they were made from, the least recently used dropped first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

MAX_BYTES = 1_000_000_000


class Store:
    """A mapping bounded by the bytes its values hold."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._bytes, self._max = 0, max_bytes
        self._lock = threading.Lock()

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep ``value``, which holds ``size`` bytes. The newest value stays, however large it is."""
        with self._lock:
            self._drop(key)
            self._values[key] = (value, size)
            self._bytes += size
            while self._bytes > self._max and len(self._values) > 1:
                self._drop(next(iter(self._values)))

    def get(self, key: Hashable) -> Any:
        """The value, or None."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def drop(self, key: Hashable) -> None:
        with self._lock:
            self._drop(key)

    def _drop(self, key: Hashable) -> None:
        if key in self._values:
            self._bytes -= self._values.pop(key)[1]


#: Keys hold content fingerprints, so that sharing it between sessions gives nobody what they did not bring.
store = Store()
