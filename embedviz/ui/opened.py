"""What the app knows of an opened checkpoint, and how one is opened."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from embedviz import heads
from embedviz.pooling import AS_TRAINED, suited
from embedviz.records import Finding, Layer, Reads
from embedviz.sessions.session import Summary
from embedviz.ui.jobs import Job
from embedviz.ui.store import store
from embedviz.workers.model_worker import Source
from embedviz.workers.pool import pool


@dataclass(frozen=True, eq=False, kw_only=True)
class Opened(Summary):
    """What the app knows of an opened checkpoint. One is never taken for another, whatever is known of both."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    source: Source
    assumptions: tuple[dict[str, Any], ...] = ()
    #: Under which identity of a session file it goes on; "" where it was opened as itself.
    of_session: str = ""

    def layer(self, path: str) -> Layer | None:
        return self._by_path.get(path) or heads.find(self.layers, path)

    @cached_property
    def _by_path(self) -> dict[str, Layer]:
        return {layer.path: layer for layer in self.layers}

    @cached_property
    def modules(self) -> tuple[Layer, ...]:
        """The layers of the tree: without the parts that a module's output is made of, and what it is given."""
        return tuple(layer for layer in self.layers if not layer.part)

    @property
    def capturable(self) -> list[Layer]:
        return [layer for layer in self.modules if layer.capturable]

    @property
    def identity(self) -> Hashable:
        """Its content and its owner: what one session's worker made is never shown to another session."""
        return (self.of_session or self.source.owner, self.fingerprint)

    @property
    def summary(self) -> Summary:
        """What is known of it without its weights."""
        return Summary(**{each.name: getattr(self, each.name) for each in fields(Summary)})

    def poolings(self, layer: Layer) -> list[str]:
        """The poolings that a layer can be taken with; none where it needs none."""
        return suited(layer, recipe=bool(self.recipe))

    def usual_pooling(self, layer: Layer) -> str:
        """The one that a layer is taken with unless a person says otherwise; "mean" where it needs none."""
        poolings = self.poolings(layer)
        return AS_TRAINED if AS_TRAINED in poolings else next(iter(poolings), "mean")


def open_checkpoint(source: Source, job: Job) -> None:
    """Open ``source`` in its worker and keep what it is."""
    summary = pool().model(source).open(job.progress, job.stopped)
    opened = Opened(
        source=source,
        layers=tuple(_layer(values) for values in summary["layers"]),
        findings=tuple(Finding(**values) for values in summary["findings"]),
        assumptions=tuple(summary["assumptions"]),
        reads=_reads(summary["reads"]),
        **{name: summary[name] for name in _PLAIN},
    )
    store.put(("opened", source), opened, 1000 * len(opened.layers))


_PLAIN = {each.name for each in fields(Summary)} - {"layers", "findings", "reads"}


def of_summary(source: Source, summary: Summary, of_session: str) -> Opened:
    """A checkpoint that is not open, by what a session file says of it."""
    told = {each.name: getattr(summary, each.name) for each in fields(summary)}
    return Opened(source=source, of_session=of_session, **{**told, "prompts": dict(summary.prompts)})


def _layer(values: dict[str, Any]) -> Layer:
    shape = values["shape"]
    # The worker's summary stays as it is: it is read again where what was made of it is no longer kept.
    return Layer(**values | {"shape": None if shape is None else tuple(shape), "positions": tuple(values["positions"])})


def _reads(values: dict[str, Any]) -> Reads:
    listed: dict[str, Any] = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return Reads(**{**values, **listed})


def opened(source: Source) -> Opened | None:
    """What is known of a source that was opened before."""
    found: Opened | None = store.get(("opened", source))
    return found
