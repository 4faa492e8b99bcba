"""Cells of a text file: whether those of a column are numbers, which only all of them together can tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_WHOLE = re.compile(r"-?(0|[1-9]\d{0,14})")
_DECIMAL = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][-+]?\d{1,3})?|[nN]a[nN]")

Cells = list[str | None]


@dataclass
class CellKind:
    """What the cells seen so far have in common. Blank ones tell nothing."""

    seen: bool = False
    all_whole: bool = True
    all_decimal: bool = True
    any_number: bool = False

    def add(self, cells: Cells) -> None:
        if not (self.all_whole or self.all_decimal):
            return
        for cell in cells:
            present = cell.strip() if cell else ""
            if not present:
                continue
            self.seen = True
            self.all_whole = self.all_whole and _WHOLE.fullmatch(present) is not None
            self.all_decimal = self.all_decimal and _DECIMAL.fullmatch(present) is not None
            self.any_number = self.any_number or _WHOLE.match(present) is not None
            if not (self.all_whole or self.all_decimal):
                return

    @property
    def name(self) -> str:
        """ "whole", "decimal" or "text"."""
        if self.seen and self.all_whole:
            return "whole"
        # A column of nothing but "nan" is one of words.
        return "decimal" if self.any_number and self.all_decimal else "text"


def kind_of(parts: Iterable[Cells]) -> str:
    """The kind of a column whose cells come in parts."""
    kind = CellKind()
    for cells in parts:
        kind.add(cells)
    return kind.name


def as_column(cells: Cells, kind: str) -> Any:
    """Text cells as a pandas column: of numbers where that loses nothing, else as they are; blank cells are missing."""
    import pandas as pd

    blank = [None if cell is None or not cell.strip() else cell for cell in cells]
    if kind == "whole":
        return pd.array([None if cell is None else int(cell) for cell in blank], dtype="Int64")
    if kind == "decimal":
        return pd.Series([float("nan") if cell is None else float(cell) for cell in blank], dtype="float64")
    return pd.Series(blank, dtype=object)
