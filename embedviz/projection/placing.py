"""New instances on a map that stays as it is: placed by their true neighbours there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from embedviz.errors import ProjectionError
from embedviz.moments import Moments, postprocess_part
from embedviz.projection.quality import nearness_on_map
from embedviz.records import DoubleArray, FloatArray, IntArray, Landing, Projection
from embedviz.similarity import largest, neighbours, rounded_cosines
from embedviz.vectors import BoolArray, check_finite, unit_vectors

#: By so many of its true neighbours an instance is placed: as many as UMAP's maps are made of.
_PLACED_BY = 15
#: Neighbours of which it is said how many are beside it on the map.
LOOKED_AT = 10
_ROUNDS, _STILL = 100, 1e-6
#: Above this cosine two vectors are one, rounding apart.
_SAME = 1 - 1e-6


@dataclass(frozen=True, eq=False)
class Ground:
    """What a map was made from, ready for new instances to land on.

    ``vectors`` are (instances, width) as captured, ``postprocessing`` what was done to them before they were drawn.
    ``nearest`` (instances,) are their cosines to the nearest of the others, found where they are not given.
    """

    vectors: FloatArray
    projection: Projection
    postprocessing: str = "none"
    nearest: FloatArray | None = None

    def __post_init__(self) -> None:
        if len(self.projection.coordinates) != len(check_finite(self.vectors)):
            raise ProjectionError(
                "The map and the vectors do not belong together",
                value=f"{len(self.projection.coordinates)} places, {len(self.vectors)} vectors",
                remedy="Give the vectors that the map was made from.",
            )

    @cached_property
    def _moments(self) -> Moments:
        moments = Moments()
        moments.add(self.vectors)
        return moments

    @cached_property
    def _rows(self) -> FloatArray:
        return postprocess_part(self.vectors, self.postprocessing, self._moments)

    @cached_property
    def _units(self) -> tuple[DoubleArray, BoolArray]:
        return unit_vectors(self._rows)

    @cached_property
    def _own(self) -> npt.NDArray[np.floating]:
        """The cosines of the map's own instances to their nearest, in order; of those that have one."""
        own = neighbours(self._rows, k=1).cosines[:, :1].ravel() if self.nearest is None else self.nearest
        return np.sort(own[np.isfinite(own)])

    @cached_property
    def _axes(self) -> DoubleArray:
        """The (width, dimensions) axes of a PCA, which its coordinates tell: centred rows times axes give them."""
        rows, places = self._rows.astype(np.float64), self.projection.coordinates.astype(np.float64)
        drawn = np.isfinite(places).all(axis=1) & self._units[1]
        axes: DoubleArray = np.linalg.lstsq(rows[drawn] - rows[drawn].mean(axis=0), places[drawn], rcond=None)[0]
        return axes

    def land(self, vectors: npt.ArrayLike, k: int = 30) -> Landing:
        """Where new vectors (new, width), as captured, fall among those of the map.

        On a PCA where the same axes put them. On any other map at the middle (the geometric median) of the places of
        their 15 true neighbours, the nearer counting more: of held-out dictionary definitions it keeps as many
        neighbours beside them as UMAP's own transform. ProjectionError for another width, NaN or infinity.
        """
        new = np.asarray(vectors, dtype=np.float32)
        if new.ndim != 2 or new.shape[1] != self.vectors.shape[1]:
            raise ProjectionError(
                "New vectors must be as wide as those of the map",
                value=f"{new.shape}, not (any, {self.vectors.shape[1]})",
                remedy="Capture them at the same layer of the same model, with the same pooling.",
            )
        rows = postprocess_part(check_finite(new), self.postprocessing, self._moments)
        units, pointing = unit_vectors(rows)
        known, defined = self._units
        found = min(k, int(defined.sum()))
        indices = np.full((len(new), found), -1, dtype=np.int64)
        cosines = np.full((len(new), found), np.nan)
        if found and pointing.any():
            scores = np.where(defined, rounded_cosines(units[pointing], known), -np.inf)
            indices[pointing] = largest(scores, found)
            cosines[pointing] = np.take_along_axis(scores, indices[pointing], axis=1)
        places = self._places(rows, pointing, indices, cosines)
        looked_at = min(LOOKED_AT, found)
        return Landing(
            places.astype(np.float32),
            indices,
            cosines.astype(np.float32),
            self._kept(places, indices[:, :looked_at]),
            looked_at,
            self._rarity(cosines),
        )

    def cosines(self, vectors: npt.ArrayLike, place: int) -> FloatArray:
        """Cosines (new,) of new vectors, as captured, with the instance at ``place``; NaN without a direction."""
        rows = postprocess_part(np.asarray(vectors, dtype=np.float32), self.postprocessing, self._moments)
        units, pointing = unit_vectors(rows)
        known, defined = self._units
        found = rounded_cosines(units, known[place : place + 1])[:, 0]
        return np.where(pointing & defined[place], found, np.nan).astype(np.float32)

    def _places(self, rows: FloatArray, pointing: BoolArray, indices: IntArray, cosines: DoubleArray) -> DoubleArray:
        drawn = self.projection.coordinates.astype(np.float64)
        places = np.full((len(rows), drawn.shape[1]), np.nan)
        if self.projection.method == "pca":
            there = np.isfinite(drawn).all(axis=1) & self._units[1]
            centre = self._rows[there].astype(np.float64).mean(axis=0)
            places[pointing] = (rows[pointing] - centre) @ self._axes + drawn[there].mean(axis=0)
            return places
        for row in np.flatnonzero(pointing & (indices.shape[1] > 0)):
            beside = drawn[indices[row]]
            usable = np.flatnonzero(np.isfinite(beside).all(axis=1))[:_PLACED_BY]
            if len(usable):
                places[row] = _middle(beside[usable], cosines[row][usable])
        return places

    def _kept(self, places: DoubleArray, near: IntArray) -> IntArray:
        drawn = self.projection.coordinates.astype(np.float64)
        kept = np.zeros(len(places), dtype=np.int64)
        for row in np.flatnonzero(np.isfinite(places).all(axis=1) & (near.shape[1] > 0)):
            nearness = np.where(np.isfinite(drawn).all(axis=1), nearness_on_map(places[row : row + 1], drawn), -np.inf)
            kept[row] = len(np.intersect1d(largest(nearness, near.shape[1])[0], near[row]))
        return kept

    def _rarity(self, cosines: DoubleArray) -> FloatArray:
        if not cosines.shape[1] or not len(self._own):
            return np.full(len(cosines), np.nan, dtype=np.float32)
        # As near as the nearest of another, rounding apart, is not farther.
        farther = np.searchsorted(self._own, cosines[:, 0] + 1e-6)
        return np.where(np.isnan(cosines[:, 0]), np.nan, 1 - farther / len(self._own)).astype(np.float32)


def _middle(places: DoubleArray, cosines: DoubleArray) -> DoubleArray:
    """The geometric median of ``places``, nearest first, which a few far ones do not pull away (Weiszfeld's way)."""
    if cosines[0] >= _SAME:
        return np.asarray(places[0])
    gaps = cosines[0] - cosines
    weights = np.exp(-gaps / max(float(gaps.mean()), 1e-9))
    middle = np.asarray(np.average(places, axis=0, weights=weights))
    scale = float(np.ptp(places, axis=0).max()) or 1.0
    for _ in range(_ROUNDS):
        pull = weights / np.maximum(np.linalg.norm(places - middle, axis=1), 1e-9 * scale)
        moved = np.asarray(np.average(places, axis=0, weights=pull))
        if np.abs(moved - middle).max() < _STILL * scale:
            return moved
        middle = moved
    return middle
