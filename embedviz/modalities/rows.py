"""What every kind of file that can be read in pieces has in common."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeVar

Item = TypeVar("Item")


class Rows(Protocol):
    """The rows of a file, as many at a time as one asks for; what all rows decide together is known beforehand.

    ``total`` counts them, blank ones too, and ``notes`` say what had to be assumed, a sentence each.
    """

    @property
    def total(self) -> int: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    def frames(self, size: int) -> Iterator[Any]:
        """pandas DataFrames of at most ``size`` rows and always the same columns."""
        ...


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of ``size`` items; the last may be shorter."""
    iterator = iter(items)
    while some := list(itertools.islice(iterator, size)):
        yield some
