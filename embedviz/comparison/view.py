"""A layer as it is compared: its vectors as captured and post-processed, and which of them have a direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.records import DoubleArray, Embeddings, FloatArray, IntArray
from embedviz.similarity import nearest_units
from embedviz.vectors import BoolArray, check_finite, postprocess, unit_vectors

#: Vectors that differ by less than this share of the largest number are the same: float32 holds seven digits, and the
#: same text in another batch differs in the last one or two.
SAME = 1e-6


@dataclass(frozen=True, eq=False)
class View:
    """A layer's vectors: ``raw`` as captured and ``vectors`` post-processed, both (instances, width) float32.

    ``defined``: which instances have a direction in both; a zero vector has none. ``constant``: the layer gives the
    same vector for every instance, so that nothing can be compared.
    """

    name: str
    raw: FloatArray
    vectors: FloatArray
    defined: BoolArray
    constant: bool
    _nearest: dict[bytes, IntArray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, name: str, embeddings: Embeddings, postprocessing: str) -> View:
        """ProjectionError for NaN or infinity, EmbedvizError for an unknown post-processing."""
        raw = check_finite(embeddings)
        processed = postprocess(embeddings, postprocessing).vectors
        defined: BoolArray = np.logical_and(raw.any(axis=1), processed.any(axis=1))
        return cls(name, raw, processed, defined, _constant(raw))

    def units(self, rows: IntArray) -> DoubleArray:
        return unit_vectors(self.vectors[rows])[0]

    def nearest(self, rows: IntArray, k: int) -> IntArray:
        """The ``k`` nearest of each of ``rows`` among ``rows``: (rows, k) positions in ``rows``, nearest first.

        They are found once, then kept.
        """
        key = rows.tobytes()
        if key not in self._nearest or self._nearest[key].shape[1] < k:
            self._nearest[key] = nearest_units(self.units(rows), k)[0]
        return self._nearest[key][:, :k]


def _constant(raw: FloatArray) -> bool:
    if len(raw) < 2 or not raw.size:
        return True
    spread = (raw.max(axis=0).astype(np.float64) - raw.min(axis=0)).max()
    return bool(spread <= SAME * np.abs(raw).max())


def check_same_instances(captured: Mapping[str, Embeddings]) -> None:
    """ProjectionError that names two layers which are not of the same instances in the same order."""
    layers = list(captured.items())
    for name, embeddings in layers:
        if not isinstance(embeddings, Embeddings):
            raise ProjectionError(
                "Only embeddings can be compared",
                value=f"{name}: {type(embeddings).__name__}",
                remedy="Bring vectors of your own in with Embeddings.from_array(vectors).",
            )
    if not layers:
        return
    first, ids = layers[0][0], layers[0][1].ids
    for name, embeddings in layers[1:]:
        if embeddings.ids == ids:
            continue
        if len(embeddings.ids) != len(ids):
            differ = f"{len(ids)} instances in {first}, {len(embeddings.ids)} in {name}"
        else:
            place = next(place for place, (a, b) in enumerate(zip(ids, embeddings.ids, strict=True)) if a != b)
            differ = f"instance {place + 1} is {ids[place]} in {first}, {embeddings.ids[place]} in {name}"
        raise ProjectionError(
            "Layers can be compared over the same instances in the same order only",
            value=differ,
            remedy="Capture all of them with the same instances.",
        )


def fitting(k: int, instances: int) -> int:
    """How many neighbours to look at: ``k``, or fewer than half of the others where there are few.

    Where everybody is everybody's neighbour, neighbours say nothing. ProjectionError for ``k`` below 1.
    """
    if k < 1:
        raise ProjectionError("At least one neighbour is needed", value=f"k={k}", remedy="Ask for k=1 or more.")
    return min(int(k), max(1, (instances - 1) // 2), max(instances - 1, 0))
