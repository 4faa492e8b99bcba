"""From a table or from lines to instances."""

from __future__ import annotations

import difflib
import json
import math
import re
from typing import Any

from embedviz.errors import InstancesError
from embedviz.modalities.names import LABEL_NAMES, TEXT_NAMES
from embedviz.records import Instances

_NEWLINE = re.compile(r"\r\n|\n|\r")
#: Control characters that are never meant: all but tab and the line ends.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_SOME_ROWS = "Bring at least one row with a text in it."


def clean(text: str) -> str:
    """Text as the model shall read it: unchanged, but without control characters other than tab and line ends, and with
    "\ufffd" for halves of characters, which no tokenizer and no file can take."""
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def as_text(value: Any) -> str | None:
    """A cell as text; None where it is missing or blank. Whole numbers have no decimal point."""
    if is_missing(value):
        return None
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        value = value.tolist()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    elif isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    elif isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=str)
    text = clean(str(value))
    return text if text.strip() else None


def is_missing(value: Any) -> bool:
    """None, NaN, and pandas' own NA and NaT."""
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float) and math.isnan(value))
    )


def guess_columns(frame: Any) -> tuple[str, str | None]:
    """The column of texts and, if there is one, the column of labels: by their names, else by what is in them."""
    frame = frame.rename(columns=str)
    texts = {column: texts for column in frame.columns if (texts := _texts(frame[column]))}
    if not texts:
        raise InstancesError(
            "No column holds texts",
            value=f"columns: {', '.join(frame.columns) or 'none'}",
            remedy="Add a column of texts, best called “text”, with one instance a row.",
        )
    text = named(list(texts), TEXT_NAMES) or max(texts, key=lambda column: sum(map(len, texts[column])))
    others = [column for column in frame.columns if column != text]
    label = named(others, LABEL_NAMES) or next((column for column in others if groups(frame[column])), None)
    return text, label


def _texts(column: Any) -> list[str]:
    """The texts of a column; none if its cells are something else."""
    present = [value for value in column.tolist() if not is_missing(value)]
    return [value for value in present if value.strip()] if all(isinstance(value, str) for value in present) else []


def named(columns: list[str], names: tuple[str, ...]) -> str | None:
    """The column that is called by one of ``names``, the first of these that there is."""
    by_name = {column.strip().casefold(): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)


def groups(column: Any) -> bool:
    """Whether a column sorts the rows into a few groups: words or whole numbers that come again."""
    present = [value for value in column.tolist() if not is_missing(value)]
    if not all(isinstance(value, str | bool | int) for value in present):
        return False
    kinds = len(set(present))
    return 2 <= kinds <= min(50, len(present) // 2)


def instances_from_table(frame: Any, *, text: str, label: str | None = None, name: str = "") -> Instances:
    """The rows of a pandas DataFrame as instances.

    Rows without a text are left out and counted in ``dropped``. All columns but ``text`` are kept. A column called
    "id" names the instances if all its values differ; else they are numbered from 1.
    """
    frame = frame.rename(columns=str)
    for column in (text, *([label] if label is not None else [])):
        require_column(column, list(frame.columns))
    if label == text:
        raise InstancesError(
            "The texts cannot be their own labels", value=text, remedy="Choose another column as label, or none."
        )
    texts = [as_text(value) for value in frame[text].tolist()]
    kept = [row for row, value in enumerate(texts) if value is not None]
    if not kept:
        raise InstancesError("Every row is empty in the column of texts", value=text, remedy=_SOME_ROWS)
    columns = {}
    for column in frame.columns:
        if column != text:
            values = frame[column].tolist()
            columns[column] = tuple(value_of(values[row]) for row in kept)
    return Instances(
        items=tuple(str(texts[row]) for row in kept),
        ids=ids_from(columns, len(kept)),
        columns=columns,
        label=label if label is not None and any(value is not None for value in columns[label]) else None,
        name=name,
        dropped=len(texts) - len(kept),
    )


def require_column(column: str, known: list[str]) -> None:
    """InstancesError with the closest name for a column that is not among those ``known``."""
    if column in known:
        return
    close = difflib.get_close_matches(column, known, n=1)
    hint = f"Did you mean “{close[0]}”? " if close else ""
    raise InstancesError("There is no such column", value=column, remedy=f"{hint}The columns are: {', '.join(known)}.")


def value_of(value: Any) -> Any:
    """A cell of another column: a number or a truth value as it is, anything else as text, None where missing."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return as_text(value)


def ids_from(columns: dict[str, tuple[Any, ...]], count: int) -> tuple[str, ...]:
    """The ids in a column called "id" if all differ, else the numbers from 1."""
    given = next((values for column, values in columns.items() if column.strip().casefold() == "id"), None)
    if given is not None and all(value is not None for value in given):
        ids = tuple(str(as_text(value)) for value in given)
        if len(set(ids)) == count:
            return ids
    return tuple(str(number) for number in range(1, count + 1))


#: A label can be typed after it: the Tab key leads out of a text box.
_BAR = " | "


def instances_from_lines(text: str, name: str = "") -> Instances:
    """One instance a line, with a label after a tab if there is one. Blank lines are left out and counted.

    Where no line has a tab and each has one " | ", the label is what stands after that.
    """
    lines = _NEWLINE.split(text.removeprefix("\ufeff"))
    barred = "\t" not in text and all(line.count(_BAR) == 1 for line in lines if line.strip())
    rows = [[clean(cell).strip() for cell in line.split(_BAR if barred else "\t")] for line in lines]
    while rows and rows[-1] == [""]:  # the end of the last line is no line
        rows.pop()
    heading = [cell.casefold() for cell in rows[0]] if rows else []
    if len(heading) > 1 and heading[0] in TEXT_NAMES and heading[1] in LABEL_NAMES:
        rows = rows[1:]  # copied from a spreadsheet with the names of its columns
    kept = [row for row in rows if row[0]]
    if not kept:
        raise InstancesError("There are no instances", remedy="Type or paste at least one line of text.")
    width = max(map(len, kept))
    names = ["label", *(f"column {place}" for place in range(3, width + 1))][: width - 1]
    columns = {
        column: tuple(row[place] or None if place < len(row) else None for row in kept)
        for place, column in enumerate(names, start=1)
    }
    return Instances(
        items=tuple(row[0] for row in kept),
        ids=tuple(str(number) for number in range(1, len(kept) + 1)),
        columns=columns,
        label="label" if any(columns.get("label", ())) else None,
        name=name,
        dropped=len(rows) - len(kept),
    )
