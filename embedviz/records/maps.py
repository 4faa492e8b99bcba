"""Embeddings drawn, and how far a drawing can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedviz.records.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Projection:
    """Embeddings drawn in 2-D or 3-D.

    ``coordinates`` is (instances, 2 or 3) float32. ``trust`` is the trustworthiness in 0..1 and ``kept`` the share
    of true nearest neighbours that are neighbours on the map; both None where there are too few instances to say.
    ``method`` is the method that was really used and ``note`` says why where it is not the one asked for.
    """

    coordinates: FloatArray
    method: str
    parameters: Mapping[str, Any]
    seed: int
    trust: float | None = None
    kept: float | None = None
    note: str = ""

    @property
    def dimensions(self) -> int:
        return int(self.coordinates.shape[1])


@dataclass(frozen=True, eq=False)
class AlignedMaps:
    """The same instances under several layers, drawn so that they can be laid side by side: layer → Projection.

    ``alignment`` is "linked" (one fit of all layers at once) or "independent" (a fit each, turned onto the one before).
    ``drift`` is the median move between consecutive maps, in standard deviations of the map. ``faithfulness`` is
    Spearman's correlation of how far each instance moves from the first to the last map with how many of its true
    neighbours change: near 0, movement is noise. Both are None where there are too few maps or instances to say.
    """

    maps: Mapping[str, Projection]
    alignment: str
    drift: float | None = None
    faithfulness: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Quality:
    """``trust`` (trustworthiness) and ``kept`` (share of true neighbours that are neighbours on the map), in 0..1.

    Both are None where there are too few instances to say. ``k`` neighbours were looked at; chance would keep
    ``chance``.
    """

    trust: float | None
    kept: float | None
    k: int
    chance: float | None = None


@dataclass(frozen=True, eq=False)
class OddPairs:
    """Pairs about which a map and the cosines disagree, the worst first.

    ``places`` is (pairs, 2), ``cosines`` (pairs,), and ``ranks`` (pairs,) says at which place, from 1, the one stands
    among the other's neighbours in the space that disagrees.
    """

    places: IntArray
    cosines: FloatArray
    ranks: IntArray

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, eq=False)
class Trust:
    """How far a map can be trusted, as a whole and point by point.

    ``quality`` is of the whole map, and ``baselines`` the same of maps to compare it with: "pca" and "random".
    ``shares`` is (instances,), in 0..1: how many of each one's true neighbours are its neighbours on the map; NaN
    where that was not measured. ``near`` are neighbours on the map that are strangers in truth (``ranks``: true ones),
    ``far`` each other's truly nearest that are no neighbours on the map (``ranks``: on the map). ``note`` says of how
    many instances this was taken, where it was not all, or why nothing can be said.
    """

    quality: Quality
    baselines: Mapping[str, Quality]
    shares: FloatArray
    near: OddPairs
    far: OddPairs
    note: str = ""


@dataclass(frozen=True, eq=False)
class DrawnNeighbours:
    """Some neighbours of one instance, all (neighbours,): which, their cosines, and their ranks, from 1, among all
    its neighbours on the map and in truth."""

    indices: IntArray
    cosines: FloatArray
    map_ranks: IntArray
    true_ranks: IntArray

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True, eq=False)
class PointTrust:
    """What a map makes of one instance's ``k`` neighbours: ``kept`` of them are beside it.

    ``false`` are beside it on the map only, the nearest there first; ``missing`` are its true neighbours drawn
    elsewhere, the nearest in truth first. An instance without a direction or without a place has ``k`` 0.
    """

    kept: int
    k: int
    false: DrawnNeighbours
    missing: DrawnNeighbours


@dataclass(frozen=True, eq=False)
class Stability:
    """What stays of a map when it is drawn again with other ``seeds``.

    ``stays`` is the share in 0..1 of neighbours on the map that are neighbours there again, over all instances and
    seeds; ``shares`` (instances,) the same of each instance, NaN where it has no place. ``chance`` would keep so many.
    ``fixed``: the method draws the same picture whatever the seed. ``note`` says why where nothing can be said.
    """

    stays: float | None
    shares: FloatArray
    seeds: tuple[int, ...]
    k: int
    chance: float | None = None
    fixed: bool = False
    note: str = ""
