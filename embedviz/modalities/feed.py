"""How instances reach a model: prepared once, cut into batches, and handed over as its forward() wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from embedviz.axes import STEPS
from embedviz.errors import InstancesError
from embedviz.modalities import text
from embedviz.modalities.items import arrays_of
from embedviz.records import INSTANCES, TOKENS, IntArray, Reads

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint

#: The side of a picture for a model that takes any.
_USUAL_SIDE = 224
#: Numbers a batch of arrays may hold, and instances; pictures of 224 × 224 come in batches of 13.
_MOST_VALUES, _MOST_TOGETHER = 2_000_000, 64


@dataclass(frozen=True)
class Feed:
    """One batch: what forward() is given by place and by name, and how many instances, tokens, … it has.

    ``mask`` is (instances, tokens), True for real tokens; None where nothing is padded.
    """

    sizes: Mapping[str, int]
    given: tuple[torch.Tensor, ...] = ()
    named: Mapping[str, torch.Tensor] = field(default_factory=dict)
    mask: torch.Tensor | None = None

    @property
    def numbers(self) -> int:
        """How many numbers the model is given."""
        return sum(tensor.numel() for tensor in (*self.given, *self.named.values()))

    def to(self, device: torch.device) -> Feed:
        """The same on another device."""
        return Feed(
            self.sizes,
            tuple(tensor.to(device) for tensor in self.given),
            {name: tensor.to(device) for name, tensor in self.named.items()},
            None if self.mask is None else self.mask.to(device),
        )


class Prepared(Protocol):
    """Instances made ready for one model. ``tokens`` and ``cut`` are as in Embeddings."""

    @property
    def tokens(self) -> IntArray | None: ...
    @property
    def cut(self) -> IntArray | None: ...
    @property
    def weights(self) -> IntArray:
        """What each instance costs, against the others: its tokens, or its numbers."""

    def batches(self, budget: int = 0) -> Iterator[IntArray]:
        """Indices of the instances of each batch. ``budget``: tokens a batch (0: what suits a processor)."""

    def feed(self, rows: IntArray) -> Feed: ...

    def told(self, rows: IntArray) -> str:
        """What these instances are, for a message: "3 instances of up to 12 tokens"."""


@dataclass(frozen=True)
class Texts:
    """Texts as tokens."""

    checkpoint: Checkpoint
    tokenised: text.Tokenised

    @property
    def tokens(self) -> IntArray:
        return self.tokenised.lengths

    @property
    def cut(self) -> IntArray:
        return self.tokenised.cut

    @property
    def weights(self) -> IntArray:
        return self.tokenised.lengths

    def batches(self, budget: int = 0) -> Iterator[IntArray]:
        return text.batches(self.tokenised, budget or text.TOKEN_BUDGET)

    def feed(self, rows: IntArray) -> Feed:
        return text_feed(text.pad(self.tokenised, rows, self.checkpoint), self.checkpoint)

    def told(self, rows: IntArray) -> str:
        return f"{len(rows)} instances of up to {int(self.tokens[rows].max())} tokens"


def text_feed(batch: Mapping[str, torch.Tensor], checkpoint: Checkpoint) -> Feed:
    """A batch of padded token ids; a model that takes no mask is not given one."""
    mask = batch["attention_mask"]
    sizes = {INSTANCES: mask.shape[0], TOKENS: mask.shape[1]}
    known = checkpoint.arguments
    takes_any = any(known.values())
    named = {name: tensor for name, tensor in batch.items() if name in known or takes_any}
    if "input_ids" in named:
        return Feed(sizes, (), named, mask.bool())
    return Feed(sizes, (batch["input_ids"],), named, mask.bool())


@dataclass(frozen=True)
class Arrays:
    """Arrays of numbers, made of the items a batch at a time; only arrays of one shape share a batch."""

    reads: Reads
    shapes: Sequence[tuple[int, ...]]
    load: Callable[[IntArray], npt.NDArray[Any]]
    name: str = ""
    tokens: None = None
    cut: None = None

    @property
    def weights(self) -> IntArray:
        return np.array([max(1, int(np.prod(shape))) for shape in self.shapes], dtype=np.int64)

    def batches(self, budget: int = 0) -> Iterator[IntArray]:
        alike: dict[tuple[int, ...], list[int]] = {}
        for place, shape in enumerate(self.shapes):
            alike.setdefault(shape, []).append(place)
        for shape, places in sorted(alike.items(), key=lambda entry: -int(np.prod(entry[0]))):
            most = max(1, min(_MOST_TOGETHER, _MOST_VALUES // max(1, int(np.prod(shape)))))
            for start in range(0, len(places), most):
                yield np.array(places[start : start + most], dtype=np.int64)

    def feed(self, rows: IntArray) -> Feed:
        return array_feed(self.load(rows), self.reads, self.name)

    def told(self, rows: IntArray) -> str:
        return f"{len(rows)} instances of {' × '.join(map(str, self.shapes[int(rows[0])])) or 'one number'}"


def array_feed(stacked: npt.NDArray[Any], reads: Reads, name: str = "") -> Feed:
    """A batch of equal arrays, the instances first; they are moved to where the model wants them."""
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(stacked, dtype=reads.dtype))
    if reads.batch_axis:
        tensor = tensor.movedim(0, reads.batch_axis).contiguous()
    sizes = {INSTANCES: stacked.shape[0]}
    if None in reads.shape and reads.modality == "tensors":
        sizes[STEPS] = stacked.shape[1 + reads.shape.index(None)]
    return Feed(sizes, (), {name: tensor}) if name else Feed(sizes, (tensor,))


def prepare(checkpoint: Checkpoint, items: Sequence[Any], prompt: str | None = None) -> Prepared:
    """Make ``items`` ready for the model. InstancesError for one that it cannot be given.

    ``prompt`` is put before each text (None: what the checkpoint itself puts there).
    """
    if checkpoint.inputs.modality not in PREPARE:
        raise _unreadable(checkpoint)
    return PREPARE[checkpoint.inputs.modality](checkpoint, items, prompt)


def _unreadable(checkpoint: Checkpoint) -> InstancesError:
    from embedviz.checkpoints.checkpoint import unreadable

    return InstancesError(
        unreadable(checkpoint), value=checkpoint.name, remedy="The doctor's page says what is missing."
    )


def _texts(checkpoint: Checkpoint, items: Sequence[Any], prompt: str | None) -> Texts:
    return Texts(checkpoint, text.tokenise(checkpoint, items, prompt))


def _images(checkpoint: Checkpoint, items: Sequence[Any], _prompt: str | None) -> Arrays:
    reads: Reads = checkpoint.inputs

    def load(rows: IntArray) -> npt.NDArray[Any]:
        chosen = [items[row] for row in rows]
        if checkpoint.processor is not None:
            from embedviz.modalities.image_processor import process

            return process(checkpoint.processor, chosen)
        from embedviz.modalities.prepared import prepare as bring

        return bring(chosen, reads)

    shape = tuple(axis or 0 for axis in reads.shape)
    return Arrays(reads, [shape] * len(items), load, input_name(checkpoint))


def _tensors(checkpoint: Checkpoint, items: Sequence[Any], _prompt: str | None) -> Arrays:
    reads: Reads = checkpoint.inputs
    arrays = arrays_of(items, reads)
    return Arrays(
        reads,
        [array.shape for array in arrays],
        lambda rows: np.stack([arrays[row] for row in rows]),
        input_name(checkpoint),
    )


#: What is given to models: how instances of each kind are made ready. What a model reads is found out in reads.py.
PREPARE: dict[str, Callable[[Checkpoint, Sequence[Any], str | None], Prepared]] = {
    "text": _texts,
    "tensors": _tensors,
    "images": _images,
}


def input_name(checkpoint: Checkpoint) -> str:
    """The name of the argument a transformers model takes its input by; "" where it is given by place."""
    import transformers

    model = checkpoint.model
    return str(model.main_input_name) if isinstance(model, transformers.PreTrainedModel) else ""


def probe_feeds(checkpoint: Checkpoint) -> tuple[Feed, Feed]:
    """Two tiny batches of different size, so that each axis of an output shows which one it follows.

    Raises InstancesError where nothing can be given to the model.
    """
    reads: Reads = checkpoint.inputs
    if reads.modality == "text":
        one, two = ((2, 11), (3, 13))
        feeds = [text_feed(text.probe_batch(checkpoint, *size), checkpoint) for size in (one, two)]
        return feeds[0], feeds[1]
    if reads.modality not in ("tensors", "images"):
        raise _unreadable(checkpoint)
    lengths = checkpoint.trial_lengths
    return trial_feed(checkpoint, reads, 2, lengths[0]), trial_feed(checkpoint, reads, 3, lengths[1])


def trial_feed(checkpoint: Checkpoint, reads: Reads, count: int, length: int) -> Feed:
    """``count`` different instances of made-up numbers; ``length`` is that of an axis of any size."""
    draw = np.random.default_rng(count)
    length = _USUAL_SIDE if reads.modality == "images" else length
    shape = (count, *(length if axis is None else axis for axis in reads.shape))
    # Whole numbers may be rows of any table, and every table has two.
    made = draw.integers(0, 2, shape) if reads.dtype.startswith("int") else draw.standard_normal(shape)
    return array_feed(made, reads, input_name(checkpoint))
