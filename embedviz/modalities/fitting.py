"""Which axis of an array is the instances, and whether its sizes are those that a model reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.errors import InstancesError
from embedviz.records import Reads

Array = npt.NDArray[Any]
Sizes = tuple[int, ...]
Wanted = tuple[int | None, ...]


def fitted(given: Sizes, wanted: Wanted, *, flat: bool = False) -> Sizes | None:
    """The sizes to which an instance of ``given`` is brought to be read as ``wanted``; None where it cannot be.

    Axes of size 1 come and go, and numbers in a row are laid out as the model reads them; ``flat`` allows rows to be
    put one after the other. Anything else would put numbers into other places than they were meant for.
    """
    if _same(given, wanted):
        return given
    fixed = [axis for axis in wanted if axis is not None]
    core, meant = [axis for axis in given if axis != 1], [axis for axis in wanted if axis != 1]
    if len(fixed) == len(wanted):
        alike = len(given) <= 1 or core == meant or (flat and len(meant) <= 1 and len(core) == 2)
        return tuple(fixed) if alike and math.prod(given) == math.prod(fixed) else None
    if len(meant) == 1 and not core:  # one number, for a row of any length
        core = [1]
    if not _same(tuple(core), tuple(meant)):
        return None
    sizes = iter(core)
    return tuple(1 if axis == 1 else next(sizes) for axis in wanted)


def _same(given: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(given) == len(wanted) and all(
        axis is None or axis == size for size, axis in zip(given, wanted, strict=True)
    )


def split(array: Array, reads: Reads) -> tuple[list[Array], tuple[str, ...]]:
    """The instances in ``array``, (*sizes) for one or (instances, *sizes) for several, as ``reads`` wants them.

    The second value says what was assumed. InstancesError where the array is neither.
    """
    wanted = reads.shape
    if _same(array.shape, wanted):
        return [array], ()
    if array.ndim and _same(array.shape[1:], wanted):
        return list(array), ()
    whole = fitted(array.shape, wanted)
    if whole is not None:
        return [array.reshape(whole)], _laid_out(array.shape, whole)
    each = fitted(array.shape[1:], wanted, flat=True) if array.ndim else None
    if each is not None:
        return list(array.reshape(len(array), *each)), _laid_out(array.shape[1:], each)
    several = array.ndim > len(wanted)
    raise mismatch(array.shape[1:] if several else array.shape, reads, "Each instance" if several else "The instance")


def gather(rows: Sequence[Array], reads: Reads, word: str = "Instance") -> tuple[list[Array], tuple[str, ...]]:
    """Rows as one instance each; or all of them as one, where a model reads tables of such rows.

    ``word`` is what a row is called in the error: "Line". The rows may differ in length where the model allows it.
    """
    if not rows:
        raise InstancesError("There are no instances", remedy=f"Give {words(reads.shape)} an instance.")
    sizes = [fitted(row.shape, reads.shape, flat=True) for row in rows]
    if all(size is not None for size in sizes):
        instances = [row.reshape(size) for row, size in zip(rows, sizes, strict=True) if size is not None]
        changed = next((place for place, row in enumerate(rows) if row.shape != sizes[place]), 0)
        return instances, _laid_out(rows[changed].shape, instances[changed].shape)
    if len({row.shape for row in rows}) == 1:
        table = np.stack(rows)
        whole = fitted(table.shape, reads.shape)
        if whole is not None:
            return [table.reshape(whole)], (f"All {len(rows):,} rows together were read as one instance.",)
    wrong = next(place for place, size in enumerate(sizes) if size is None)
    raise mismatch(rows[wrong].shape, reads, f"{word} {wrong + 1:,}")


def words(sizes: Sequence[int | None]) -> str:
    """Sizes in words: "5 numbers", "8 × 8"."""
    if not sizes:
        return "one number"
    if len(sizes) == 1:
        axis = sizes[0]
        return "any number of numbers" if axis is None else f"{axis:,} number{'s' if axis != 1 else ''}"
    return " × ".join("any" if axis is None else f"{axis:,}" for axis in sizes)


def mismatch(given: Sizes, reads: Reads, who: str) -> InstancesError:
    """The error that says both sizes and what to do; ``who`` is "Instance 3"."""
    return InstancesError(
        f"{who} is {words(given)}, and this model reads {words(reads.shape)}",
        value=f"{words(given)} in place of {words(reads.shape)}",
        remedy=_remedy(given, reads.shape),
        code="instances.shape",
    )


def _remedy(given: Sizes, wanted: Wanted) -> str:
    if len(given) > 1 and sorted(given) == sorted(axis for axis in wanted if axis is not None):
        return "The axes stand in another order: transpose the array before you save it."
    size = math.prod(given)
    needed = None if None in wanted else math.prod(axis or 0 for axis in wanted)
    if needed is not None and size == needed + 1:
        return "One number is too many: leave out the column of ids or labels."
    if needed is not None and size == needed and len(given) > 1:
        return "Give the numbers of an instance in one row, in the order in which the model reads them."
    return f"Give {words(wanted)} an instance."


def _laid_out(given: Sizes, made: Sizes) -> tuple[str, ...]:
    """The note that numbers were laid out anew, where that could have been meant otherwise."""
    if given == made or math.prod(made) == 1:
        return ()
    return (f"Instances of {words(given)} were read as {words(made)}.",)
