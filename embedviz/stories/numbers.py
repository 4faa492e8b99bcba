"""The numbers in a story's sentences, each from exact neighbours and cosines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from embedviz.figures.categories import is_continuous, is_missing
from embedviz.records import FloatArray, IntArray
from embedviz.vectors import unit_vectors


@dataclass(frozen=True)
class Alike:
    """How many instances have one of their own kind as their nearest neighbour: of each kind, and of all.

    Counted are those of kinds with two members or more. Neighbours at random would give ``chance`` of them.
    """

    kinds: dict[str, tuple[int, int]]
    hits: int
    total: int
    chance: float

    @property
    def best(self) -> str:
        """The kind with the largest share."""
        return max(self.kinds, key=lambda kind: self.kinds[kind][0] / self.kinds[kind][1])

    @property
    def worst(self) -> str:
        return min(self.kinds, key=lambda kind: self.kinds[kind][0] / self.kinds[kind][1])


def kinds_of(values: Sequence[Any] | None) -> tuple[str | None, ...] | None:
    """The kinds that a column's values are, None for those that have no other of their kind.

    None where it tells fewer than two kinds apart, as where it is a scale of numbers.
    """
    if values is None or is_continuous(values):
        return None
    names = [None if is_missing(value) else str(value) for value in values]
    counts = {name: names.count(name) for name in set(names) if name is not None}
    kept = tuple(name if name is not None and counts[name] > 1 else None for name in names)
    return kept if len(set(kept) - {None}) > 1 else None


def alike(nearest: IntArray, kinds: Sequence[str | None]) -> Alike:
    """``nearest`` (instances,) are places, -1 where there is none."""
    found: dict[str, tuple[int, int]] = {}
    for place, kind in enumerate(kinds):
        if kind is not None:
            hits, total = found.get(kind, (0, 0))
            near = int(nearest[place])
            found[kind] = (hits + int(near >= 0 and kinds[near] == kind), total + 1)
    hits, total = (sum(each[part] for each in found.values()) for part in (0, 1))
    others = max(1, len(kinds) - 1)
    chance = sum(count * (count - 1) / others for _, count in found.values())
    return Alike(dict(sorted(found.items())), hits, total, chance)


def mutual(nearest: IntArray) -> int:
    """How many instances are the nearest neighbour of their own nearest neighbour."""
    return sum(int(near >= 0 and nearest[near] == place) for place, near in enumerate(nearest))


def shared(one: IntArray, other: IntArray) -> float:
    """Of (instances, k) neighbours in one layer, how many on average are among as many in another."""
    counts = [len(set(before[before >= 0]) & set(after[after >= 0])) for before, after in zip(one, other, strict=True)]
    return float(np.mean(counts)) if counts else 0.0


def pair_cosines(vectors: FloatArray, pairs: Sequence[tuple[int, int]]) -> list[float]:
    """The cosine of each pair of rows; those of vectors without a direction are left out."""
    units, defined = unit_vectors(vectors)
    return [float(np.clip(units[i] @ units[j], -1, 1)) for i, j in pairs if defined[i] and defined[j]]


def pairs_within(kinds: Sequence[Any]) -> list[tuple[int, int]]:
    """All pairs (i, j), i < j, of the same kind; None is no kind."""
    places: dict[Any, list[int]] = {}
    for place, kind in enumerate(kinds):
        if not is_missing(kind):
            places.setdefault(kind, []).append(place)
    return [(i, j) for some in places.values() for at, i in enumerate(some) for j in some[at + 1 :]]
