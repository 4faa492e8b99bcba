"""Groups of instances as a record, the largest group first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.records import DoubleArray, IntArray

#: With fewer instances a group is one or two of them, and says nothing.
FEWEST = 10


@dataclass(frozen=True, eq=False)
class Groups:
    """``of`` (instances,) is each instance's group, -1 for none. ``names`` and ``medoids`` are one a group, the
    medoid the instance in its middle. ``source`` says in a sentence where the groups come from.
    """

    of: IntArray
    names: tuple[str, ...]
    medoids: tuple[int, ...]
    source: str

    def __len__(self) -> int:
        return len(self.names)


def check_enough(count: int) -> None:
    """ProjectionError for too few instances to be grouped."""
    if count < FEWEST:
        raise ProjectionError(
            f"Groups need at least {FEWEST} instances",
            value=f"{count} that can be grouped",
            remedy="Add instances; of so few, the table of cosines says it all.",
        )


def by_size(labels: IntArray) -> IntArray:
    """Labels renumbered from 0, the largest group first, ties by the first instance; -1 stays."""
    found, first, counts = np.unique(labels[labels >= 0], return_index=True, return_counts=True)
    renumbered = np.full(len(labels), -1, dtype=np.int64)
    for number, place in enumerate(np.lexsort((first, -counts))):
        renumbered[labels == found[place]] = number
    return renumbered


def medoids(rows: DoubleArray, labels: IntArray) -> tuple[int, ...]:
    """The member of each group at the smallest summed squared distance from the others: the nearest to their mean.

    Of unit vectors that is the smallest summed 1 - cosine, too.
    """
    chosen = []
    for group in range(int(labels.max(initial=-1)) + 1):
        members = np.flatnonzero(labels == group)
        apart = rows[members] - rows[members].mean(axis=0)
        chosen.append(int(members[np.einsum("ij,ij->i", apart, apart).argmin()]))
    return tuple(chosen)
