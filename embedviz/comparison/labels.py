"""Labels as the curves take them: a number for each, and which of them enough instances have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from embedviz.modalities.instances import as_text
from embedviz.records import Embeddings, IntArray

#: Of a label that fewer have, a fold of five would be without it, and hardly a neighbour could have it.
FEWEST = 5


def coded(labels: Sequence[Any] | None) -> IntArray | None:
    """(instances,) the number of each one's label, -1 where it is missing; None where nobody has one.

    Labels are the same where they read the same.
    """
    if labels is None:
        return None
    names = [as_text(label) for label in labels]
    known = {name: place for place, name in enumerate(sorted({name for name in names if name is not None}))}
    return np.array([-1 if name is None else known[name] for name in names], dtype=np.int64) if known else None


def labels_of(layers: Iterable[Embeddings]) -> IntArray | None:
    """The labels of the first of ``layers`` that has some: all are over the same instances."""
    found = (coded(embeddings.labels) for embeddings in layers)
    return next((codes for codes in found if codes is not None), None)


def usable(codes: IntArray, rows: IntArray) -> IntArray:
    """Those of ``rows`` whose label at least ``FEWEST`` of them have."""
    given = rows[codes[rows] >= 0]
    counts = np.bincount(codes[given], minlength=1)
    return given[counts[codes[given]] >= FEWEST]


def why_not(codes: IntArray | None, rows: IntArray) -> str:
    """Why nothing can be said about labels, or ""."""
    if codes is None:
        return "There are no labels."
    kinds = len(np.unique(codes[usable(codes, rows)]))
    if kinds >= 2:
        return ""
    found = "only one label is" if kinds else "no label is"
    return f"It takes two labels that {FEWEST} instances each have; here {found} so frequent."


def note(codes: IntArray, rows: IntArray) -> str:
    """How many instances were left out for want of a label, or of others with theirs."""
    missing = int((codes[rows] < 0).sum())
    rare = len(rows) - missing - len(usable(codes, rows))
    parts = [
        f"{missing:,} have no label" if missing else "",
        f"{rare:,} have a label that fewer than {FEWEST} have" if rare else "",
    ]
    said = " and ".join(part for part in parts if part)
    return f"Left out: {said}." if said else ""
