"""The instances themselves in a session file: texts as JSON, tensors and pictures as the bytes they are made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from embedviz.sessions.checking import Malformed, checked
from embedviz.sessions.unpacking import Unpacked
from embedviz.workers.items import unpack

_Text = str | tuple[str, ...] | tuple[int, ...]
_MOST_AXES = 16


def read_items(name: str, told: Any, modality: str, file: Unpacked) -> tuple[Any, ...]:
    """The items that ``workers.items.pack`` packed, of this modality. Malformed where they are not."""
    if not isinstance(told, dict) or told.get("modality") != modality:
        raise Malformed(f"{name}.modality")
    listed = told.get("items")
    if modality == "text":
        return checked(listed, tuple[_Text, ...], name)  # type: ignore[no-any-return]
    if modality == "tensors":
        sizes = [_tensor(each, name) for each in checked(listed, tuple[tuple[str, tuple[int, ...], int], ...], name)]
    elif modality == "images":
        sizes = [size for _, size in checked(listed, tuple[tuple[str, int], ...], name)]
    else:
        raise Malformed(f"{name}.modality")
    if not sizes:
        return ()
    data = file.array(f"{name}.items", "uint8", (None,))
    if min(sizes) < 0 or sum(sizes) != len(data):
        raise Malformed(f"{name}.items")
    return unpack({"modality": modality, "items": listed}, {"items": data})


def _tensor(told: tuple[str, tuple[int, ...], int], name: str) -> int:
    """How many bytes a tensor takes, which must be what its type and shape say."""
    kind, shape, size = told
    try:
        dtype = np.dtype(kind)
    except (TypeError, ValueError, SyntaxError) as error:
        raise Malformed(f"{name}: {kind[:40]}") from error
    fits = dtype.kind in "biuf" and len(shape) <= _MOST_AXES and min(shape, default=0) >= 0
    if not fits or math.prod(shape) * dtype.itemsize != size:
        raise Malformed(f"{name}: {kind[:40]}")
    return size
