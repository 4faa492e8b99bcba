"""CSV and its relatives: which character separates the cells, whether there is a header, and what to do with rows that
do not fit."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from embedviz.errors import InstancesError
from embedviz.modalities.names import ALL_NAMES, TEXT_NAMES, distinct

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "vertical bar"}
MOST_COLUMNS = 1_000
#: So much of the beginning decides what the whole is.
SAMPLE_CHARACTERS, SAMPLE_ROWS = 200_000, 200
#: So many of the rows must have the same number of cells for a separator to be believed.
_AGREEMENT, _AGREEMENT_NAMED = 0.7, 0.3
#: What to say where one opens a cell and nothing closes it.
UNCLOSED = "A quotation mark is opened and never closed; quotation marks were read as ordinary characters."
#: No cell has so many lines: a quotation mark was not closed.
_MOST_LINES = 200
_NEWLINE = re.compile(r"\r\n|\n|\r")
_NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?\s*")


@dataclass(frozen=True)
class Grid:
    """Column names and rows of text cells; None where a row was too short. ``total`` counts all rows of the file."""

    names: list[str]
    rows: list[list[str | None]]
    notes: tuple[str, ...]
    total: int


def read_delimited(text: str, suffix: str, most: int, widest: int = MOST_COLUMNS) -> Grid:
    """The cells of ``text``; ``suffix`` is the file's ending, a hint. At most ``most`` rows are kept, and a table of
    more than ``widest`` columns is refused."""
    delimiter = sniff_delimiter(text, suffix)
    if delimiter is None:
        return _lines(text, suffix, most)
    records, notes = _records(text, delimiter)
    records = [(line, cells) for line, cells in records if cells not in ([], [""])]
    if not records:
        return Grid([], [], notes, 0)
    header, remark = find_header([cells for _, cells in records[:SAMPLE_ROWS]])
    width = len(header or records[0][1])
    check_width(width, widest)
    body = records[1:] if header else records
    rows, short = _fit(body[:most], width, delimiter)
    names = distinct(header or [f"column {place}" for place in range(1, width + 1)])
    return Grid(names, rows, (*notes, *remark, *short), len(body))


def check_width(width: int, widest: int = MOST_COLUMNS) -> None:
    """InstancesError for more columns than a table of instances has."""
    if width > widest:
        raise InstancesError(
            f"The table has more than {widest:,} columns",
            value=f"{width:,}",
            remedy="Check the separator, or whether rows and columns are swapped.",
        )


def sniff_delimiter(text: str, suffix: str) -> str | None:
    """The separator on which most of the first rows agree; None for a plain list of lines."""
    sample = text[:SAMPLE_CHARACTERS]
    if suffix in (".tsv", ".tab"):
        return "\t"
    found = {delimiter: score for delimiter in DELIMITERS if (score := _agreement(sample, delimiter)) is not None}
    if suffix != ".csv":
        # Prose is full of commas: without a promise, columns need tabs, their names, or commas unlike those of prose.
        found = {
            delimiter: score
            for delimiter, score in found.items()
            if delimiter == "\t" or _names_columns(sample, delimiter) or (suffix != ".txt" and not _prose(sample))
        }
    return max(found, key=lambda delimiter: (found[delimiter], delimiter == ",")) if found else None


def _names_columns(sample: str, delimiter: str) -> bool:
    """Whether the first line is a list of names, one of them that of a column of texts."""
    cells = [cell.strip().strip('"').casefold() for cell in _NEWLINE.split(sample, maxsplit=1)[0].split(delimiter)]
    return any(cell in TEXT_NAMES for cell in cells) and all(0 < len(cell) <= 40 for cell in cells)


def _agreement(sample: str, delimiter: str) -> tuple[float, int] | None:
    """The share of rows with as many cells as the first, and that number; None if it is one, or too few agree."""
    rows = []
    try:
        for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if cells:
                rows.append(len(cells))
            if len(rows) == SAMPLE_ROWS:
                break
    except csv.Error:  # a quote that is never closed: what was read so far decides
        pass
    if len(sample) == SAMPLE_CHARACTERS and len(rows) < SAMPLE_ROWS:
        rows = rows[:-1] or rows  # the cut went through the last row
    # The first row says how many columns there are, whatever commas the texts beneath it have.
    if not rows or rows[0] == 1:
        return None
    share = rows.count(rows[0]) / len(rows)
    return (
        (share, rows[0]) if share >= (_AGREEMENT_NAMED if _names_columns(sample, delimiter) else _AGREEMENT) else None
    )


def _prose(sample: str) -> bool:
    """Whether nearly every comma is followed by a space, as between words, and nothing is quoted."""
    commas = sample.count(",")
    return bool(commas) and sample.count(", ") > 0.8 * commas and '"' not in sample


def _records(text: str, delimiter: str) -> tuple[list[tuple[int, list[str]]], tuple[str, ...]]:
    """All rows with the number of the line they end on."""
    limit = csv.field_size_limit(max(len(text), csv.field_size_limit()))  # a whole book may stand in a cell
    try:
        records = _read(text, delimiter)
    finally:
        csv.field_size_limit(limit)
    if records is not None:
        return records, ()
    return list(unquoted(io.StringIO(text, newline=""), delimiter)), (UNCLOSED,)


def _read(text: str, delimiter: str) -> list[tuple[int, list[str]]] | None:
    """The rows with their quotes resolved; None if a quotation mark is never closed."""
    try:
        return list(quoted(io.StringIO(text, newline=""), delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None
    # A stray quotation mark inside a cell: spreadsheets read it as it stands, and so does this.
    records = list(quoted(io.StringIO(text, newline=""), delimiter, strict=False))
    return None if any(map(runs_on, records)) else records


def quoted(lines: Iterable[str], delimiter: str, *, strict: bool) -> Iterator[tuple[int, list[str]]]:
    """Rows with their quotes resolved, each with the number of the line it ends on. ``lines`` have their ends."""
    reader = csv.reader(lines, delimiter=delimiter, strict=strict)
    for cells in reader:
        yield reader.line_num, cells


def unquoted(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of a file whose quotation marks mean nothing: a line each, without a cell where it is blank."""
    for number, line in enumerate(lines, start=1):
        bare = line.rstrip("\r\n")
        yield number, bare.split(delimiter) if bare else []


