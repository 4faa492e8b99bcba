"""Tables that people bring: CSV, TSV, JSON, JSON lines, Parquet or plain lines, recognised by what is in them."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from embedviz.errors import InstancesError
from embedviz.modalities.decoding import decode
from embedviz.modalities.delimited import MOST_COLUMNS, Grid, read_delimited
from embedviz.modalities.instances import clean, guess_columns, instances_from_lines, instances_from_table
from embedviz.modalities.names import distinct

__all__ = ["Table", "guess_columns", "instances_from_lines", "instances_from_table", "read_table"]

MOST_ROWS = 100_000
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,14})")
_DECIMAL = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][-+]?\d{1,3})?|[nN]a[nN]")


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
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise InstancesError("The file is empty", value=name or None, remedy="Bring a file with one instance a row.")
    if data.startswith(b"PAR1"):
        table = _parquet(data, name, rows)
    else:
        text, notes = decode(data, name)
        text = text.lstrip("\ufeff")
        table = _text(text, name, rows, columns)
        table = Table(table.frame, (*notes, *table.notes))
    if not len(table.frame) or not len(table.frame.columns):
        raise InstancesError(
            "The table has no rows", value=name or None, remedy="Bring a file with one instance a row below the header."
        )
    return table


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
        return [_json_line(line, number, name) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
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


def _json_line(line: str, number: int, name: str) -> Any:
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
    import pandas as pd

    records = [value if isinstance(value, dict) else {"text": value} for value in values[:rows]]
    columns = list(dict.fromkeys(key for record in records for key in record))
    cells = {
        unique: pd.Series([_cell(record.get(key)) for record in records], dtype=object)
        for key, unique in zip(columns, distinct(_printable(key) for key in columns), strict=True)
    }
    frame = pd.DataFrame({column: values.infer_objects() for column, values in cells.items()})
    return Table(frame, _cut(len(records), len(values)))


def _from_grid(grid: Grid, rows: int) -> Table:
    import pandas as pd

    columns = [[row[place] for row in grid.rows] for place in range(len(grid.names))]
    names = distinct(_printable(name) for name in grid.names)
    frame = pd.DataFrame({name: _typed(cells) for name, cells in zip(names, columns, strict=True)})
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
        table = table.rename_columns(distinct(_printable(column) for column in table.column_names))
        # What the writer's pandas thought of its index is of no use here.
        frame = table.to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InstancesError(
            "This Parquet file cannot be read", value=name or None, remedy=f"It may be damaged or cut short ({error})."
        ) from error
    return Table(frame, _cut(len(frame), file.metadata.num_rows))


def _typed(cells: list[str | None]) -> Any:
    """Text cells as a column of numbers where that loses nothing, else as they are; blank cells are missing."""
    import pandas as pd

    present = [cell.strip() for cell in cells if cell and cell.strip()]
    blank = [None if cell is None or not cell.strip() else cell for cell in cells]
    if present and all(map(_WHOLE.fullmatch, present)):
        return pd.array([None if cell is None else int(cell) for cell in blank], dtype="Int64")
    if any(map(_WHOLE.match, present)) and all(map(_DECIMAL.fullmatch, present)):
        return pd.Series([float("nan") if cell is None else float(cell) for cell in blank], dtype="float64")
    return pd.Series(blank, dtype=object)


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    return clean(value) if isinstance(value, str) else value


def _printable(name: Any) -> str:
    """A column's name as one line of text that can be written and shown."""
    text = str(name).encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())


def _cut(kept: int, total: int) -> tuple[str, ...]:
    return (f"Only the first {kept:,} of {total:,} rows were read.",) if kept < total else ()
