"""How two sets of shapes differ, and which value of a setting would make them alike."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from embedviz.architecture.blueprint import Shapes

#: (tensor name, axis): one number of a shape.
Place = tuple[str, int]


def differ(one: tuple[int, ...], other: tuple[int, ...]) -> list[int]:
    """The axes along which two shapes of one length differ."""
    return [axis for axis, size in enumerate(one) if size != other[axis]] if len(one) == len(other) else []


def changed(base: Shapes, other: Shapes) -> Iterable[Place]:
    for name, shape in base.items():
        yield from ((name, axis) for axis in differ(shape, other.get(name, shape)))


def candidates(old: Any, now: int, new: Any, then: int, target: int) -> list[Any]:
    """Values for which a number would be about ``target``: it follows the field in a line, its square or inverse.

    Under ``old`` the number is ``now``, under ``new`` it is ``then``.
    """
    found: list[Any] = []
    if then != now:
        line = old + (target - now) * (new - old) / (then - now)
        found.append(line)
        square = old * old + (target - now) * (new * new - old * old) / (then - now)
        if square > 0:
            found.append(math.sqrt(square))
        if then * new == now * old and target:
            found.append(old * now / target)
    if isinstance(old, float):
        return [round(value, 6) for value in found if value > 0]
    return [round(value) for value in found if round(value) > 0]


def indices(names: Iterable[str], group: str) -> int:
    """How many different numbers stand directly after ``group`` ("encoder.layer.")."""
    return len(
        {rest for name in names if name.startswith(group) and (rest := name[len(group) :].split(".", 1)[0]).isdigit()}
    )


def group_of(fewer: Shapes, more: Shapes) -> str:
    """The prefix under which ``more`` counts further than ``fewer``: "encoder.layer." or "encoder.stages.0.layers."."""
    starts = {
        ".".join(parts[:end]) for parts in (name.split(".") for name in fewer) for end in range(1, len(parts) + 1)
    }
    for name in more:
        if name in fewer:
            continue
        parts = name.split(".")
        for end, part in enumerate(parts):
            if part.isdigit() and ".".join(parts[: end + 1]) not in starts:
                before = ".".join(parts[:end])
                if not before or before in starts:
                    return f"{before}." if before else ""
    return ""
