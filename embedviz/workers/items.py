"""Instances on their way to a worker: texts as JSON, tensors and pictures as the bytes they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from embedviz.errors import WorkerError
from embedviz.records import ImageItem, TensorItem
from embedviz.workers.wire import Arrays


def pack(items: Sequence[Any], modality: str) -> tuple[dict[str, Any], Arrays]:
    """``items`` as JSON values and one array of bytes."""
    if modality == "tensors":
        told: list[Any] = [[item.dtype, list(item.shape), len(item.data)] for item in items]
    elif modality == "images":
        told = [[item.name, len(item.data)] for item in items]
    else:
        return {"modality": "text", "items": list(items)}, {}
    return {"modality": modality, "items": told}, {"items": np.frombuffer(b"".join(i.data for i in items), np.uint8)}


def unpack(told: dict[str, Any], arrays: Arrays) -> tuple[Any, ...]:
    """The items that ``pack`` packed."""
    if told["modality"] == "text":
        return tuple(tuple(item) if isinstance(item, list) else item for item in told["items"])
    data, place, items = arrays["items"].tobytes(), 0, []
    for *head, size in told["items"]:
        piece = data[place : place + size]
        place += size
        items.append(ImageItem(piece, head[0]) if len(head) == 1 else TensorItem(piece, head[0], tuple(head[1])))
    if place != len(data):
        raise WorkerError("A message holds other bytes than it says", remedy="Try again.")
    return tuple(items)
