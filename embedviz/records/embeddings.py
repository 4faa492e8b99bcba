"""One vector an instance, and who is near whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.errors import InstancesError
from embedviz.records.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Embeddings:
    """One vector an instance.

    ``vectors`` is (instances, width) float32. ``tokens`` and ``cut`` count each instance's real tokens and those
    that did not fit the model; None where the input has no tokens. ``checkpoint`` is the content fingerprint.
    """

    vectors: FloatArray
    ids: tuple[str, ...]
    labels: tuple[Any, ...] | None = None
    layer: str = ""
    pooling: str = ""
    postprocessing: str = "none"
    checkpoint: str = ""
    tokens: IntArray | None = None
    cut: IntArray | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.vectors)

    @classmethod
    def from_array(
        cls,
        vectors: npt.ArrayLike,
        ids: Sequence[Any] | None = None,
        labels: Sequence[Any] | None = None,
        *,
        layer: str = "",
    ) -> Embeddings:
        """Vectors from anywhere, one row an instance: (instances, width) numbers, kept as float32.

        ``ids`` are "1", "2", … where none are given. Raises InstancesError for what is no such table, and for ids or
        labels of another number or ids that repeat; ProjectionError for NaN, infinity, and numbers beyond float32.
        """
        from embedviz.vectors import check_finite

        rows = _table(vectors)
        names = _one_each(range(1, len(rows) + 1) if ids is None else ids, "ids", len(rows))
        given = tuple(str(name) for name in names)
        if len(set(given)) < len(given):
            repeated = next(name for name, count in Counter(given).items() if count > 1)
            raise InstancesError("An id stands for one instance only", value=repeated, remedy="Give each its own id.")
        kept = cls(rows, given, None if labels is None else _one_each(labels, "labels", len(rows)), layer=layer)
        check_finite(kept)
        return kept

    @property
    def width(self) -> int:
        return int(self.vectors.shape[1])


def _table(vectors: npt.ArrayLike) -> FloatArray:
    """A float32 copy of an (instances, width) table of numbers."""
    remedy = "Give a table of numbers with one row an instance: (instances, width)."
    try:
        rows = np.asarray(vectors)
    except (ValueError, TypeError, RuntimeError) as error:  # rows of several lengths, a tensor on a GPU
        raise InstancesError("These vectors are no table", value=error, remedy=remedy) from error
    if rows.ndim != 2 or not rows.shape[1] or rows.dtype.kind not in "fiu":
        raise InstancesError("These vectors are no table", value=f"shape {rows.shape}, {rows.dtype}", remedy=remedy)
    with np.errstate(over="ignore"):
        return rows.astype(np.float32)


def _one_each(values: Iterable[Any], what: str, count: int) -> tuple[Any, ...]:
    """``values`` as a tuple, numpy's scalars as Python's; InstancesError where there are not ``count`` of them."""
    given = tuple(value.item() if isinstance(value, np.generic) else value for value in values)
    if len(given) != count:
        raise InstancesError(
            f"There are not as many {what} as vectors",
            value=f"{len(given)} {what}, {count} vectors",
            remedy=f"Give {what} for all of the instances, in their order, or none.",
        )
    return given


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Exact cosine neighbours, nearest first, the instance itself left out.

    ``indices`` is (instances, k) int64 and ``cosines`` (instances, k) float32. A row of an undefined instance (a
    zero vector has no direction) and slots beyond the defined instances hold -1 and NaN. ``undefined`` lists them.
    """

    indices: IntArray
    cosines: FloatArray
    undefined: tuple[int, ...] = ()


def as_vectors(embeddings: Embeddings | npt.ArrayLike | Sequence[Sequence[float]]) -> FloatArray:
    """The (instances, width) array of embeddings or of anything numpy takes as one."""
    return embeddings.vectors if isinstance(embeddings, Embeddings) else np.asarray(embeddings)
