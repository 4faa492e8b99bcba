"""Where new instances fall among those that a map was made from."""

from __future__ import annotations

from dataclasses import dataclass

from embedviz.records.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Landing:
    """Places and neighbours of new instances, which the map was not made from.

    ``coordinates`` is (new, dimensions) float32 and ``indices`` and ``cosines`` (new, k): the nearest instances of the
    map, nearest first. ``kept`` (new,) counts how many of the first ``looked_at`` neighbours are among as many nearest
    on the map. ``rarity`` (new,), in 0..1, is the share of the map's own instances that have a nearer neighbour than
    the new one has: near 1, the map was made of nothing like it. A new vector without a direction has NaN and -1.
    """

    coordinates: FloatArray
    indices: IntArray
    cosines: FloatArray
    kept: IntArray
    looked_at: int
    rarity: FloatArray

    def outside(self, place: int) -> bool:
        """Whether fewer than one in twenty of the map's own instances is as far from all others."""
        return bool(self.rarity[place] > _RARE)


_RARE = 0.95
