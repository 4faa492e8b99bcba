"""Pictures as a model without an image processor of its own reads them. Call it in a worker, as pixels.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from embedviz.errors import InstancesError
from embedviz.modalities.pixels import decode
from embedviz.records import FloatArray, ImageItem, Reads

if TYPE_CHECKING:
    from PIL.Image import Image

#: For a model that reads pictures of any size: what most were trained with.
_USUAL_SIDE = 224


def prepare(items: Sequence[ImageItem], reads: Reads) -> FloatArray:
    """The pictures as a model reads them, (pictures, channels, height, width) float32.

    Grey or in three colours as the model wants; resized smoothly, in three colours with the middle cut out where the
    shape differs (grey ones, as digits and letters, are squeezed, so that nothing is lost); brought to 0..1, less
    ``reads.mean``, by ``reads.std``. InstancesError for a picture that cannot be used, or a model of other channels.
    """
    channels, height, width = _sizes(reads)
    mean, std = _scale(reads.mean, channels, 0.0), _scale(reads.std, channels, 1.0)
    made = np.empty((len(items), channels, height, width), np.float32)
    for place, item in enumerate(items):
        picture = decode(item).convert("L" if channels == 1 else "RGB")
        small = np.asarray(_resized(picture, height, width, crop=channels == 3), np.float32)
        made[place] = small[None] if channels == 1 else small.transpose(2, 0, 1)
    made /= 255
    made -= mean
    made /= std
    return made


def _sizes(reads: Reads) -> tuple[int, int, int]:
    channels, height, width = reads.shape if len(reads.shape) == 3 else (0, 0, 0)
    channels = 3 if channels is None else channels
    if channels not in (1, 3):
        raise InstancesError(
            "This model does not read pictures in grey or in three colours",
            value=reads.text,
            remedy="Give it tensors: save them with numpy.save and open that file.",
        )
    return channels, height or width or _USUAL_SIDE, width or height or _USUAL_SIDE


def _scale(values: tuple[float, ...], channels: int, otherwise: float) -> FloatArray:
    """One value a channel, (channels, 1, 1)."""
    given = np.array(values or (otherwise,), np.float32)
    if len(given) not in (1, channels):
        raise InstancesError(
            "Mean and deviation are not given for each channel",
            value=f"{len(given)} values, {channels} channels",
            remedy="Give as many values as the model reads channels, or one.",
        )
    return np.broadcast_to(given, (channels,)).reshape(channels, 1, 1)


def _resized(picture: Image, height: int, width: int, *, crop: bool) -> Image:
    from PIL.Image import Resampling

    given_width, given_height = picture.size
    if not crop or given_width * height == given_height * width:
        return picture.resize((width, height), Resampling.BILINEAR)
    # The side that is short of the wanted shape fits; of the other the middle is kept.
    if given_height * width < given_width * height:
        covering = (given_width * height // given_height, height)
    else:
        covering = (width, given_height * width // given_width)
    left, top = (covering[0] - width) // 2, (covering[1] - height) // 2
    return picture.resize(covering, Resampling.BILINEAR).crop((left, top, left + width, top + height))
