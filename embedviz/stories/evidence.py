"""What a story is told from: layers of one model over the same instances, and who is near whom in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from embedviz.records import AlignedMaps, FloatArray, Instances, Neighbours, Projection
from embedviz.similarity import mean_cosine, neighbours
from embedviz.stories.story import Provenance, StorySet

#: Neighbours that are looked at.
NEIGHBOURS = 10


@dataclass(frozen=True, eq=False)
class Seen:
    """A layer. ``title`` is what people are told it is called ("layer 3 of 7").

    ``vectors`` is (instances, width) after the post-processing, ``near`` its exact neighbours, nearest first, and
    ``crowding`` the mean cosine of all pairs, None where there are too few. ``pooling`` is the one it was taken with.
    """

    path: str
    title: str
    vectors: FloatArray
    near: Neighbours
    crowding: float | None
    pooling: str = ""

    @classmethod
    def of(cls, path: str, title: str, vectors: FloatArray, pooling: str = "") -> Seen:
        """A layer by its vectors alone."""
        return cls(path, title, vectors, neighbours(vectors, k=NEIGHBOURS), mean_cosine(vectors), pooling)


@dataclass(frozen=True, eq=False)
class Other:
    """Other instances at the same layer, to compare with: (instances, width) vectors."""

    instances: Instances
    vectors: FloatArray


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that a story's sentences and pictures are made of.

    ``instances`` are those of ``shown``, out of ``total``. ``layer`` is the one chosen, ``depth`` some from the first
    to the last. ``projection`` is the chosen layer's map, with each instance's share of kept neighbours in ``shares``;
    ``maps`` are those of ``depth`` by title, None while they are drawn. ``others`` are samples by their keys.
    """

    instances: Instances
    shown: StorySet
    total: int
    layer: Seen
    depth: tuple[Seen, ...]
    source: Provenance
    projection: Projection | None = None
    shares: FloatArray | None = None
    maps: AlignedMaps | None = None
    map_shares: Mapping[str, FloatArray] = field(default_factory=dict)
    others: Mapping[str, Other] = field(default_factory=dict)
