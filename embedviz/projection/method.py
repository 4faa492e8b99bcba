"""What a projection method declares, so that the app draws its controls from the declaration."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.records import DoubleArray

#: Called with (done, total) as the work goes on; raising in it stops the work.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Parameter:
    """One number or choice a person can set: its range, its default, and one plain sentence about it.

    The default's type is the parameter's type: a whole number, a number, or one of ``choices``.
    """

    name: str
    label: str
    default: Any
    sentence: str
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def range_text(self) -> str:
        """What may be set, in words: "2 to 200", "one of: a, b"."""
        return f"one of: {', '.join(self.choices)}" if self.choices else f"{self.minimum:g} to {self.maximum:g}"

    def settle(self, value: Any) -> Any:
        """The value in the parameter's type; ProjectionError where it is no such thing or out of range."""
        kind = type(self.default)
        if self.choices:
            fits = value in self.choices
        else:
            number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
            whole = number and (kind is not int or float(value).is_integer())
            fits = whole and (self.minimum is None or value >= self.minimum)
            fits = fits and (self.maximum is None or value <= self.maximum)
        if not fits:
            whole_text = "a whole number, " if kind is int else ""
            raise ProjectionError(
                f"{self.label} cannot be set to this",
                value=f"{self.name}={value!r}",
                remedy=f"It takes {whole_text}{self.range_text}.",
            )
        return kind(value)


@dataclass(frozen=True, eq=False)
class Layout:
    """What a method made: (instances, dimensions) coordinates, the parameters really used, and a remark if any."""

    coordinates: np.ndarray
    parameters: Mapping[str, Any]
    note: str = ""


@dataclass(frozen=True)
class Method:
    """A projection: its name, one sentence about it, what can be set, and the function that does it.

    ``run(vectors, units, dimensions, seed, parameters, progress)`` returns a Layout. ``vectors`` is
    (instances, width) float64, none of them zero, and ``units`` the same scaled to length 1. ``minimum`` is the
    number of instances below which the method is not used, and ``maximum`` the one above which it takes too long.
    ``directions`` is true where only directions count, ``seeded`` where another seed may give another map. ``pace`` is
    about how many seconds an instance takes, for some hundreds or thousands. ``package`` must be installed, by
    embedviz's ``extra``.
    """

    name: str
    label: str
    sentence: str
    parameters: tuple[Parameter, ...]
    minimum: int
    run: Callable[[DoubleArray, DoubleArray, int, int, dict[str, Any], Progress | None], Layout]
    directions: bool = True
    seeded: bool = True
    maximum: int | None = None
    pace: float = 0.0025
    package: str = ""
    extra: str = ""

    @property
    def installed(self) -> bool:
        return not self.package or importlib.util.find_spec(self.package) is not None

    def fits(self, count: int) -> bool:
        """Whether it is for so many instances; fewer than the minimum are drawn all the same, in a simpler way."""
        return self.maximum is None or count <= self.maximum

    def settle(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Every parameter's value, asked for or default; ProjectionError names an unknown or impossible one."""
        declared = {parameter.name: parameter for parameter in self.parameters}
        for name in asked:
            if name not in declared:
                raise ProjectionError(
                    f"{self.label} has no such parameter", value=name, remedy=close_matches(name, declared)
                )
        return {name: parameter.settle(asked.get(name, parameter.default)) for name, parameter in declared.items()}


def close_matches(name: object, known: Mapping[str, object]) -> str:
    """A remedy: the names closest to ``name``, or all of them where none is close."""
    if not known:
        return "Nothing can be set here."
    close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(close)}?" if close else f"There are: {', '.join(known)}."
