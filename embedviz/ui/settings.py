"""Everything a picture depends on."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

from embedviz.records import Instances
from embedviz.ui.opened import Opened


@dataclass(frozen=True)
class MapSettings:
    """How a map is drawn."""

    method: str = "umap"
    dimensions: int = 2
    seed: int = 0
    parameters: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, eq=False)
class Settings:
    """Everything a picture depends on."""

    opened: Opened
    layer: str
    pooling: str
    postprocessing: str
    instances: Instances
    map: MapSettings = MapSettings()
    #: What is put before each text; None for what the checkpoint itself puts there.
    prompt: str | None = None

    @property
    def vectors_key(self) -> Hashable:
        return ("vectors", self.opened.identity, self.instances.fingerprint, self.layer, self.pooling, self.prompt)

    @property
    def map_key(self) -> Hashable:
        return ("map", self.vectors_key, self.postprocessing, self.map)

    @property
    def pca(self) -> Settings:
        return replace(self, map=MapSettings("pca", self.map.dimensions, self.map.seed))

    def at(self, path: str) -> Settings:
        """The same at another layer, with a pooling that suits it."""
        layer = self.opened.layer(path)
        poolings = self.opened.poolings(layer) if layer is not None else []
        pooling = self.pooling if self.pooling in poolings or not poolings else poolings[0]
        return replace(self, layer=path, pooling=pooling)

    def similarity_key(self, postprocessing: str) -> Hashable:
        return ("similarity", self.vectors_key, postprocessing)

    @property
    def compared(self) -> tuple[str, ...]:
        """The post-processings whose cosines the tables show."""
        return tuple(dict.fromkeys(("none", "centred", self.postprocessing.replace("l2", "none"))))
