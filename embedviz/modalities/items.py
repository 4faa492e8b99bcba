"""What a caller in Python passes as instances, and what each becomes for a model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.errors import InstancesError
from embedviz.modalities.fitting import fitted, mismatch
from embedviz.records import ImageItem, Instances, Reads, TensorItem


def instances_of(items: Any, reads: Reads) -> Instances:
    """Texts, arrays or pictures as Instances of what the model reads. InstancesError for an item of another kind.

    A lone text or picture is one instance; a lone array is one where it has as many axes as the model reads.
    """
    kinds = {"tensors": _tensors, "images": _images}
    given = kinds.get(reads.modality, _texts)(items, reads)
    modality = reads.modality if reads.modality in kinds else "text"
    return Instances(given, tuple(str(number + 1) for number in range(len(given))), modality=modality)


def _texts(items: Any, _reads: Reads) -> tuple[Any, ...]:
    given = tuple(tuple(item) if isinstance(item, list) else item for item in _several(items))
    wrong = next((item for item in given if not isinstance(item, str | tuple)), None)
    if wrong is not None:
        raise InstancesError("An instance is not a text", value=repr(wrong)[:60], remedy="Pass strings.")
    return given


def _several(items: Any) -> Sequence[Any]:
    return [items] if isinstance(items, str | bytes | os.PathLike) else items


def _tensors(items: Any, reads: Reads) -> tuple[Any, ...]:
    if not isinstance(items, list | tuple) or not all(hasattr(item, "shape") for item in items):
        whole = _array(items)
        items = [whole] if whole.ndim == len(reads.shape) else list(whole) if whole.ndim else [whole]
    return tuple(item if isinstance(item, TensorItem) else TensorItem.of(_array(item)) for item in items)


def _array(item: Any) -> npt.NDArray[Any]:
    try:
        array = np.asarray(item.detach().cpu() if hasattr(item, "detach") else item)
    except (ValueError, TypeError) as error:
        raise InstancesError(
            "An instance is no array of numbers", value=repr(item)[:60], remedy="Pass arrays of one shape each."
        ) from error
    if array.dtype.kind not in "fiub":
        raise InstancesError(
            f"An instance holds {array.dtype}, not numbers", value=repr(item)[:60], remedy="Pass arrays of numbers."
        )
    return array


def _images(items: Any, _reads: Reads) -> tuple[Any, ...]:
    return tuple(_image(item, place) for place, item in enumerate(_several(items), 1))


def _image(item: Any, place: int) -> ImageItem:
    if isinstance(item, ImageItem):
        return item
    if isinstance(item, bytes):
        return ImageItem(item, f"picture {place}")
    if isinstance(item, str | os.PathLike):
        try:
            return ImageItem(Path(item).read_bytes(), Path(item).name)
        except OSError as error:
            raise InstancesError(
                f"This picture cannot be read ({error.strerror})", value=item, remedy="Check the path."
            ) from error
    if hasattr(item, "save"):  # a picture of Pillow's
        import io

        written = io.BytesIO()
        item.save(written, "PNG")
        return ImageItem(written.getvalue(), f"picture {place}")
    raise InstancesError(
        "An instance is no picture", value=repr(item)[:60], remedy="Pass paths, the bytes of files, or PIL images."
    )


def arrays_of(items: Sequence[TensorItem], reads: Reads) -> list[npt.NDArray[Any]]:
    """Each item as the model reads it: (shape of ``reads``). InstancesError where one has another shape or number type.

    An item with axes of one in place of none, or the other way round, is taken: 1 × 5 for a model that reads 5.
    """
    return [_fitted(item, place, reads) for place, item in enumerate(items, 1)]


def _fitted(item: TensorItem, place: int, reads: Reads) -> npt.NDArray[Any]:
    array = item.array
    if reads.dtype.startswith("int") and array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)):
        raise InstancesError(
            "The model reads whole numbers, and an instance holds others",
            value=f"instance {place}: {item}",
            remedy="Give whole numbers, such as token ids.",
        )
    sizes = fitted(item.shape, reads.shape)
    if sizes is None:
        raise mismatch(item.shape, reads, f"Instance {place:,}")
    return np.ascontiguousarray(array.reshape(sizes), dtype=reads.dtype)
