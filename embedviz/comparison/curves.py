"""Curves over depth: each kind's number at each layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from embedviz.comparison import labels
from embedviz.comparison.curve_kind import CurveKind, Point
from embedviz.comparison.measure import Settings, sample_note, sampled
from embedviz.comparison.reading import named, reading
from embedviz.comparison.view import View
from embedviz.projection.method import Progress
from embedviz.records import Curve, IntArray


def curve(
    kind: CurveKind, views: Sequence[View], codes: IntArray | None, settings: Settings, progress: Progress
) -> Curve:
    """``codes`` are the instances' labels: (instances,), -1 where there is none; None where nobody has one."""
    everybody = np.arange(len(views[0].raw))
    rows = everybody
    if kind.needs_labels:
        if why := labels.why_not(codes, everybody):
            return _without(len(views), why)
        assert codes is not None
        rows = labels.usable(codes, everybody)
    given = len(rows)
    if kind.most is not None:
        rows = sampled(rows, kind.most, settings.seed)
    if kind.needs_labels and codes is not None and (why := labels.why_not(codes, rows)):
        return _without(len(views), f"In a sample of {len(rows):,} instances: {why}")
    if len(rows) < kind.minimum:
        return _without(len(views), f"It takes {kind.minimum} instances; here are {len(rows)}.")
    points = []
    for place, view in enumerate(views):
        progress(place, len(views))
        points.append(_point(kind, view, rows, codes, settings))
    values, low, high = np.array([(point.value, point.low, point.high) for point in points]).T
    chance = kind.chance(codes[rows]) if kind.chance is not None and codes is not None else None
    said = reading([view.name for view in views], values, kind.decimals, chance)
    remarks = [sample_note(len(rows), given, settings.seed), *_remarks(kind, views, rows)]
    if kind.needs_labels and codes is not None:
        remarks.append(labels.note(codes, everybody))
    bounded = bool(np.isfinite(low).any())
    note = " ".join(remark for remark in remarks if remark)
    return Curve(values, low if bounded else None, high if bounded else None, chance, said, note)


def _point(kind: CurveKind, view: View, rows: IntArray, codes: IntArray | None, settings: Settings) -> Point:
    if view.constant and not kind.of_constant:
        return Point(math.nan)
    rows = rows[view.raw[rows].any(axis=1) if kind.of_constant else view.defined[rows]]
    if codes is None or not kind.needs_labels:
        codes = np.zeros(len(view.raw), dtype=np.int64)
    elif labels.why_not(codes, rows):
        return Point(math.nan)
    else:
        rows = labels.usable(codes, rows)
    return kind.run(view, rows, codes[rows], settings) if len(rows) >= kind.minimum else Point(math.nan)


def _remarks(kind: CurveKind, views: Sequence[View], rows: IntArray) -> list[str]:
    """What is to be said about constant layers and zero vectors."""
    constant = [] if kind.of_constant else [view.name for view in views if view.constant]
    zeros = [view for view in views if not view.constant and not view.defined[rows].all()]
    return [*constant_note(constant), *zero_notes(zeros, rows)]


def constant_note(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    verb = "gives" if len(names) == 1 else "give"
    return [f"{_listed(names)} {verb} the same vector for every instance: there is nothing to compare."]


def zero_notes(views: Sequence[View], rows: IntArray) -> list[str]:
    """Of layers with vectors that have no direction."""
    return [
        f"{named(view.name)}: {int((~view.defined[rows]).sum()):,} of {len(rows):,} vectors have no direction "
        "(length 0) and are left out."
        for view in views
    ]


def _listed(names: Sequence[str], most: int = 4) -> str:
    shown = ", ".join(named(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _without(count: int, why: str) -> Curve:
    return Curve(np.full(count, np.nan), why_not=why)
