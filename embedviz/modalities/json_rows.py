"""JSON lines, read a piece at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from embedviz.errors import InstancesError
from embedviz.modalities.rows import chunks
from embedviz.modalities.table import as_record, from_records, json_line
from embedviz.modalities.text_file import HEAD, TextFile

#: Files with these endings are JSON or nothing.
_NAMES = (".json", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class JsonRows:
    """A row a line; ``keys`` are those of all lines, in the order in which they come up."""

    file: TextFile
    keys: list[Any]
    total: int
    notes: tuple[str, ...]

    def frames(self, size: int) -> Iterator[Any]:
        for records in chunks(_records(self.file), size):
            yield from_records(records, self.keys)


def json_rows(file: TextFile) -> JsonRows | None:
    """The lines of a file of JSON lines, each of which has been read once; None where the file is no such thing.

    A file that is one JSON value, on one line or on many, is none: only the whole of it makes sense.
    InstancesError for a file that calls itself JSON lines and has a line that is not JSON.
    """
    if not _begins(file):
        return None
    keys: dict[Any, None] = {}
    total = 0
    try:
        for record in _records(file):
            keys.update(dict.fromkeys(record))
            total += 1
    except InstancesError:
        # A CSV may begin with a bracket; a file that calls itself JSON may not be anything else.
        if file.suffix in _NAMES:
            raise
        return None
    return JsonRows(file, list(keys), total, file.notes)


def is_json(file: TextFile) -> bool:
    """Whether the file is, or calls itself, one JSON value; a table may begin with a bracket too."""
    if file.suffix in _NAMES:
        return True
    head = file.head()
    if head.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(head)
    except json.JSONDecodeError as error:
        # What was cut off by reading no further is missing at the end.
        return len(head) >= HEAD - 1 and (error.pos > HEAD // 2 or error.msg.startswith("Unterminated"))
    except RecursionError:
        return False
    return True


def _begins(file: TextFile) -> bool:
    """Whether the first line is a JSON value by itself, and another line follows."""
    lines = [line for line in re.split(r"\r\n|\n|\r", file.head()) if line.strip()][:2]
    if len(lines) < 2 or (lines[0].lstrip()[:1] not in ("{", "[") and file.suffix not in _NAMES):
        return False
    try:
        json_line(lines[0], 1, file.name)
    except InstancesError:
        return False
    return True


def _records(file: TextFile) -> Iterator[dict[Any, Any]]:
    for number, line in enumerate(file.lines(), start=1):
        if line.strip():
            yield as_record(json_line(line, number, file.name))
