"""What a person chose on the Compare page; widgets keep copies, this is what counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from embedviz.workers.model_worker import Source


@dataclass
class Chosen:
    """``layers`` and ``other_layers`` are paths; empty for all blocks. ``pair`` and ``shown`` are names of layers,
    ``usual_pair`` the one that is opened where none is chosen."""

    kind: str = "layers"
    layers: tuple[str, ...] = ()
    other: Source | None = None
    other_layers: tuple[str, ...] = ()
    postprocessing: str = "centred"
    alignment: str = "linked"
    measure: str = "mutual_neighbours"
    pair: tuple[str, str] | None = None
    usual_pair: tuple[str, str] | None = None
    shown: tuple[str, ...] = field(default=())

    def keep_layers(self, paths: tuple[str, ...]) -> None:
        self.layers = paths

    def keep_other_layers(self, paths: tuple[str, ...]) -> None:
        self.other_layers = paths

    def open_pair(self, one: str, other: str) -> None:
        """Turn to two layers: their maps, and who moves between them."""
        self.pair, self.shown = (one, other), tuple(dict.fromkeys((one, other)))
