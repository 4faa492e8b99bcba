"""Tables that people bring: CSV, TSV, JSON, JSON lines, Parquet or plain lines, recognised by what is in them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from embedviz.errors import InstancesError
from embedviz.modalities.cells import as_column, kind_of
from embedviz.modalities.decoding import decode
from embedviz.modalities.delimited import MOST_COLUMNS, Grid, read_delimited
from embedviz.modalities.instances import clean, guess_columns, instances_from_lines, instances_from_table
from embedviz.modalities.names import distinct

__all__ = ["Table", "guess_columns", "instances_from_lines", "instances_from_table", "read_table"]

MOST_ROWS = 100_000
#: Bytes of which an empty file may consist.
BLANK = b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"
_NEWLINE = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, eq=False)
class Table:
    """A pandas DataFrame, and what had to be assumed or left out to read it, a sentence each."""

    frame: Any
    notes: tuple[str, ...] = ()


def read_table(data: bytes, name: str = "", *, rows: int = MOST_ROWS, columns: int = MOST_COLUMNS) -> Table:
    """The table in a file's bytes. Its content decides how it is read, its ``name`` only helps.

    More than ``rows`` rows are not read; a note says how many there are. Cells of text columns stay as they are;
    columns of nothing but numbers become numbers, except where that would change them (007). A table of text with more
    than ``columns`` is refused.
    """
    if not data.strip(BLANK):
        raise empty_file(name)
    if data.startswith(b"PAR1"):
        table = _parquet(data, name, rows)
    else:
        text, notes = decode(data, name)
        text = text.lstrip("\ufeff")
        table = _text(text, name, rows, columns)
        table = Table(table.frame, (*notes, *table.notes))
    if not len(table.frame) or not len(table.frame.columns):
        raise no_rows(name)
    return table


def empty_file(name: str) -> InstancesError:
    """What to say of a file with nothing in it."""
    return InstancesError("The file is empty", value=name or None, remedy="Bring a file with one instance a row.")


def no_rows(name: str) -> InstancesError:
    """What to say of a header with nothing below."""
    return InstancesError(
        "The table has no rows", value=name or None, remedy="Bring a file with one instance a row below the header."
    )


def _text(text: str, name: str, rows: int, columns: int) -> Table:
    suffix = PurePath(name).suffix.lower()
    promised = suffix in (".json", ".jsonl", ".ndjson")
    if promised or text.lstrip()[:1] in ("{", "["):
        try:
            return _from_values(_json_values(text, name), rows)
        except InstancesError:
            # A CSV may begin with a bracket; a file that calls itself JSON may not be anything else.
            if promised:
                raise
    return _from_grid(read_delimited(text, suffix, rows, columns), rows)


def _json_values(text: str, name: str) -> list[Any]:
    """The elements of an array, or the lines of JSON lines."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return [json_line(line, number, name) for number, line in enumerate(_NEWLINE.split(text), 1) if line.strip()]
    if isinstance(whole, list):
        return whole
    if isinstance(whole, dict):
        lists = [value for value in whole.values() if isinstance(value, list)]
        # {"text": […], "label": […]} is a table by columns; {"data": [{…}]} wraps one by rows.
        if lists and len(lists) == len(whole) and len({len(values) for values in lists}) == 1:
            if len(whole) == 1 and all(isinstance(value, dict) for value in lists[0]):
                return lists[0]
            return [dict(zip(whole, cells, strict=True)) for cells in zip(*lists, strict=True)]
        return [whole]
    raise InstancesError(
        "This JSON holds a single value",
        value=name or None,
        remedy="Bring an array of texts, or of objects with a text.",
    )


def json_line(line: str, number: int, name: str) -> Any:
    """The value on a line; InstancesError that names the line where it is none."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InstancesError(
            "A line is not JSON",
            value=f"line {number:,} of {name}" if name else f"line {number:,}",
            remedy="Each line must be one JSON object or string.",
        ) from error


def _from_values(values: list[Any], rows: int) -> Table:
    """Objects become rows, anything else a row of one cell."""
    records = [as_record(value) for value in values[:rows]]
    columns = list(dict.fromkeys(key for record in records for key in record))
    return Table(from_records(records, columns), _cut(len(records), len(values)))


def as_record(value: Any) -> dict[Any, Any]:
    """A JSON value as a row."""
    return value if isinstance(value, dict) else {"text": value}


def from_records(records: list[dict[Any, Any]], keys: list[Any]) -> Any:
    """A DataFrame of a column for each of ``keys``, whose names are made printable and distinct."""
    import pandas as pd

    cells = {
        unique: pd.Series([_cell(record.get(key)) for record in records], dtype=object)
        for key, unique in zip(keys, printable_names(keys), strict=True)
    }
    return pd.DataFrame({column: values.infer_objects() for column, values in cells.items()})


def _from_grid(grid: Grid, rows: int) -> Table:
    import pandas as pd

    columns = [[row[place] for row in grid.rows] for place in range(len(grid.names))]
    cells = zip(printable_names(grid.names), columns, strict=True)
    frame = pd.DataFrame({name: as_column(column, kind_of([column])) for name, column in cells})
    return Table(frame, (*grid.notes, *_cut(len(grid.rows), grid.total)))


def _parquet(data: bytes, name: str, rows: int) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        batches, count = [], 0
        for batch in file.iter_batches(batch_size=10_000):
            batches.append(batch.slice(0, rows - count))
            count += len(batches[-1])
            if count >= rows:
                break
        table = pa.Table.from_batches(batches, schema=file.schema_arrow)
        table = table.rename_columns(printable_names(table.column_names))
        # What the writer's pandas thought of its index is of no use here.
        frame = table.to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise broken_parquet(name, error) from error
    return Table(frame, _cut(len(frame), file.metadata.num_rows))


def broken_parquet(name: str, error: Exception) -> InstancesError:
    """What to say of a Parquet file that its library does not read."""
    return InstancesError(
        "This Parquet file cannot be read", value=name or None, remedy=f"It may be damaged or cut short ({error})."
    )


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    return clean(value) if isinstance(value, str) else value


def printable_names(names: Iterable[Any]) -> list[str]:
    """The names of columns as they are shown: printable, and no two alike."""
    return distinct(_printable(name) for name in names)


def _printable(name: Any) -> str:
    """A column's name as one line of text that can be written and shown."""
    text = str(name).encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())


def _cut(kept: int, total: int) -> tuple[str, ...]:
    return (f"Only the first {kept:,} of {total:,} rows were read.",) if kept < total else ()
