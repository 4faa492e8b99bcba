"""CSV, its relatives and plain lines, read a piece at a time: the same rows as ``delimited`` reads from the whole.

What only the whole file tells (whether every quotation mark is closed, which columns are numbers, which row is too
long) is found out in passes before the first row is given, so that a mistake on the last line is said at once and not
after hours. That takes some seconds for a million rows, which is nothing beside a model.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from embedviz.modalities.cells import CellKind, Cells, as_column
from embedviz.modalities.delimited import (
    SAMPLE_ROWS,
    UNCLOSED,
    check_width,
    find_header,
    fit_row,
    name_lines,
    quoted,
    runs_on,
    short_rows,
    sniff_delimiter,
    unquoted,
)
from embedviz.modalities.names import distinct
from embedviz.modalities.rows import chunks
from embedviz.modalities.table import no_rows, printable_names
from embedviz.modalities.text_file import TextFile

#: Characters of the largest cell: far more than any book. Past that, a quotation mark was not closed.
MOST_CELL = 1 << 25
_STRICT, _LENIENT, _UNQUOTED, _PLAIN = "strict", "lenient", "unquoted", "plain"
#: A separator that no text holds, for files of one column.
_NONE = "\x1f"

Record = tuple[int, list[str]]


@dataclass(frozen=True)
class DelimitedRows:
    """Rows of text cells of a file. ``quoting`` says what a quotation mark means, ``kinds`` what each column holds."""

    file: TextFile
    delimiter: str | None
    quoting: str
    names: list[str]
    header: bool
    kinds: list[str]
    total: int
    notes: tuple[str, ...]

    def frames(self, size: int) -> Iterator[Any]:
        import pandas as pd

        width = len(self.names)
        records = itertools.islice(_records(self.file, self.delimiter, self.quoting), int(self.header), None)
        for some in chunks(records, size):
            rows = [fit_row(record, width, self.delimiter or _NONE) for record in some]
            columns = zip(self.names, self.kinds, _columns(rows, width), strict=True)
            yield pd.DataFrame({name: as_column(cells, kind) for name, kind, cells in columns})


def delimited_rows(file: TextFile) -> DelimitedRows:
    """Find out all that is to be known. InstancesError for a table that is none."""
    delimiter = sniff_delimiter(file.head(), file.suffix)
    quoting = _quoting(file, delimiter)
    records = _records(file, delimiter, quoting)
    first = list(itertools.islice(records, SAMPLE_ROWS))
    if not first:
        raise no_rows(file.name)
    sample = [cells for _, cells in first]
    if delimiter is None:
        name, notes = name_lines([cells[0] for cells in sample], file.suffix)
        header: list[str] | None = [name] if name is not None else None
        names = header or ["text"]
    else:
        header, notes = find_header(sample)
        check_width(len(header or sample[0]))
        names = distinct(header or [f"column {place}" for place in range(1, len(sample[0]) + 1)])
    body = itertools.chain(first[1:] if header else first, records)
    kinds, total, short = _survey(body, len(names), delimiter or _NONE)
    if not total:
        raise no_rows(file.name)
    unclosed = (UNCLOSED,) if quoting == _UNQUOTED else ()
    notes = (*file.notes, *unclosed, *notes, *short)
    return DelimitedRows(file, delimiter, quoting, printable_names(names), bool(header), kinds, total, notes)


def _quoting(file: TextFile, delimiter: str | None) -> str:
    """What quotation marks mean in the whole file: the rules of ``delimited``, which reads all of it at once."""
    if delimiter is None and file.suffix != ".csv":
        return _PLAIN
    try:
        _exhaust(quoted(file.lines(), delimiter or _NONE, strict=True))
    except csv.Error as error:
        if "unexpected end of data" in str(error) or "field limit" in str(error):
            return _UNQUOTED
    else:
        return _STRICT
    try:
        return (
            _UNQUOTED
            if any(map(runs_on, _limited(quoted(file.lines(), delimiter or _NONE, strict=False))))
            else _LENIENT
        )
    except csv.Error:
        return _UNQUOTED


def _exhaust(records: Iterator[Record]) -> None:
    for _ in _limited(records):
        pass


def _limited(records: Iterator[Record]) -> Iterator[Record]:
    """The records, with room for large cells while each is read; the limit is the process's, so it is put back."""
    while True:
        limit = csv.field_size_limit(MOST_CELL)
        try:
            record = next(records, None)
        finally:
            csv.field_size_limit(limit)
        if record is None:
            return
        yield record


def _records(file: TextFile, delimiter: str | None, quoting: str) -> Iterator[Record]:
    """All rows with the number of the line they end on, the header among them."""
    if delimiter is None:
        return _cells(file, quoting)
    lines = file.lines()
    if quoting == _UNQUOTED:
        records = unquoted(lines, delimiter)
    else:
        records = _limited(quoted(lines, delimiter, strict=quoting == _STRICT))
    return (record for record in records if record[1] not in ([], [""]))


def _cells(file: TextFile, quoting: str) -> Iterator[Record]:
    """A cell a line; blank lines count as rows, but those at the end of the file are none."""
    blank: list[int] = []
    for number, cells in _lines(file, quoting):
        if not cells:
            blank.append(number)
            continue
        yield from ((line, [""]) for line in blank)
        blank.clear()
        yield number, cells[:1]


def _lines(file: TextFile, quoting: str) -> Iterator[Record]:
    """Lines as rows of one cell, of none where they are blank."""
    if quoting == _PLAIN:
        lines = ((number, line.rstrip("\r\n")) for number, line in enumerate(file.lines(), start=1))
        return ((number, [line] if line else []) for number, line in lines)
    if quoting == _UNQUOTED:
        return unquoted(file.lines(), _NONE)
    return _limited(quoted(file.lines(), _NONE, strict=quoting == _STRICT))


def _survey(records: Iterable[Record], width: int, delimiter: str) -> tuple[list[str], int, tuple[str, ...]]:
    """What each column holds, how many rows there are, and a sentence about short ones; an error for a long one."""
    kinds = [CellKind() for _ in range(width)]
    total = short = first = 0
    for some in chunks(records, 4_096):
        rows = [fit_row(record, width, delimiter) for record in some]
        for kind, cells in zip(kinds, _columns(rows, width), strict=True):
            kind.add(cells)
        for line, given in some:
            if len(given) < width:
                short, first = short + 1, first or line
        total += len(some)
    return [kind.name for kind in kinds], total, short_rows(short, first)


def _columns(rows: list[list[str | None]], width: int) -> list[Cells]:
    return [[row[place] for row in rows] for place in range(width)]
