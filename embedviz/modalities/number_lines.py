"""Numbers typed or pasted, one instance a line, with a label after them if there is one."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from embedviz.errors import InstancesError
from embedviz.modalities.fitting import Array
from embedviz.modalities.instances import clean

_NEWLINE = re.compile(r"\r\n|\n|\r")
_WHOLE = re.compile(r"[-+]?\d{1,18}", re.ASCII)
#: A number as text, in any of the usual spellings.
NUMBER = re.compile(
    r"[-+]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][-+]?\d{1,4})?|[-+]?(?:nan|inf|infinity)",
    re.ASCII | re.IGNORECASE,
)
#: 1,5 is one and a half where cells are kept apart by something else than a comma.
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+(?:[eE][-+]?\d+)?\s*", re.ASCII)
_REMEDY = "Give one instance a line, its numbers with commas or spaces between them: 1, 2, 3."


@dataclass(frozen=True)
class NumberLines:
    """One array (numbers,) and one label, or None, a line."""

    rows: tuple[Array, ...]
    labels: tuple[str | None, ...]
    blank: int
    notes: tuple[str, ...]


def is_number_line(line: str) -> bool:
    """Whether a line is of nothing but numbers with spaces between them, as numpy.savetxt writes it."""
    cells = line.split()
    return bool(cells) and all(map(NUMBER.fullmatch, cells))


def read_number_lines(text: str) -> NumberLines:
    """The numbers of every line that is not blank. InstancesError names the line and what in it is no number."""
    lines = [(number, line) for number, line in enumerate(_NEWLINE.split(text.strip("\ufeff\r\n")), 1)]
    kept = [(number, line) for number, line in lines if line.strip()]
    notes: list[str] = []
    if len(kept) > 1 and _is_heading(kept[0][1]):
        notes.append("The first line was read as the names of the columns.")
        blank, kept = len(lines) - len(kept), kept[1:]
    else:
        blank = len(lines) - len(kept)
    if not kept:
        raise InstancesError("There are no instances", remedy=_REMEDY)
    comma = any(_has_decimal_comma(line) for _, line in kept)
    if comma:
        notes.append("Commas within cells were read as decimal points.")
    rows, labels = zip(*(_row(line, number, comma) for number, line in kept), strict=True)
    return NumberLines(rows, labels, blank, tuple(notes))


def _cells(line: str) -> list[str]:
    """The line cut at its tabs, else at its semicolons, else at its commas, else at its spaces."""
    for mark in ("\t", ";", ","):
        if mark in line:
            return line.rstrip(f"{mark} ").split(mark)
    return line.split()


def _numbers_in(cell: str) -> list[str]:
    return re.split(r"\s*,\s*|\s+", cell.strip())


def _is_heading(line: str) -> bool:
    return not any(NUMBER.fullmatch(part) for cell in _cells(line) for part in _numbers_in(cell))


def _has_decimal_comma(line: str) -> bool:
    cells = _cells(line)
    if "\t" not in line and ";" not in line:
        return False
    if len(cells) < 3 and not NUMBER.fullmatch(cells[-1].strip().replace(",", ".")):
        return False  # "1,5<tab>cat" is two numbers and a label
    return any(map(_DECIMAL_COMMA.fullmatch, cells))


def _row(line: str, number: int, comma: bool) -> tuple[Array, str | None]:
    cells, label = _cells(line), None
    last = cells[-1].strip()
    apart = any(mark in line for mark in "\t;,")
    if apart and len(cells) > 1 and not NUMBER.fullmatch(last.replace(",", ".")) and not _is_vector(last):
        label, cells = clean(last) or None, cells[:-1]
    parts = [part for cell in cells for part in _numbers_in(cell.replace(",", ".") if comma else cell)]
    bad = next((part for part in parts if not NUMBER.fullmatch(part)), None)
    if bad is not None:
        raise InstancesError(
            "This is not a number" if bad else "A number is missing between two separators",
            value=f"line {number:,}: {(bad or line.strip())[:80]}",
            remedy=_REMEDY,
        )
    if all(map(_WHOLE.fullmatch, parts)):  # kept whole: a float would round large ids
        return np.array([int(part) for part in parts], dtype=np.int64), label
    return np.array([float(part) for part in parts], dtype=np.float64), label


def _is_vector(cell: str) -> bool:
    parts = _numbers_in(cell)
    return len(parts) > 1 and all(map(NUMBER.fullmatch, parts))
