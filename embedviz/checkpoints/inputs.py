"""What a person says a model reads, in place of what was found out (``--assume input.shape=[1,28,28]``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from embedviz.errors import CheckpointError

_Check = Callable[[Any], bool]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _size(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**7)


#: Field of ``Reads`` → whether a value may stand there, and what to give.
_FIELDS: dict[str, tuple[_Check, str]] = {
    "modality": (lambda value: value in ("text", "tensors", "images"), "Give text, tensors or images."),
    "shape": (
        lambda value: len(value) <= 5 and all(map(_size, value)),
        "Give one instance's shape in whole numbers from 1 on, as in [1, 28, 28]; null for an axis of any size.",
    ),
    "dtype": (lambda value: value in ("float32", "int64"), "Give float32 or int64."),
    "batch_axis": (lambda value: value in (0, 1, 2), "Give 0, 1 or 2."),
    "mean": (lambda value: all(map(_number, value)), "Give a number for each channel, as in [0.5, 0.5, 0.5]."),
    "std": (
        lambda value: all(_number(each) and each > 0 for each in value),
        "Give a positive number for each channel, as in [0.5, 0.5, 0.5].",
    ),
}
_LISTS = ("shape", "mean", "std")


def check_given(said: Mapping[str, Any]) -> dict[str, Any]:
    """``said`` as fields of ``Reads``. CheckpointError for a name that is none, and for a value that cannot be."""
    found: dict[str, Any] = {}
    for name, value in said.items():
        if name not in _FIELDS:
            raise _wrong(name, value, f"There are: {', '.join(f'input.{known}' for known in _FIELDS)}.")
        if name in _LISTS:
            value = tuple(value) if isinstance(value, list | tuple) else (value,)
        check, remedy = _FIELDS[name]
        if not check(value):
            raise _wrong(name, value, remedy)
        found[name] = value
    return {**found, "why": "given by you"} if found else {}


def _wrong(name: str, value: Any, remedy: str) -> CheckpointError:
    return CheckpointError(
        "This cannot be what a model reads", value=f"input.{name} = {value}", remedy=remedy, code="configuration.input"
    )
