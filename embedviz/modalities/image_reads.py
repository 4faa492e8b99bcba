"""What a model of pictures reads: sizes, channels, mean and deviation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from embedviz.records import Reads

FILE = "preprocessor_config.json"
MOST_SIDE = 4_096


def channels_of(processor: Any) -> int:
    """1 for a processor that normalises grey pictures, else 3."""
    mean = getattr(processor, "image_mean", None)
    return len(mean) if isinstance(mean, list | tuple) else 3


def reads_of(processor: Any) -> Reads:
    """What the processor makes of a picture, in words and numbers; sizes that differ by picture are None."""
    size = processor.crop_size if getattr(processor, "do_center_crop", False) else getattr(processor, "size", None)
    height, width = getattr(size, "height", None), getattr(size, "width", None)
    if getattr(processor, "do_resize", True) is False and not getattr(processor, "do_center_crop", False):
        height = width = None
    normalised = bool(getattr(processor, "do_normalize", True))
    return Reads(
        modality="images",
        shape=(channels_of(processor), height, width),
        mean=_tuple(processor.image_mean) if normalised else (),
        std=_tuple(processor.image_std) if normalised else (),
        why=f"{type(processor).__name__.removesuffix('Pil')} in the checkpoint's {FILE}",
    )


def reads_from_config(config: Any) -> Reads:
    """What a model without a processor of its own reads, as its configuration and transformers' defaults say."""
    told = getattr(config, "vision_config", None) or config
    channels = getattr(told, "num_channels", None)
    channels = channels if isinstance(channels, int) and channels > 0 else 3
    height, width = _sides(getattr(told, "image_size", None))
    mean, std = _family(config)
    if len(mean) not in (1, channels):  # the means of three colours, for a model of grey pictures
        mean, std = (float(np.mean(mean)),), (float(np.mean(std)),)
    return Reads(
        "images",
        (channels, height, width),
        mean=mean,
        std=std,
        why=f"image_size and num_channels of its configuration; the checkpoint has no {FILE}",
    )


def _sides(size: Any) -> tuple[int | None, int | None]:
    """(height, width) of an image_size: a number, two of them, or a dictionary."""
    if isinstance(size, Mapping):
        size = (size.get("height"), size.get("width"))
    sides = tuple(size) if isinstance(size, list | tuple) and len(size) == 2 else (size, size)
    known = [side if isinstance(side, int) and 0 < side <= MOST_SIDE else None for side in sides]
    return known[0], known[1]


def _family(config: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation with which models of this family are trained; 0.5 where transformers does not say."""
    from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING

    kinds = IMAGE_PROCESSOR_MAPPING.get(type(config), None)
    kind = kinds.get("pil") if isinstance(kinds, Mapping) else None
    mean, std = _tuple(getattr(kind, "image_mean", None)), _tuple(getattr(kind, "image_std", None))
    return (mean, std) if mean and std else ((0.5,), (0.5,))


def _tuple(values: Any) -> tuple[float, ...]:
    if values is None:
        return ()
    return tuple(float(value) for value in values) if isinstance(values, list | tuple) else (float(values),)
