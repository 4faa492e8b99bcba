"""What a session knows of its address, and the sets of instances that links lead to."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from embedviz.errors import ExportError
from embedviz.records import Instances

#: Bytes of one set and of all together, how many there are at most, and seconds that one is kept.
MOST_BYTES, ALL_BYTES, MOST_SETS, SECONDS = 50_000_000, 400_000_000, 200, 7 * 24 * 3600


@dataclass(frozen=True)
class Brought:
    """Instances as a session holds them: the set, what was added beside it, and whether only that is shown."""

    base: Instances | None
    own: tuple[Any, ...]
    only_own: bool
    modality: str

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        items = [*(self.base.items if self.base else ()), *self.own]
        cells = [value for column in self.base.columns.values() for value in column] if self.base else []
        return sum(len(item.data) if hasattr(item, "data") else 4 * len(str(item)) for item in items) + sum(
            4 * len(value) if isinstance(value, str) else 16 for value in cells
        )


@dataclass
class Address:
    """``asked`` is what the address said when the session began and what is not taken over yet; ``unread`` why some of
    it cannot be. ``token`` is that of a link to ``shared``. ``shown``: whether this run has brought the address up to
    date."""

    begun: bool = False
    asked: dict[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    token: str = ""
    shared: Brought | None = None
    until: float = 0.0
    shown: bool = False


class Sets:
    """Sets of instances by random tokens, on the server: bounded, the oldest forgotten first."""

    def __init__(self) -> None:
        self._sets: OrderedDict[str, tuple[Brought, float]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, brought: Brought) -> tuple[str, float]:
        """A token for a set, and until when it is kept (seconds since 1970). ExportError where it is too large."""
        if brought.size > MOST_BYTES:
            raise ExportError(
                f"A link leads to up to {MOST_BYTES / 1e6:.0f} MB of instances",
                value=f"{brought.size / 1e6:,.0f} MB",
                remedy="Save the session as a file instead.",
            )
        token, until = secrets.token_urlsafe(16), time.time() + SECONDS
        with self._lock:
            self._sets[token] = (brought, until)
            while len(self._sets) > MOST_SETS or sum(held.size for held, _ in self._sets.values()) > ALL_BYTES:
                self._sets.popitem(last=False)
        return token, until

    def get(self, token: str) -> tuple[Brought, float] | None:
        """The set and until when it is kept; None for a token that leads nowhere, or no longer."""
        with self._lock:
            found = self._sets.get(token)
            if found is not None and found[1] < time.time():
                del self._sets[token]
                found = None
            return found


#: Whoever has a token has the set: tokens cannot be guessed.
sets = Sets()

#: The words of an address, by what they say; those of a map's parameters begin with ``PARAMETER``.
NAMES: Mapping[str, str] = {
    "model": "checkpoint",
    "layer": "layer",
    "pooling": "pooling",
    "then": "post-processing",
    "prompt": "text before each text",
    "sample": "sample",
    "set": "instances",
    "map": "map",
    "dimensions": "dimensions",
    "seed": "seed",
    "colour": "colour",
    "focus": "instance",
    "compare": "comparison",
    "layers": "layers",
    "other": "other model",
    "other_layers": "other model's layers",
    "vectors": "vectors",
    "alignment": "alignment of the maps",
    "measure": "measure",
    "pair": "pair of layers",
}
PARAMETER = "map."
#: What the address says of a checkpoint that was uploaded, and of instances that no link was made for.
UPLOADED, UNSHARED = "upload", "own"
