"""Tables as files for other programs."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

#: A spreadsheet takes a cell that begins so for a formula and may run it.
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")


def to_csv(frame: Any, *, header: bool = True) -> bytes:
    """A pandas DataFrame as CSV: UTF-8 with the mark that Excel needs to read accents, lines ended as RFC 4180 says.
    Without ``header`` it is the continuation of such a file: no mark, no names.

    Text that a spreadsheet would take for a formula gets an apostrophe in front; numbers, written as text or not, stay
    as they are. All text is quoted, so that a spreadsheet that splits at semicolons finds no formula inside a cell.
    """
    safe = frame.copy()
    safe.columns = [_safe(str(column)) for column in frame.columns]
    for place in range(len(safe.columns)):
        # Columns are reached by their place, for two may have the same name.
        column = safe.iloc[:, place]
        if column.dtype.kind not in "biufc":
            safe.isetitem(place, [_safe(value) for value in column.astype(object).tolist()])
    text = io.StringIO()
    safe.to_csv(text, index=False, header=header, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    return text.getvalue().encode("utf-8-sig" if header else "utf-8")


def _safe(value: Any) -> Any:
    """A cell that no spreadsheet runs; what is neither number nor text becomes text."""
    if value is None or isinstance(value, bool | int | float) or type(value).__name__ in ("NAType", "NaTType"):
        return value
    # A null would cut the cell short in some programs, so that its quotes never close.
    text = str(value).encode("utf-8", "replace").decode().replace("\x00", "")
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
