"""Values from a file of unknown origin, checked against the types that they are to have."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints


class Malformed(Exception):
    """A value is not what it should be; the text says which."""


def checked(value: Any, hint: Any, where: str) -> Any:
    """``value`` as a ``hint`` says, lists as tuples and dicts as records; Malformed names the place where it is not.

    Numbers are finite. What a record does not know, and what it lacks without a default, is malformed.
    """
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _one_of(value, get_args(hint), where)
    if origin is tuple:
        return _many(value, get_args(hint), where)
    if origin in (dict, Mapping):
        if not isinstance(value, dict):
            raise Malformed(where)
        of = get_args(hint)[1]
        return {str(name): checked(each, of, f"{where}.{str(name)[:40]}") for name, each in value.items()}
    if is_dataclass(hint):
        return _record(value, hint, where)
    return _plain(value, hint, where)


def _plain(value: Any, hint: Any, where: str) -> Any:
    fits: bool
    if hint is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)
        return float(value) if fits else _malformed(where)
    if hint is int:
        # Beyond 64 bits nothing here counts.
        fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    elif hint is type(None):
        fits = value is None
    else:
        fits = isinstance(value, hint)
    return value if fits else _malformed(where)


def _finite(value: float) -> bool:
    return abs(value) < 2**1000 if isinstance(value, int) else math.isfinite(value)


def _malformed(where: str) -> Any:
    raise Malformed(where)


def _one_of(value: Any, hints: tuple[Any, ...], where: str) -> Any:
    # A whole number is one before it is a number.
    for hint in sorted(hints, key=lambda each: each is float):
        try:
            return checked(value, hint, where)
        except Malformed:
            continue
    raise Malformed(where)


def _many(value: Any, hints: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise Malformed(where)
    if hints[-1:] == (...,):
        return tuple(checked(each, hints[0], where) for each in value)
    if len(value) != len(hints):
        raise Malformed(where)
    return tuple(checked(each, hint, where) for each, hint in zip(value, hints, strict=True))


def _record(value: Any, kind: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise Malformed(where)
    hints = get_type_hints(kind)
    needed = {each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING}
    for name in (value.keys() - hints.keys()) | (needed - value.keys()):
        raise Malformed(f"{where}.{str(name)[:40]}")
    return kind(**{name: checked(each, hints[name], f"{where}.{name}") for name, each in value.items()})
