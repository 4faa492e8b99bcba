"""How alike layers are by a measure, each pair over the instances that have a direction in both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embedviz.comparison.curves import constant_note, zero_notes
from embedviz.comparison.measure import Estimate, Measure, Settings
from embedviz.comparison.view import View
from embedviz.projection.method import Progress
from embedviz.records import Agreement, DoubleArray

_Pairs = list[tuple[int, int]]


def agreement(measure: Measure, views: Sequence[View], rows: int, settings: Settings, progress: Progress) -> Agreement:
    """The first ``rows`` of ``views`` with the others, or with themselves where there are no others."""
    columns = slice(rows, None) if len(views) > rows else slice(None)
    n = len(views[0].raw)
    if n < measure.minimum:
        empty = np.full((rows, len(views[columns])), np.nan)
        return Agreement(empty, empty, empty, why_not=f"It takes {measure.minimum} instances: {measure.reason}")
    table = np.full((3, len(views), len(views)), np.nan)
    said: Estimate | None = None
    groups = _groups(views)
    for place, (pairs, mask) in enumerate(groups):
        if mask.sum() < measure.minimum:
            continue
        members = sorted({member for pair in pairs for member in pair})
        part = _part(progress, place, len(groups))
        made = measure.run([views[member] for member in members], np.flatnonzero(mask), settings, part)
        said = said or made
        _fill(table, made, pairs, members)
    values, low, high = table[:, :rows, columns]
    constant = [view.name for view in views if view.constant]
    zeros = [view for view in views if not view.constant and not view.defined.all()]
    remarks = [said.note if said else "", *constant_note(constant), *zero_notes(zeros, np.arange(n))]
    note = " ".join(remark for remark in remarks if remark)
    return Agreement(values, low, high, said.chance if said else None, note)


def _part(progress: Progress, place: int, parts: int) -> Progress:
    """What one of several ``parts`` of the work calls, so that it goes on where the last one ended."""
    return lambda done, total: progress(place * total + done, parts * total)


def _groups(views: Sequence[View]) -> list[tuple[_Pairs, np.ndarray]]:
    """Pairs of layers, a layer with itself among them, by the instances that have a direction in both; largest first.

    Mostly all of them have one everywhere, and all pairs are one group. Layers that give the same vector for every
    instance are in none.
    """
    found: dict[bytes, tuple[_Pairs, np.ndarray]] = {}
    usable = [place for place, view in enumerate(views) if not view.constant]
    for one in usable:
        for other in usable:
            if other <= one:
                mask = views[one].defined & views[other].defined
                found.setdefault(mask.tobytes(), ([], mask))[0].append((one, other))
    return sorted(found.values(), key=lambda group: -len(group[0]))


def _fill(table: DoubleArray, made: Estimate, pairs: _Pairs, members: Sequence[int]) -> None:
    """Put what was ``made`` of some layers where it belongs in the (values, low, high) of all."""
    at = {place: position for position, place in enumerate(members)}
    for layer, values in zip(table, (made.values, made.low, made.high), strict=True):
        for one, other in pairs:
            layer[one, other] = layer[other, one] = values[at[one], at[other]]
