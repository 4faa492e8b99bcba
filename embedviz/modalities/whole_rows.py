"""Files that make sense only as a whole (a JSON array), given out in pieces all the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedviz.errors import InstancesError
from embedviz.modalities.table import read_table

#: Bytes; reading takes some ten times as much memory.
MOST_BYTES = 1 << 29


@dataclass(frozen=True)
class WholeRows:
    """The rows of a table in memory, at most ``table.MOST_ROWS``: a note says so if there were more."""

    frame: Any
    total: int
    notes: tuple[str, ...]

    def frames(self, size: int) -> Iterator[Any]:
        for start in range(0, self.total, size):
            yield self.frame.iloc[start : start + size]


def whole_rows(path: Path, name: str) -> WholeRows:
    """InstancesError for a file that is no table, or too large to be read at once."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise InstancesError(
            f"A file of this kind is read at once, and this one has {size / 1e9:.1f} GB",
            value=name,
            remedy="Save it as JSON lines (an object a line), CSV or Parquet: these are read a piece at a time.",
        )
    table = read_table(path.read_bytes(), name)
    return WholeRows(table.frame, len(table.frame), table.notes)
