"""Who is similar to whom, as tables show it."""

from __future__ import annotations

from dataclasses import dataclass

from embedviz.records.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Likeness:
    """Under one post-processing: (instances, k) neighbours, the extreme pairs, and the mean cosine of all pairs.

    ``most`` and ``least`` are (pairs, 2) places and (pairs,) cosines. ``undefined`` are the places of instances without
    a direction. ``compared`` says of how many instances the pairs are: not of all, where there are very many. Then
    ``indices`` has no rows.
    """

    indices: IntArray
    cosines: FloatArray
    most: tuple[IntArray, FloatArray]
    least: tuple[IntArray, FloatArray]
    crowding: float | None
    undefined: tuple[int, ...]
    compared: int
