"""Nested lists of numbers, as JSON and notebooks write arrays."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from embedviz.errors import InstancesError
from embedviz.modalities.fitting import Array, gather, split
from embedviz.records import Reads

#: numpy's own limit is 64; no model reads so many axes.
_DEEPEST = 16
_NUMBERS = {int, float, bool}
_REMEDY = "Give numbers in brackets, for instance [1, 2, 3], or one instance a line: 1, 2, 3."
#: How numpy and PyTorch write an array: array([[1., 2.]], dtype=float32).
_BEFORE = re.compile(r"^(?:\w+\.)?(?:array|tensor)\s*\(")
_AFTER = re.compile(r"(?:,\s*\w+=[\w.'<>:]+)*\s*\)$")


def loads(text: str) -> list[Any]:
    """The values of a JSON array, of one array a line, or of an array as a notebook prints it."""
    try:
        return _listed(json.loads(text))
    except (ValueError, RecursionError) as error:
        problem = error
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        pass
    if "..." in text or "…" in text:
        raise InstancesError(
            "This array was shortened when it was printed",
            value="…",
            remedy="Print all of it, or save it with numpy.save and open the file.",
        )
    try:
        return _listed(json.loads(_printed(text.strip())))
    except (ValueError, RecursionError):
        where = f"line {problem.lineno:,}, letter {problem.colno:,}" if isinstance(problem, _JSON_ERROR) else None
        raise InstancesError("The brackets and numbers do not form an array", value=where, remedy=_REMEDY) from problem


_JSON_ERROR = json.JSONDecodeError


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _printed(text: str) -> str:
    """An array as it is printed, as JSON."""
    text, wrapped = _BEFORE.subn("", text)
    if wrapped:
        text = _AFTER.sub("", text)
    text = re.sub(r"(?<=[\d.\]])\s+(?=[-+\d.\[])", ", ", text)
    text = re.sub(r"(?<=\d)\.(?!\d)", ".0", text)
    text = re.sub(r"(?<!\d)\.(?=\d)", "0.", text)
    text = re.sub(r"\+(?=\d)(?<![eE]\+)", "", text)
    text = re.sub(r"\binf\b", "Infinity", re.sub(r"\bnan\b", "NaN", text))
    return re.sub(r",(?=\s*\])", "", text)


def instances_in(values: list[Any], reads: Reads) -> tuple[list[Array], tuple[str, ...]]:
    """The arrays in nested lists, one an instance, and what was assumed.

    The rank says whether the outermost list is the instances. Instances of several lengths are allowed where the
    model reads any; an instance itself is rectangular.
    """
    if not values:
        raise InstancesError("There are no instances", value="[]", remedy=_REMEDY)
    _check(values, ())
    whole = _dense(values)
    return split(whole, reads) if whole is not None else gather(arrays_in(values), reads)


def arrays_in(values: list[Any]) -> list[Array]:
    """The array in each of ``values``, which is one instance. InstancesError names one that is not rectangular."""
    _check(values, ())
    rows = [_dense(value) for value in values]
    uneven = next((place for place, row in enumerate(rows) if row is None), None)
    if uneven is not None:
        raise InstancesError(
            "The rows of an instance are of different lengths",
            value=f"instance {uneven + 1:,}",
            remedy="Give every row of an instance as many numbers.",
        )
    return [row for row in rows if row is not None]


def _check(values: list[Any], at: tuple[int, ...]) -> None:
    """InstancesError where a value is neither a number nor a list of such, of which numpy would make texts."""
    kinds = set(map(type, values))
    if kinds <= _NUMBERS:
        return
    if kinds == {list}:
        if len(at) >= _DEEPEST:
            raise InstancesError("The lists are nested too deep", value=f"more than {_DEEPEST} deep", remedy=_REMEDY)
        for place, inner in enumerate(values):
            _check(inner, (*at, place))
        return
    bad = next((place for place, value in enumerate(values) if type(value) not in {*_NUMBERS, list}), None)
    if bad is None:
        raise InstancesError("Numbers and lists are mixed", value=_where(at), remedy=_REMEDY)
    shown = "nothing (null)" if values[bad] is None else json.dumps(values[bad], ensure_ascii=False)[:80]
    raise InstancesError("This is not a number", value=f"{shown} at {_where((*at, bad))}", remedy=_REMEDY)


def _where(at: tuple[int, ...]) -> str:
    return "place " + ", ".join(f"{place + 1:,}" for place in at) if at else "the outermost list"


def _dense(value: Any) -> Array | None:
    """The array of a number or of rectangular lists; None where the lists differ in length."""
    try:
        array = np.array(value)
    except ValueError:  # inhomogeneous
        return None
    except OverflowError as error:
        raise _too_large() from error
    if array.dtype == object:  # whole numbers beyond 64 bits
        raise _too_large()
    return array


def _too_large() -> InstancesError:
    return InstancesError("A number is too large", value="more than 64 bits", remedy="Scale the numbers down.")
