"""What a capture will take, said before it is run: from the probe, and from one small batch that is measured."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embedviz import layers as layer_tree
from embedviz.errors import InstancesError
from embedviz.hooks import forward
from embedviz.modalities import text
from embedviz.modalities.feed import Feed, prepare, text_feed, trial_feed
from embedviz.records import INSTANCES, TOKENS, Instances, Layer
from embedviz.undisturbed import few_threads, undisturbed

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint

#: The batch that is measured: large enough that a batch's own cost hardly shows, small enough for a model of billions.
_INSTANCES, _TOKENS = 8, 32
#: Above so many seconds, or this share of the free memory, it is said what to leave out.
_LONG, _MUCH = 60.0, 0.5


@dataclass(frozen=True)
class Cost:
    """Seconds and bytes a capture will take, and what to leave out where that is much ("" where it is not).

    ``work`` is what the instances weigh: their tokens, padding left aside, or their numbers.
    """

    seconds: float
    memory: int
    work: int
    advice: str = ""


def estimate_cost(
    checkpoint: Checkpoint,
    instances: Instances | Sequence[Any],
    layers: Sequence[str] | None = None,
    poolings: Sequence[str] = ("mean",),
) -> Cost:
    """What ``capture`` of these will take, the pass ending after the last of ``layers`` (None: the recommended one)."""
    from embedviz.capture import as_instances

    given = as_instances(instances, checkpoint)
    paths = [checkpoint.recommended.path] if layers is None else list(layers)
    chosen = [layer_tree.find(checkpoint.layers, path, insist=True) for path in dict.fromkeys(paths)]
    unique = list(dict.fromkeys(given.items))
    work = int(prepare(checkpoint, unique).weights.sum())
    seconds = work * pace(checkpoint) * depth(checkpoint, chosen)
    memory = 4 * len(unique) * len(poolings) * sum(layer.width for layer in chosen) + _batch(chosen)
    return Cost(seconds, memory, work, _advice(seconds, memory, len(given), len(chosen)))


def _batch(layers: Sequence[Layer]) -> int:
    """Bytes of the largest output of one batch."""
    sizes = [np.prod([axis for axis in layer.shape or () if isinstance(axis, int)], dtype=np.int64) for layer in layers]
    return 4 * text.TOKEN_BUDGET * int(max(sizes, default=0))


def depth(checkpoint: Checkpoint, layers: Sequence[Layer]) -> float:
    """The share of the model's calls that a pass makes until the last of ``layers``."""
    orders = [layer.order for layer in checkpoint.layers if layer.order is not None]
    last = max((layer.order or 0 for layer in layers), default=0)
    return (last + 1) / (max(orders, default=0) + 1)


def pace(checkpoint: Checkpoint) -> float:
    """Seconds a token (or a number of an array) of a whole pass; measured once and kept on the checkpoint."""
    if checkpoint.pace is None:
        feed = _measured(checkpoint)
        with checkpoint.lock, few_threads(checkpoint.model), undisturbed(checkpoint.model):
            took = min(_timed(checkpoint, feed) for _ in range(2))
        weight = feed.sizes[INSTANCES] * feed.sizes[TOKENS] if TOKENS in feed.sizes else feed.numbers
        checkpoint.pace = took / max(1, weight)
    return checkpoint.pace


def _timed(checkpoint: Checkpoint, feed: Feed) -> float:
    import torch

    started = time.perf_counter()
    forward(checkpoint, feed)
    if torch.cuda.is_available():
        torch.cuda.synchronize()  # a GPU is only told what to do, and does it later
    return time.perf_counter() - started


def _measured(checkpoint: Checkpoint) -> Feed:
    reads = checkpoint.inputs
    if reads.modality == "text":
        tokens = min(_TOKENS, checkpoint.max_tokens)
        return text_feed(text.probe_batch(checkpoint, _INSTANCES, tokens), checkpoint)
    if reads.modality in ("tensors", "images"):
        return trial_feed(checkpoint, reads, _INSTANCES, checkpoint.trial_lengths[1])
    raise InstancesError(f"Nothing can be given to this model: it reads {reads.text}", value=checkpoint.name)


def _advice(seconds: float, memory: int, instances: int, layers: int) -> str:
    from embedviz.workers.limits import memory_left

    told = []
    if seconds > _LONG:
        told.append(f"The first {max(1, int(instances * _LONG / seconds)):,} instances take about a minute.")
    free = memory_left()
    if free and memory > _MUCH * free:
        told.append(
            f"The vectors would take {memory / 2**30:.1f} of {free / 2**30:.1f} GiB: "
            + ("take fewer layers, or " if layers > 1 else "take fewer instances, or ")
            + "write them to a file (`embedviz embed`)."
        )
    return " ".join(told)
