"""A map in a line: how it was drawn."""

from __future__ import annotations

from typing import Any

from embedviz.projection import METHODS
from embedviz.records import Projection


def told(projection: Projection, count: int) -> str:
    """ "UMAP · neighbours 15 · tightness 0.1 · seed 0 · 240 instances"."""
    method = METHODS[projection.method].label if projection.method in METHODS else projection.method
    numbers = [
        f"{_label(projection.method, name)} {value:g}"
        for name, value in projection.parameters.items()
        if _number(value)
    ]
    instances = f"{count:,} instance" + ("" if count == 1 else "s")
    return " · ".join([method, *numbers, f"seed {projection.seed}", instances])


def _label(method: str, name: str) -> str:
    """A parameter's name as its control says it."""
    declared = METHODS[method].parameters if method in METHODS else ()
    return next((each.label.lower() for each in declared if each.name == name), name)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
