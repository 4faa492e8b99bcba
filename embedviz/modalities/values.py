"""Numbers as a model takes them: its type of number, all finite, nothing lost on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from embedviz.errors import InstancesError
from embedviz.modalities.fitting import Array
from embedviz.records import TensorItem

MOST_INSTANCES = 100_000
#: All numbers of all instances: 160 MB as float64.
MOST_NUMBERS = 20_000_000
#: Whole numbers up to here are exact in a float.
_EXACT = 2**53


def to_items(arrays: Sequence[Array], dtype: str, names: Sequence[str] = ()) -> tuple[TensorItem, ...]:
    """The arrays as items of ``dtype`` ("float32", "int64"). InstancesError names the instance and the place of a
    number that is not finite, or that ``dtype`` cannot hold. ``names`` are the columns, for rows of a table."""
    if not arrays:
        raise InstancesError("There are no instances", remedy="Give at least one.")
    if sum(array.size for array in arrays) > MOST_NUMBERS:
        raise too_many(f"{sum(array.size for array in arrays):,} numbers")
    return tuple(TensorItem.of(_converted(array, np.dtype(dtype), place, names)) for place, array in enumerate(arrays))


def too_many(value: str) -> InstancesError:
    return InstancesError(
        f"These are more than {MOST_NUMBERS:,} numbers",
        value=value,
        remedy="Bring fewer instances: a map of some thousand shows as much.",
        code="instances.too-many",
    )


def _converted(array: Array, dtype: np.dtype[Any], instance: int, names: Sequence[str]) -> Array:
    if array.dtype.kind not in "biuf":
        raise InstancesError(
            "These are no real numbers",
            value=f"instance {instance + 1:,}: {array.dtype}",
            remedy="Save them as float32 or int64.",
        )
    if not array.size:
        raise InstancesError("An instance is empty", value=f"instance {instance + 1:,}", remedy="Leave it out.")

    def refuse(bad: Array, what: str, remedy: str) -> None:
        if bad.any():
            first = tuple(int(place) for place in np.argwhere(bad)[0])
            spot = f"{_spot(instance, first, _column(array, first, names))}: {array[first]}"
            raise InstancesError(what, value=spot, remedy=remedy, code="instances.number")

    refuse(~np.isfinite(array), "A number is missing or not finite", "Fill it in, or leave the instance out.")
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            made = array.astype(dtype)
        refuse(~np.isfinite(made), f"A number is too large for {dtype}", "Scale the numbers down.")
        return made
    if array.dtype.kind == "f":
        refuse(
            array != np.floor(array),
            "A number is not whole, and this model reads whole numbers",
            "Give whole numbers, such as ids of items or steps.",
        )
        refuse(np.abs(array) > _EXACT, "A number is too large to be a whole number", "Give smaller numbers.")
    limits = np.iinfo(dtype)
    # Compared as Python's own numbers: an unsigned 64-bit number turns negative in a signed one.
    if int(array.max()) > limits.max or int(array.min()) < limits.min:
        refuse((array > limits.max) | (array < limits.min), f"A number is too large for {dtype}", "Give smaller ones.")
    return array.astype(dtype)


def _column(array: Array, place: tuple[int, ...], names: Sequence[str]) -> str:
    """The name of the column that the number at ``place`` came from, if there are names."""
    if len(names) != array.size or not place:
        return ""
    return names[int(np.ravel_multi_index(place, array.shape))]


def _spot(instance: int, place: tuple[int, ...], column: str) -> str:
    """In words, counted from 1: "instance 3, number 5", "instance 3, place 1, 4, 5"."""
    if column or not place:
        return f"instance {instance + 1:,}" + (f", column “{column}”" if column else "")
    return f"instance {instance + 1:,}, {'number' if len(place) == 1 else 'place'} " + ", ".join(
        f"{axis + 1:,}" for axis in place
    )
