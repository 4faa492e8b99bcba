"""The hook engine: one pass over the instances for all wanted layers, pooled as the model runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from embedviz import layers as layer_tree
from embedviz.catch import Catch, Events, plan
from embedviz.checkpoints.checkpoint import unreadable
from embedviz.cost import depth
from embedviz.devices import Placed
from embedviz.errors import Cancelled, CaptureError, EmbedvizError, InstancesError, first_line, want_of_memory
from embedviz.hooks import forward, hooked
from embedviz.modalities.feed import Prepared, prepare
from embedviz.modalities.items import instances_of
from embedviz.records import Embeddings, Instances, IntArray, Layer
from embedviz.threads import Threads
from embedviz.undisturbed import undisturbed

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint

#: Called with (instances done, instances in all) after each batch; raising in it stops the run.
Progress = Callable[[int, int], None]
#: From so many batches on, a run tells how long the next one will take.
_TELLING = 4
#: How many are run again in another order.
_FEW = 4
#: A vector that changes by more than this share of its length when its instance is run alone depends on its batch.
_DEPENDS = {"float32": 1e-3, "bfloat16": 0.05, "float16": 0.02}


def capture(
    checkpoint: Checkpoint,
    instances: Instances | Sequence[Any],
    layers: Sequence[str] | None = None,
    pooling: str = "mean",
    *,
    insist: bool = False,
    progress: Progress | None = None,
    prompt: str | None = None,
    device: str = "auto",
    precision: str = "float32",
) -> dict[str, Embeddings]:
    """The embeddings of the instances at each layer: path → Embeddings, ``vectors`` (instances, width) float32.

    ``instances`` are texts, pairs of texts or lists of token ids; arrays; or pictures (bytes or paths): what the model
    reads (``checkpoint.inputs``). ``layers`` are paths (None: the recommended one): ``encoder.layer.3``, a later call
    ``…#2``, ``…:input``, ``…query:head3``. ``insist``: take layers with random parameters too. ``prompt`` is put
    before each text in place of the checkpoint's own. ``device``: "auto" (cuda, mps, cpu in this order) or one of
    them. ``precision``: "float32", or "half" where the hardware has it; a note on the result says so.

    Raises LayerError for a layer that does not exist, cannot be captured or is random, InstancesError for no or
    unusable instances, CaptureError where the model itself fails. Where ``progress`` raises Cancelled, the error's
    ``kept`` holds what was done until then. The model is left as it was: its hooks, training flags and buffers.
    """
    wanted = [checkpoint.recommended.path] if layers is None else list(layers)
    caught = capture_all(
        checkpoint,
        instances,
        wanted,
        [pooling],
        insist=insist,
        progress=progress,
        prompt=prompt,
        device=device,
        precision=precision,
    )
    return {path: caught[path, pooling] for path in wanted}


def capture_all(
    checkpoint: Checkpoint,
    instances: Instances | Sequence[Any],
    layers: Sequence[str],
    poolings: Sequence[str],
    *,
    insist: bool = False,
    progress: Progress | None = None,
    prompt: str | None = None,
    device: str = "auto",
    precision: str = "float32",
) -> dict[tuple[str, str], Embeddings]:
    """As ``capture``, for several poolings in the same pass: (path, pooling) → Embeddings."""
    given = as_instances(instances, checkpoint)
    chosen = [layer_tree.find(checkpoint.layers, path, insist=insist) for path in dict.fromkeys(layers)]
    if not chosen:
        raise EmbedvizError("No layer was asked for", remedy="Name at least one.")
    unique = {item: place for place, item in enumerate(dict.fromkeys(given.items))}
    back = np.array([unique[item] for item in given.items], dtype=np.int64)
    prepared = prepare(checkpoint, list(unique), prompt)
    run = Run(checkpoint, prepared, chosen, poolings, len(unique), Placed(checkpoint.model, device, precision))
    weights = np.bincount(back, minlength=len(unique))
    try:
        with checkpoint.lock:
            run.all(_counted(progress, weights, len(given)))
            run.check()
    except Cancelled as error:
        error.kept = run.embeddings(given, back) if run.done.any() else None
        raise
    return run.embeddings(given, back)


def as_instances(instances: Instances | Sequence[Any], checkpoint: Checkpoint) -> Instances:
    """What a caller passed as Instances. InstancesError where there are none, or one is of the wrong kind."""
    reads = checkpoint.inputs
    if reads.modality not in ("text", "tensors", "images"):
        raise InstancesError(
            unreadable(checkpoint), value=checkpoint.name, remedy="The doctor's page says what is missing."
        )
    if not isinstance(instances, Instances):
        instances = instances_of(instances, reads)
    if not len(instances):
        raise InstancesError("There are no instances", remedy="Give at least one.")
    if instances.modality != reads.modality:
        raise InstancesError(
            f"These instances are {instances.modality}, and the model reads {reads.text}",
            value=instances.name or None,
            remedy="Bring instances of that kind, or say what the model reads.",
        )
    return instances


@dataclass
class Run:
    """One pass over prepared instances: which are done, and what was caught of them."""

    checkpoint: Checkpoint
    prepared: Prepared
    layers: list[Layer]
    poolings: Sequence[str]
    count: int
    placed: Placed
    notes: dict[str, str] = field(default_factory=dict)
    #: How far vectors were from those in other company, as a share of their length, by layer.
    apart: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.catches = plan(self.checkpoint, self.layers, self.poolings, self.count)
        self.done = np.zeros(self.count, dtype=bool)
        self.together = np.ones(self.count, dtype=np.int64)

    def all(self, progress: Callable[[IntArray], None]) -> None:
        """Catch every instance, batch by batch."""
        batches = list(self.prepared.batches(self.placed.budget))
        threads = Threads(self.checkpoint, len(batches))
        started = time.perf_counter()
        with self._ready(self.catches) as events, threads:
            progress(np.array([], dtype=np.int64))
            for rows in batches:
                with threads.timed(int(self.prepared.weights[rows].sum())):
                    self._batch(events, rows)
                self.together[rows] = len(rows)
                self.done[rows] = True
                progress(rows)
        if len(batches) >= _TELLING:
            # A real run tells the pace better than any trial.
            share = depth(self.checkpoint, self.layers)
            self.checkpoint.pace = (time.perf_counter() - started) / max(1, int(self.prepared.weights.sum())) / share

    def check(self) -> None:
        """Run some of the batched instances again in other company; note what depends on it.

        The shortest and the longest alone, and a few of the shortest together, in another order.
        """
        batched = np.flatnonzero(self.together > 1)
        if not len(batched):
            return
        weights = self.prepared.weights[batched]
        alone = dict.fromkeys([int(batched[weights.argmin()]), int(batched[weights.argmax()])])
        low = batched[weights == weights.min()]
        few = low[np.unique(np.linspace(len(low) - 1, 0, _FEW).astype(np.int64))[::-1]]
        again = plan(self.checkpoint, self.layers, self.poolings, self.count)
        with self._ready(again) as events:
            for rows in [*([row] for row in alone), *([few] if len(few) > 1 else [])]:
                self._compare(again, events, np.array(rows, dtype=np.int64))

    def _compare(self, again: list[Catch], events: Events, rows: IntArray) -> None:
        """Catch ``rows`` by themselves into ``again``, and note the layers at which they come out otherwise."""
        try:
            self._batch(events, rows)
        except CaptureError as error:
            for layer in self.layers:
                told = (
                    f"Whether the vectors depend on their batch could not be seen: {self.prepared.told(rows)} by "
                    f"themselves did not go through. {error.what}."
                )
                self.notes.setdefault(layer.path, told)
            return
        for catch, other in zip(self.catches, again, strict=True):
            now = max(_difference(catch.rows[name][rows], other.rows[name][rows]) for name in catch.rows)
            apart = self.apart[catch.layer.path] = max(now, self.apart.get(catch.layer.path, 0.0))
            if apart > _DEPENDS[self.placed.dtype]:
                self.notes[catch.layer.path] = (
                    f"The vectors depend on their batch: an instance gives another vector in other company, by "
                    f"{apart:.0%} of its length. The model mixes the instances of a batch, or draws at random."
                )

    @contextlib.contextmanager
    def _ready(self, catches: list[Catch]) -> Iterator[Events]:
        """The model in eval mode, in its place, and hooked for these catches."""
        events = Events(self.checkpoint, catches)
        with (
            undisturbed(self.checkpoint.model),
            self.placed,
            hooked(events.modules, events.see, events.see_input, into=events.into),
        ):
            yield events

    def _batch(self, events: Events, rows: IntArray) -> None:
        """Catch one batch; where memory runs out, its two halves."""
        try:
            feed = self.placed.feed(self.prepared.feed(rows))
            events.begin(feed, rows)
            with self.placed.autocast():
                forward(self.checkpoint, feed)
            events.end()
        except EmbedvizError:
            raise
        except Exception as error:
            if not want_of_memory(error):
                raise CaptureError(
                    f"The model failed on {self.prepared.told(rows)} ({first_line(error)})",
                    value=self.checkpoint.name,
                    remedy="Try fewer or shorter instances; if it stays, the model and its configuration do not fit.",
                ) from error
            if len(rows) == 1:
                raise CaptureError(
                    f"There is not enough memory for {self.prepared.told(rows)}, one alone",
                    value=self.checkpoint.name,
                    remedy="Leave out the longest instances, or use a machine with more memory.",
                ) from error
            self.placed.free()
            for half in np.array_split(rows, 2):
                self._batch(events, half)

    def embeddings(self, given: Instances, back: IntArray) -> dict[tuple[str, str], Embeddings]:
        """What was caught of the instances that are done, repeats put back in their places."""
        places = np.flatnonzero(self.done[back])
        return {
            (catch.layer.path, name): self._embeddings(catch, name, given, back, places)
            for catch in self.catches
            for name in self.poolings
        }

    def _embeddings(self, catch: Catch, name: str, given: Instances, back: IntArray, places: IntArray) -> Embeddings:
        rows = back[places]
        vectors = catch.rows[name][rows]
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        ids = tuple(given.ids[place] for place in places)
        notes = [self.notes.get(catch.layer.path, ""), self.placed.note]
        if len(bad):
            notes.append(f"{len(bad)} instances hold values that are not finite, first {ids[bad[0]]}")
        tokens, cut = self.prepared.tokens, self.prepared.cut
        labels = given.labels
        return Embeddings(
            vectors=vectors,
            ids=ids,
            labels=None if labels is None else tuple(labels[place] for place in places),
            layer=catch.layer.path,
            pooling=name if catch.layer.positions else "none needed",
            checkpoint=self.checkpoint.fingerprint,
            tokens=None if tokens is None else tokens[rows],
            cut=None if cut is None else cut[rows],
            notes=tuple(note for note in notes if note),
        )


def _difference(one: Any, other: Any) -> float:
    """The largest difference of two vectors as a share of the longer one; 0 where either is not finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        length = np.maximum(np.maximum(np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1)), 1e-12)
        shares = np.linalg.norm(one - other, axis=1) / length
    return float(np.nan_to_num(shares, nan=0.0, posinf=0.0).max())


def _counted(progress: Progress | None, weights: IntArray, total: int) -> Callable[[IntArray], None]:
    done = 0

    def count(rows: IntArray) -> None:
        nonlocal done
        done += int(weights[rows].sum())
        if progress is not None:
            progress(done, total)

    return count
