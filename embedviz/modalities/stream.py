"""A file of any length as instances, some thousand at a time."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from embedviz.errors import InstancesError
from embedviz.modalities.delimited_rows import delimited_rows
from embedviz.modalities.instances import as_text, guess_columns, instances_from_table, is_missing, require_column
from embedviz.modalities.json_rows import is_json, json_rows
from embedviz.modalities.parquet_rows import parquet_rows
from embedviz.modalities.rows import Rows
from embedviz.modalities.table import BLANK, empty_file, no_rows
from embedviz.modalities.text_file import TextFile, blocks
from embedviz.modalities.whole_rows import whole_rows
from embedviz.records import Instances

CHUNK = 4_096
#: Ids are compared by eight bytes each; past so many, those that follow are believed to be different.
_MOST_COMPARED = 1 << 24


@dataclass(frozen=True)
class InstanceStream:
    """The instances of a file, the same ones each time it is iterated over, and the same that reading the whole gives.

    Iterating gives ``Instances`` of at most ``chunk`` rows of the file, less those without a text, which each counts
    in ``dropped``: a piece of blank rows has no instances. ``total`` counts the file's rows, blank ones too.
    ``sha256`` and ``size`` are the file's. ``own_ids``: the column "id" names the instances; else they are numbered.
    Raises InstancesError, while iterating, where not one row has a text.
    """

    name: str
    size: int
    sha256: str
    rows: Rows
    columns: tuple[str, ...]
    text: str
    label: str | None
    chunk: int
    own_ids: bool = False
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        return self.rows.total

    def __iter__(self) -> Iterator[Instances]:
        given = 0
        for instances in self._pieces():
            if not self.own_ids:
                numbers = range(given + 1, given + len(instances) + 1)
                instances = replace(instances, ids=tuple(map(str, numbers)))
            else:
                instances = replace(instances, ids=_own_ids(instances))
            given += len(instances)
            yield instances
        if not given:
            raise InstancesError(
                "Every row is empty in the column of texts",
                value=self.text,
                remedy="Bring at least one row with a text in it.",
            )

    def _pieces(self) -> Iterator[Instances]:
        for frame in self.rows.frames(self.chunk):
            if all(as_text(value) is None for value in frame[self.text].tolist()):
                columns: dict[str, tuple[Any, ...]] = {name: () for name in self.columns if name != self.text}
                yield Instances((), (), columns, name=self.name, dropped=len(frame))
            else:
                yield instances_from_table(frame, text=self.text, label=self.label, name=self.name)


def open_stream(path: Path, *, text: str | None = None, chunk: int = CHUNK, name: str | None = None) -> InstanceStream:
    """Look through the file for all that its instances depend on; nothing of it stays in memory.

    ``text`` names the column of texts; without it, that and the column of labels are guessed from the first piece.
    Raises InstancesError for a file that is no table, has no such column, or is broken in any of its rows.
    """
    name = path.name if name is None else name
    try:
        rows = _recognise(path, name)
    except OSError as error:
        raise InstancesError(
            f"The instances cannot be read ({error.strerror})", value=path, remedy="Check the path."
        ) from error
    first = next(rows.frames(chunk)).rename(columns=str)
    columns = tuple(first.columns)
    if not columns:
        raise no_rows(name)
    if text is None:
        text, label = guess_columns(first)
    else:
        label = None
        require_column(text, list(columns))
    with path.open("rb") as file:
        # The whole content: reading it takes a moment beside the model, and a changed word anywhere is a changed file.
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    stream = InstanceStream(name, path.stat().st_size, sha256, rows, columns, text, label, chunk, notes=rows.notes)
    own, notes = _distinct(stream)
    return replace(stream, own_ids=own, notes=(*stream.notes, *notes))


def _recognise(path: Path, name: str) -> Rows:
    if not any(block.strip(BLANK) for block in blocks(path)):
        raise empty_file(name)
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            return parquet_rows(path, name)
    file_ = TextFile.of(path, name)
    if lines := json_rows(file_):
        return lines
    return whole_rows(path, name) if is_json(file_) else delimited_rows(file_)


def _own_ids(instances: Instances) -> tuple[str, ...]:
    return tuple(str(as_text(value)) for value in _ids(instances) or ())


def _ids(instances: Instances) -> tuple[Any, ...] | None:
    named = (values for column, values in instances.columns.items() if column.strip().casefold() == "id")
    return next(named, None)


def _distinct(stream: InstanceStream) -> tuple[bool, tuple[str, ...]]:
    """Whether there is a column "id" and all rows with a text have one of their own; and what could not be checked."""
    if not any(column.strip().casefold() == "id" and column != stream.text for column in stream.columns):
        return False, ()
    seen = array("q")
    for instances in stream._pieces():
        values = _ids(instances) or ()
        if any(map(is_missing, values)):
            return False, ()
        seen.extend(hash(str(as_text(value))) for value in values)
        if len(seen) > _MOST_COMPARED:
            break
    different = len(np.unique(np.frombuffer(seen, dtype=np.int64))) == len(seen) if seen else False
    unchecked = f"Whether all ids differ was checked for the first {len(seen):,} rows only."
    return different, (unchecked,) if different and len(seen) > _MOST_COMPARED else ()
