"""Layers compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from embedviz.records.arrays import DoubleArray, IntArray


@dataclass(frozen=True, eq=False)
class Agreement:
    """How alike layers are by one measure: (rows, columns) values, and the ends of their 95 % intervals.

    ``chance`` is what unrelated layers would get; None where there is no one number. ``note`` says of how many
    instances it was taken. Where it cannot be taken, ``why_not`` says so and the values are NaN.
    """

    values: DoubleArray
    low: DoubleArray
    high: DoubleArray
    chance: float | None = None
    note: str = ""
    why_not: str = ""


@dataclass(frozen=True, eq=False)
class Curve:
    """One number a layer, (layers,) in the order of the layers, with the ends of its 95 % interval where there is one.

    ``reading`` says in a sentence what these numbers show, ``chance`` what instances without order would get.
    Where it cannot be taken (no labels, too few instances), ``why_not`` says so and the values are NaN.
    """

    values: DoubleArray
    low: DoubleArray | None = None
    high: DoubleArray | None = None
    chance: float | None = None
    reading: str = ""
    note: str = ""
    why_not: str = ""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Layers over the same instances, compared: ``rows`` with ``columns``, which are the same of one model.

    ``agreements`` are by measure ("mutual_neighbours", "cka", "rsa"), ``curves`` by name, over ``rows``;
    ``other_curves`` are over ``columns`` where these are another model's. ``best`` is the layer of ``rows`` to use
    for finding what is alike, with the reasons in ``evidence``; "" where nothing speaks for one.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    instances: int
    agreements: Mapping[str, Agreement]
    curves: Mapping[str, Curve]
    other_curves: Mapping[str, Curve] = field(default_factory=dict)
    best: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Movers:
    """Whose true neighbours change most between two layers.

    ``order`` is (instances,), the biggest mover first, ties by place; without those that have no direction in one of
    the layers. ``kept`` is (instances,), how many of ``k`` neighbours stay; -1 where undefined. ``before`` and
    ``after`` are (instances, k) neighbours, nearest first, -1 where there is none.
    """

    order: IntArray
    kept: IntArray
    before: IntArray
    after: IntArray

    @property
    def k(self) -> int:
        return int(self.before.shape[1])
