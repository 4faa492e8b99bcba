"""One sentence in place of a picture, for those who do not see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from embedviz.figures.categories import as_numbers, categories, is_continuous
from embedviz.figures.points import Shares
from embedviz.figures.words import shorten
from embedviz.records import Instances, Projection

MOST_NAMED = 8


def describe(
    projection: Projection,
    instances: Instances,
    *,
    colour: str | None = None,
    selected: Sequence[str] = (),
    highlighted: Sequence[str] = (),
    shares: Shares | None = None,
) -> str:
    """What a map shows: "UMAP map in 2-D of 240 instances, coloured by label: animal 30, body 30, …"."""
    drawn = int(np.isfinite(projection.coordinates).all(axis=1).sum())
    parts = [f"{projection.method.upper()} map in {projection.dimensions}-D of {drawn:,} instances"]
    if drawn < len(instances):
        parts.append(f"{len(instances) - drawn:,} more have no place on it")
    if shares is not None:
        known = shares.values[np.isfinite(shares.values)]
        middle = f", half of them above {np.median(known):.0%}" if len(known) else ""
        parts.append(f"{'coloured' if shares.coloured else 'faded'} by {shares.name}{middle}")
    if colour is not None and not (shares and shares.coloured):
        parts.append(_coloured(instances, colour))
    there = set(instances.ids)
    for ids, word in ((selected, "selected"), (highlighted, "found by the search")):
        if ids:
            parts.append(f"{len(there.intersection(ids)):,} {word}")
    return "; ".join(parts) + "."


def _coloured(instances: Instances, colour: str) -> str:
    values = instances.columns[colour]
    name = shorten(colour, 40)
    if is_continuous(values):
        numbers = as_numbers(values)
        if np.isfinite(numbers).any():
            return f"coloured by {name}, from {np.nanmin(numbers):.4g} to {np.nanmax(numbers):.4g}"
    groups = [f"{shorten(group.name, 40)} {len(group.positions):,}" for group in categories(values)]
    more = f" and {len(groups) - MOST_NAMED} more" if len(groups) > MOST_NAMED else ""
    return f"coloured by {name}: {', '.join(groups[:MOST_NAMED])}{more}"


def describe_matrix(matrix: npt.ArrayLike, *, diverging: bool = False) -> str:
    """What a table of cosines shows: its size, and the middle and the ends of what lies off the diagonal."""
    values = np.asarray(matrix, dtype=np.float64)
    kind = "centred cosines" if diverging else "cosines"
    head = f"Table of {kind} between {len(values):,} instances"
    apart = values[~np.eye(len(values), dtype=bool)]
    apart = apart[np.isfinite(apart)]
    if not len(apart):
        return f"{head}."
    low, middle, high = np.quantile(apart, (0.0, 0.5, 1.0))
    return f"{head}: between different instances from {low:.2f} to {high:.2f}, half of them above {middle:.2f}."