def runs_on(record: tuple[int, list[str]]) -> bool:
    """Whether a cell has more lines than a cell has: a quotation mark was not closed."""
    return any(cell.count("\n") > _MOST_LINES for cell in record[1])


def _fit(
    records: list[tuple[int, list[str]]], width: int, delimiter: str
) -> tuple[list[list[str | None]], tuple[str, ...]]:
    """Rows of one width, and a sentence about those that were short."""
    short = [line for line, cells in records if len(cells) < width]
    return [fit_row(record, width, delimiter) for record in records], short_rows(len(short), short[0] if short else 0)


def fit_row(record: tuple[int, list[str]], width: int, delimiter: str) -> list[str | None]:
    """The cells, filled up with None to ``width``; InstancesError that names the line where there are more."""
    line, cells = record
    if len(cells) > width and any(cell.strip() for cell in cells[width:]):
        raise InstancesError(
            f"A row has more cells than the table has columns ({len(cells):,} in place of {width:,})",
            value=f"line {line:,}",
            remedy=f"Put text that contains a {DELIMITERS[delimiter]} in double quotes, or save the table again "
            "from a spreadsheet.",
        )
    return [*cells[:width], *[None] * (width - len(cells))]


def short_rows(count: int, first: int) -> tuple[str, ...]:
    """What to say of rows with fewer cells than there are columns."""
    if not count:
        return ()
    rows = "1 row has" if count == 1 else f"{count:,} rows have"
    return (f"{rows} fewer cells than there are columns (first on line {first:,}); the rest is empty.",)


def find_header(rows: list[list[str]]) -> tuple[list[str] | None, tuple[str, ...]]:
    """The first row if it names the columns, and a word about it where that is a guess."""
    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    named = [cell for cell in first if cell]
    plausible = (
        bool(named)
        and not any(_NUMBER.fullmatch(cell) for cell in named)
        and all(len(cell) <= 40 and cell[-1] not in ".!?" for cell in named)
        and (len(first) > 1 or " " not in first[0])
    )
    known = [place for place, cell in enumerate(first) if cell.casefold() in ALL_NAMES]
    # "body" may be a label as well as a name; as a name it does not come again in its column.
    if plausible and any(
        first[place] not in (row[place].strip() for row in rest if place < len(row)) for place in known
    ):
        return first, ()
    if plausible and rest and len(set(named)) == len(named) and _stands_out(first, rest):
        return first, (f"The first row was read as the names of the columns: {', '.join(named[:6])}.",)
    if rest and _counts(named):
        return first, (f"The first row was read as the numbers of the columns: {', '.join(named[:6])}.",)
    return None, ("No row of column names was recognised: the first row counts as an instance.",)


def _counts(named: list[str]) -> bool:
    """Whether a row counts its columns, 0, 1, 2, …, as pandas names those without a name."""
    numbers = [cell for cell in named if _NUMBER.fullmatch(cell)]
    return len(numbers) > 2 and len(numbers) + 1 >= len(named) and numbers == [*map(str, range(len(numbers)))]


def _stands_out(first: list[str], rest: list[list[str]]) -> bool:
    """Whether some column is of numbers below its name, or of texts that are much longer than it."""
    for place, name in enumerate(first):
        below = [cells[place] for cells in rest if place < len(cells) and cells[place].strip()]
        if not name or not below:
            continue
        numbers = sum(_NUMBER.fullmatch(cell) is not None for cell in below)
        if numbers > 0.9 * len(below) or len(name) < 0.4 * sum(map(len, below)) / len(below):
            return True
    return False


def _lines(text: str, suffix: str, most: int) -> Grid:
    """One column: a line is a cell, unless quotes hold several lines together."""
    notes: tuple[str, ...] = ()
    if suffix == ".csv" and '"' in text:
        records, notes = _records(text, "\x1f")  # a separator that no text holds
        while records and not records[-1][1]:
            records.pop()
        cells = [row[0] if row else "" for _, row in records]
    else:
        cells = _NEWLINE.split(text.rstrip("\r\n"))
    header, remark = name_lines(cells[:SAMPLE_ROWS], suffix)
    body = cells[1:] if header else cells
    return Grid([header or "text"], [[cell] for cell in body[:most]], (*notes, *remark), len(body))


def name_lines(cells: list[str], suffix: str) -> tuple[str | None, tuple[str, ...]]:
    """The name of the only column, if the first of its cells is one, and a word about it where that is a guess."""
    if cells[0].strip().casefold() in TEXT_NAMES:
        return cells[0].strip(), ()
    if suffix != ".csv":
        return None, ()
    header, remark = find_header([[cell] for cell in cells])
    return header[0] if header else None, remark
