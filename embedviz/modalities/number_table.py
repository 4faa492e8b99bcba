"""The rows of a table as vectors: which columns are the numbers, which is the label."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from embedviz.errors import InstancesError
from embedviz.modalities.brought import Brought
from embedviz.modalities.fitting import Array, gather
from embedviz.modalities.instances import groups, ids_from, is_missing, named, require_column, value_of
from embedviz.modalities.names import LABEL_NAMES
from embedviz.modalities.nested import arrays_in
from embedviz.modalities.number_lines import NUMBER
from embedviz.modalities.values import MOST_NUMBERS, to_items, too_many
from embedviz.records import Instances, Reads

_ID_NAMES = ("id", "ids", "index", "idx", "row", "unnamed: 0", "column 1")
_LIST_NAMES = ("x", "vector", "tensor", "values", "data", "input", "inputs", "features", "embedding", "instance")
#: So few columns of numbers are also kept as columns, to be shown beside each instance.
_FEW = 32


def number_columns(frame: Any, reads: Reads | None = None, label: str | None = None) -> list[str]:
    """The columns that make up the vector: those of numbers, but ids and labels; where a model reads as many numbers
    as there are columns of numbers, all of them. Where one is too many, an index or a column of classes is left out."""
    frame = with_numbers(frame)
    columns = [column for column in _numeric(frame) if column != label]
    vector = [column for column in columns if not _is_called(column, ("id", *LABEL_NAMES))]
    needed = _needed(reads)
    if needed in (None, len(vector)):
        return vector
    if needed == len(columns):
        return columns
    if needed == len(vector) - 1:
        surplus = next((column for column in vector if _is_index(frame, column)), None)
        # A file without column names ends, or begins, with its classes.
        ends = (column for column in (vector[-1], vector[0]) if groups(frame[column]))
        surplus = surplus or next(ends, None)
        return [column for column in vector if column != surplus]
    return vector


def with_numbers(frame: Any) -> Any:
    """The table with columns of texts that are all numbers as numbers: 007, or more decimals than a float holds."""
    made = {}
    for column in frame:
        cells = frame[column]
        if cells.dtype.kind != "O":
            continue
        first = next((cell for cell in cells.tolist() if not _is_nothing(cell)), None)
        if not isinstance(first, str) or not NUMBER.fullmatch(first.strip()):
            continue
        try:
            made[column] = cells.where(cells.notna(), math.nan).to_numpy(dtype=object).astype(np.float64)
        except (ValueError, TypeError):
            continue  # numbers at first, texts later
    return frame.assign(**made) if made else frame


def _numeric(frame: Any) -> list[str]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return [str(column) for column in frame if is_numeric_dtype(frame[column]) and not is_bool_dtype(frame[column])]


def _is_called(column: str, names: Sequence[str]) -> bool:
    return column.strip().casefold() in names


def _needed(reads: Reads | None) -> int | None:
    if reads is None or None in reads.shape:
        return None
    return math.prod(axis or 0 for axis in reads.shape)


def _is_index(frame: Any, column: str) -> bool:
    """Whether a column counts the rows, from 0 or from 1."""
    if not _is_called(column, _ID_NAMES):
        return False
    values = frame[column].tolist()
    return values in (list(range(len(values))), list(range(1, len(values) + 1)))


def tensors_from_table(
    frame: Any, reads: Reads, *, columns: Sequence[str] | None = None, label: str | None = None, name: str = ""
) -> Brought:
    """The rows of a pandas DataFrame as tensors: their numbers in ``columns``, or the one column of lists.

    ``columns`` None: see ``number_columns``. Rows without any number are left out and counted in ``dropped``. The
    other columns are kept, and the numbers too where they are few. A missing number is an InstancesError.
    """
    frame = frame.rename(columns=str)
    _check_choice(frame, columns, label)
    lists = _list_column(frame, columns, label)
    if lists is None:
        numeric = with_numbers(frame)
        vector = list(columns) if columns else number_columns(numeric, reads, label)
        rows, kept = _matrix(numeric, vector)
    else:
        vector = [lists]
        values = [_plain(value) for value in frame[lists].tolist()]
        kept = [row for row, value in enumerate(values) if value is not None]
        rows = arrays_in([values[row] for row in kept])
    arrays, notes = gather(rows, reads, "Row")
    items = to_items(arrays, reads.dtype, vector if lists is None else ())
    if len(items) != len(kept):  # all rows together are one instance, which has no row of its own
        return Brought(Instances(items, ("1",), name=name, modality="tensors"), notes)
    others = [column for column in frame if column not in vector]
    label = label if label is not None else _label(frame, others)
    left_out = [column for column in others if column in _numeric(frame) and column != label]
    if left_out and lists is None and not columns:
        notes = (*notes, f"Not part of the vectors: {', '.join(left_out[:6])}{', …' if len(left_out) > 6 else ''}.")
    shown = list(frame) if lists is None and len(vector) <= _FEW else others
    kept_columns = {column: _values(frame, column, kept) for column in shown}
    return Brought(
        Instances(
            items=items,
            ids=ids_from(kept_columns, len(items)),
            columns=kept_columns,
            label=label if label is not None and any(value is not None for value in kept_columns[label]) else None,
            name=name,
            dropped=len(frame) - len(kept),
            modality="tensors",
        ),
        notes,
    )


def _check_choice(frame: Any, columns: Sequence[str] | None, label: str | None) -> None:
    for column in (*(columns or ()), *([label] if label is not None else [])):
        require_column(column, list(frame.columns))
    if label is not None and label in (columns or ()):
        raise InstancesError(
            "A column of the vectors cannot be their label",
            value=label,
            remedy="Choose another column as label, or none.",
        )


def _values(frame: Any, column: str, rows: list[int]) -> tuple[Any, ...]:
    values = frame[column].tolist()
    return tuple(value_of(values[row]) for row in rows)


def _label(frame: Any, others: list[str]) -> str | None:
    return named(others, LABEL_NAMES) or next((column for column in others if groups(frame[column])), None)


def _matrix(frame: Any, vector: list[str]) -> tuple[Sequence[Array], list[int]]:
    """The numbers, (rows, columns), of the rows that have any, and which rows these are."""
    numeric = set(_numeric(frame))
    wrong = next((column for column in vector if column not in numeric), None)
    if wrong is not None or not vector:
        raise InstancesError(
            "This column is not of numbers" if vector else "No column holds numbers",
            value=wrong or f"columns: {', '.join(map(str, list(frame)[:20]))}",
            remedy="Choose columns of numbers only." if vector else "Add the numbers of an instance, one a column.",
        )
    if len(frame) * len(vector) > MOST_NUMBERS:
        raise too_many(f"{len(frame):,} rows of {len(vector):,} numbers")
    numbers = frame[vector]
    missing = numbers.isna().to_numpy()
    whole = not missing.any() and all(dtype.kind in "iu" for dtype in numbers.dtypes)
    matrix = numbers.to_numpy(dtype=np.int64) if whole else numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    kept = np.flatnonzero(~missing.all(axis=1))
    if not len(kept):
        raise InstancesError(
            "Every row is empty", value=", ".join(vector[:6]), remedy="Bring a row with numbers in it."
        )
    return list(matrix[kept]), kept.tolist()


def _list_column(frame: Any, columns: Sequence[str] | None, label: str | None) -> str | None:
    """The one column of lists, or of JSON arrays; None where there is none, or ``columns`` are others."""
    found = [column for column in (columns or frame) if column != label and _is_list(frame[column])]
    if not found:
        return None
    chosen = found[0] if len(found) == 1 else named(found, _LIST_NAMES)
    if chosen is None or (columns and len(columns) > 1):
        raise InstancesError(
            "More than one column holds lists of numbers",
            value=", ".join(found[:20]),
            remedy="Choose one of them.",
            choices=tuple(found),
        )
    return chosen


def _is_list(column: Any) -> bool:
    if column.dtype.kind in "biufM":
        return False
    first = next((value for value in column.tolist() if not _is_nothing(value)), None)
    if isinstance(first, str):
        return first.lstrip().startswith("[") and first.rstrip().endswith("]") and isinstance(_plain(first), list)
    return isinstance(first, list | tuple | np.ndarray)


def _is_nothing(value: Any) -> bool:
    return not isinstance(value, list | tuple | np.ndarray) and is_missing(value)


def _plain(value: Any) -> Any:
    """Arrays of arrays, as Parquet gives them, and JSON as lists; None where there is nothing."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.tolist()
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(inner) for inner in value]
    return None if _is_nothing(value) else value
