"""The vectors of a whole file of instances, however long it is: a chunk at a time, kept as they come, gone on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz.errors import ExportError
from embedviz.export.formats import check_layers
from embedviz.export.joined import Joined
from embedviz.export.output import Output
from embedviz.export.store import Store
from embedviz.modalities.held import HeldInstances
from embedviz.modalities.stream import InstanceStream
from embedviz.moments import streamed
from embedviz.vectors import check_finite, zero_note

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint
    from embedviz.records import Embeddings, Instances

#: Called with how many of the file's rows are done, blank ones too, and whether an earlier run did the last of them.
Done = Callable[[int, bool], None]
_MOST_NOTES = 5


@dataclass(frozen=True)
class Written:
    """What a run wrote. ``width``, ``layer`` and ``pooling`` are those of each column of vectors; ``files`` its files.

    ``computed`` counts the instances that went through the model this time, ``dropped`` the rows without a text, and
    ``cut`` the texts that were longer than the model takes.
    """

    files: tuple[Path, ...]
    rows: int
    computed: int
    vectors: dict[str, dict[str, Any]]
    dropped: int
    cut: int
    notes: tuple[str, ...]


@dataclass
class Run:
    """One run: a checkpoint, a file of instances, and what is to be written about them.

    ``layers`` are dotted paths. Raises, before anything is computed, EmbedvizError for a post-processing that there is
    not and ExportError for a kind of file that does not hold so many layers.
    """

    checkpoint: Checkpoint
    stream: InstanceStream | HeldInstances
    output: Output
    layers: Sequence[str]
    pooling: str
    postprocessing: str = "none"
    insist: bool = False
    prompt: str | None = None

    def __post_init__(self) -> None:
        self.layers = list(dict.fromkeys(self.layers))
        check_layers(self.output.path.suffix, len(self.layers))
        check_postprocessing(self.postprocessing)

    def store(self, *, restart: bool = False) -> Store:
        """The parts that there are of this run, to be used in ``with``."""
        import torch
        import transformers

        from embedviz import __version__

        settings = {
            "checkpoint": self.checkpoint.fingerprint,
            "layers": list(self.layers),
            "pooling": self.pooling,
            "prompt": self.prompt,
            "size": self.stream.size,
            "sha256": self.stream.sha256,
            "text": self.stream.text,
            "columns": list(self.stream.columns),
            "chunk": self.stream.chunk,
            "embedviz": __version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        }
        return Store(self.output.parts, settings, restart=restart)

    def write(self, store: Store, done: Done | None = None) -> Written:
        """Compute the parts that are missing, then join all. Whatever ends it, the parts that are whole stay."""
        computed, dropped = self._compute(store, done or (lambda *_: None))
        cut = sum(part.cut for part in store.parts)
        about = self._about(store.settings, store.kept, dropped, cut)
        joined = Joined(store.parts, self.postprocessing, about)
        told = {name: dict(values) for name, values in joined.vectors.items()}
        notes = list(dict.fromkeys(note for part in joined.parts for note in part.notes))
        more = [f"… and {len(notes) - _MOST_NOTES} more of the like"] if len(notes) > _MOST_NOTES else []
        files = self.output.write(joined, store)
        zeros = [note for count in joined.zeros.values() for note in zero_note(count, joined.rows)]
        said = (*notes[:_MOST_NOTES], *more, *zeros)
        return Written(tuple(files), joined.rows, computed, told, dropped, cut, said)

    def _compute(self, store: Store, done: Done) -> tuple[int, int]:
        """How many instances went through the model, and how many rows had no text."""
        passed = computed = dropped = 0
        for number, instances in enumerate(self.stream, start=1):
            rows, dropped = len(instances) + instances.dropped, dropped + instances.dropped
            missing = len(instances) > 0 and not store.has(number, len(instances))
            if missing:
                store.write(number, instances, self._captured(instances, passed, done))
                computed += len(instances)
            passed += rows
            done(passed, not missing)
        return computed, dropped

    def _captured(self, instances: Instances, passed: int, done: Done) -> dict[str, Embeddings]:
        from embedviz.capture import capture

        captured = capture(
            self.checkpoint,
            instances,
            list(self.layers),
            self.pooling,
            insist=self.insist,
            prompt=self.prompt,
            progress=lambda count, _: done(passed + count, False),
        )
        if self.postprocessing != "none":
            for embeddings in captured.values():
                check_finite(embeddings)
        return captured

    def _about(self, settings: dict[str, Any], rows: int, dropped: int, cut: int) -> dict[str, Any]:
        """What the file says about itself: nothing that would differ if the same were computed again."""
        stream = self.stream
        return {
            "checkpoint": {"name": self.checkpoint.name, "fingerprint": self.checkpoint.fingerprint},
            "layers": list(self.layers),
            "pooling": self.pooling,
            "prompt": self.prompt,
            "postprocessing": self.postprocessing,
            "instances": {"name": stream.name, "size": stream.size, "sha256": stream.sha256, "text": stream.text},
            "rows": rows,
            "without_text": dropped,
            "cut": cut,
            "versions": {name: settings[name] for name in ("embedviz", "torch", "transformers")},
        }


def check_postprocessing(name: str) -> None:
    """EmbedvizError for a post-processing that there is not, or that needs all vectors in memory at once."""
    if not streamed(name):
        raise ExportError(
            "This post-processing needs all vectors in memory at once",
            value=name,
            remedy="Write them with --postprocessing none, and process them afterwards.",
        )
