"""Files of texts that plain Python reads as embedviz does: tried on the file itself, and compared."""

from __future__ import annotations

import csv
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embedviz.export.script.draft import MOST_LETTERS, Part
from embedviz.export.script.given import ids_of
from embedviz.export.script.pieces import tables as pieces
from embedviz.export.script.source import Source
from embedviz.records import Instances

#: Function of ``pieces`` and what it is given beside the file.
_READERS: tuple[tuple[Callable[..., list[dict[str, Any]]], tuple[str, ...]], ...] = (
    (pieces.read_parquet, ()),
    (pieces.read_json_lines, ()),
    (pieces.read_csv, (",",)),
    (pieces.read_csv, ("\t",)),
    (pieces.read_csv, (";",)),
    (pieces.read_lines, ()),
)
_UNREADABLE = (ValueError, KeyError, TypeError, OSError, csv.Error)


def table(instances: Instances, source: Source) -> tuple[Part, str] | None:
    """The lines that read the texts and their ids from the file of ``source``; None where no reader gives the same."""
    if source.instances is None or not source.instances.is_file():
        return None
    for read, given in _READERS:
        rows = _rows(read, given, source.instances)
        column = _column(rows, source.text, instances.items)
        if column is None:
            continue
        kept = [row for row in rows if _is_text(row[column])]
        called = ", ".join(["INSTANCES", *map(repr, given)])
        lines = (
            f"ROWS = [row for row in {read.__name__}({called}) if (row[{column!r}] or '').strip()]",
            f"TEXTS = [row[{column!r}] for row in ROWS]",
        )
        where = f"INSTANCES = {source.literal(source.instances)}"
        part = Part((where,), (inspect.getsource(read),), ("\n".join(lines),), (source.instances,))
        return part, _ids(kept, instances)
    return None


def _rows(read: Callable[..., list[dict[str, Any]]], given: tuple[str, ...], file: Path) -> list[dict[str, Any]]:
    try:
        return read(file, *given)
    except _UNREADABLE:
        return []


def _column(rows: list[dict[str, Any]], named: str, items: tuple[str, ...]) -> str | None:
    """The column that holds the very texts: the one that was named, or any."""
    for column in [named] if named else list(rows[0]) if rows else []:
        texts = [row.get(column) for row in rows]
        plain = all(text is None or isinstance(text, str) for text in texts)
        if plain and tuple(text for text in texts if _is_text(text)) == items:
            return column
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _ids(rows: list[dict[str, Any]], instances: Instances) -> str:
    """The line of the ids; of long ones, that which reads them from their column."""
    if sum(len(repr(each)) for each in instances.ids) > MOST_LETTERS:
        for column in rows[0]:
            if tuple(str(row.get(column)) for row in rows) == instances.ids:
                return f"IDS = [str(row[{column!r}]) for row in ROWS]"
    return ids_of(instances, "TEXTS")
