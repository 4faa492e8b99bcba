"""What a model is given as one instance: told by its configuration, by whoever opened it, or found out by trying."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from embedviz.errors import EmbedvizError, first_line
from embedviz.hooks import forward
from embedviz.modalities.feed import trial_feed
from embedviz.modalities.image_reads import reads_from_config, reads_of
from embedviz.modalities.suggestions import SIDES, candidates
from embedviz.parts import main_tensor
from embedviz.records import Reads
from embedviz.undisturbed import few_threads, undisturbed

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint

log = logging.getLogger(__name__)

#: Lengths to try where an axis may be of any. Far apart, so that what a model makes of them with large steps differs
#: too, and never as 2 from 3, which would look like the instances; close ones for models of few positions.
LENGTHS = ((11, 31), (64, 200), (11, 13), (800, 2_000), (16_000, 17_600))
#: A model of more parameters that takes pictures of any size was made for large ones.
_LARGE = 1_000_000
_DEPENDS = 1e-3


def find_reads(checkpoint: Checkpoint) -> tuple[Reads, tuple[int, int]]:
    """What the model reads, and two lengths for an axis of any size that it takes.

    ``checkpoint.assumed_inputs`` overrules what is found out. A model that fails on everything that is tried reads
    "unknown inputs", and ``why`` says what was tried.
    """
    given = dict(checkpoint.assumed_inputs)
    told = checkpoint.hint or _told(checkpoint)
    modality = given.get("modality")
    if told is not None and (modality is None or modality == told.modality):
        told = replace(told, **given)
        if told.modality != "tensors":
            return told, LENGTHS[0]
        return _tried(checkpoint, [told]) or (told, LENGTHS[0])
    if modality == "text":
        return Reads("text", why="given by you"), LENGTHS[0]
    if "shape" in given:
        asked = Reads(**{"modality": "tensors", "why": "given by you", **given})
        return _tried(checkpoint, [asked], corrected="batch_axis" in given) or (asked, LENGTHS[0])
    found = _tried(checkpoint, list(candidates(checkpoint.model)))
    if found is None:
        return Reads("unknown inputs", why=_WHY_UNKNOWN), LENGTHS[0]
    reads = found[0] if modality == "tensors" else _as_pictures(found[0], checkpoint, wanted=modality == "images")
    return replace(reads, **given), found[1]


_WHY_UNKNOWN = "no input that its first layers suggest went through the model"


def _told(checkpoint: Checkpoint) -> Reads | None:
    """What a transformers model's own configuration says; None where it does not."""
    config = getattr(checkpoint.model, "config", None)
    if checkpoint.reads == "text":
        return Reads("text", why="its forward() takes token ids")
    if checkpoint.reads == "images":
        processor = checkpoint.processor
        return reads_of(processor) if processor is not None else reads_from_config(config)
    if checkpoint.reads == "audio":
        if getattr(checkpoint.model, "main_input_name", "") == "input_values":
            return Reads("tensors", (None,), why="its forward() takes sound as a row of samples")
        bins, steps = getattr(config, "num_mel_bins", 80), 2 * getattr(config, "max_source_positions", 1_500)
        return Reads("tensors", (bins, steps), why="its forward() takes a spectrogram")
    if checkpoint.reads in ("videos", "other inputs"):
        return Reads(checkpoint.reads, why="its forward() says so")
    return None


def _tried(
    checkpoint: Checkpoint, candidates: list[Reads], *, corrected: bool = False
) -> tuple[Reads, tuple[int, int]] | None:
    """The first candidate that goes through the model, its instances apart from each other if that can be had."""
    fallback: tuple[Reads, tuple[int, int]] | None = None
    with checkpoint.lock, few_threads(checkpoint.model), undisturbed(checkpoint.model):
        for reads in candidates:
            for lengths in _lengths(checkpoint, reads):
                axes = [reads.batch_axis] if corrected or len(reads.shape) < 2 else [reads.batch_axis, 1, 0]
                for axis in dict.fromkeys(axes):
                    turned = replace(reads, batch_axis=axis)
                    apart = _goes_through(checkpoint, turned, lengths)
                    if apart:
                        return turned, lengths
                    if apart is not None and fallback is None:
                        fallback = turned, lengths
                if fallback is not None and fallback[0].batch_axis == reads.batch_axis:
                    return fallback  # longer ones would only cost time
            if fallback is not None:
                return fallback
    return None


def _lengths(checkpoint: Checkpoint, reads: Reads) -> tuple[tuple[int, int], ...]:
    """Lengths to try. Sound is shrunk so much that short pieces would leave as few steps as there are instances."""
    if None not in reads.shape:
        return LENGTHS[:1]
    return LENGTHS[::-1] if checkpoint.reads == "audio" else LENGTHS


def _goes_through(checkpoint: Checkpoint, reads: Reads, lengths: tuple[int, int]) -> bool | None:
    """Whether each instance's output is its own; None where the model fails on such input."""
    import torch

    try:
        several = trial_feed(checkpoint, reads, 3, lengths[1])
        axis = reads.batch_axis
        alone = replace(
            several,
            sizes={**several.sizes, "instances": 1},
            given=tuple(tensor.narrow(axis, 0, 1) for tensor in several.given),
            named={name: tensor.narrow(axis, 0, 1) for name, tensor in several.named.items()},
        )
        together, one = (main_tensor(forward(checkpoint, feed)) for feed in (several, alone))
        forward(checkpoint, trial_feed(checkpoint, reads, 2, lengths[0]))
    except (MemoryError, EmbedvizError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever a model's own code raises, the next candidate is tried
        log.debug("%s does not go through: %s", reads.text, first_line(error))
        return None
    if together is None or one is None or together.ndim != one.ndim:
        return False
    for place, (many, single) in enumerate(zip(together.shape, one.shape, strict=True)):
        if (many, single) == (3, 1):
            mine, whole = (torch.nan_to_num(each.select(place, 0).float(), 0, 0, 0) for each in (one, together))
            if mine.shape != whole.shape:
                return False
            scale = float(mine.abs().max()) if mine.numel() else 0.0
            return bool(torch.allclose(mine, whole, rtol=_DEPENDS, atol=_DEPENDS * scale + 1e-7))
    return False


def _as_pictures(reads: Reads, checkpoint: Checkpoint, *, wanted: bool) -> Reads:
    """The same as pictures, where it has one or three channels and is as high as wide."""
    shape = reads.shape
    if len(shape) != 3 or shape[0] not in (1, 3) or shape[1] != shape[2]:
        return reads
    if not wanted and not any(type(module).__name__ == "Conv2d" for module in checkpoint.model.modules()):
        return reads
    side = shape[1]
    why = f"{reads.why} in pictures of {side} × {side}"
    if side == SIDES[0] and _any_size(checkpoint, reads):
        side = side if checkpoint.parameters > _LARGE else 32
        why = f"{reads.why}, in pictures of any size; {side} × {side} is assumed"
    channels = int(shape[0] or 1)
    mean, std = _IMAGENET if channels == 3 and side == SIDES[0] else ((0.0,) * channels, (1.0,) * channels)
    return Reads("images", (channels, side, side), mean=mean, std=std, why=why)


#: What models trained on ImageNet take from each channel, and divide it by (torchvision's documentation).
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def _any_size(checkpoint: Checkpoint, reads: Reads) -> bool:
    smaller = replace(reads, shape=(reads.shape[0], 64, 64))
    with checkpoint.lock, few_threads(checkpoint.model), undisturbed(checkpoint.model):
        return _goes_through(checkpoint, smaller, LENGTHS[0]) is not None
