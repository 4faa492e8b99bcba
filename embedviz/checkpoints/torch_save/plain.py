"""What came out of a pickle in plain words and plain values: settings, counters, vocabularies beside the weights."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np

from embedviz.checkpoints.torch_save.stubs import Global, Stub
from embedviz.checkpoints.torch_save.tensor_refs import TensorRef, array_of

_MAX_VALUES = 20_000
_MAX_DEPTH = 20
_MAX_TEXT = 60
_DROPPED = object()


def describe(value: Any) -> str:
    """One short line: "3", "dict of 65", "tensor of shape (3, 4), float32". The text may hold the uploader's words."""
    if value is None or isinstance(value, bool | int | float | complex):
        return repr(value)[:_MAX_TEXT]
    if isinstance(value, str):
        return repr(value if len(value) <= _MAX_TEXT else value[:_MAX_TEXT] + "…")
    if isinstance(value, dict | list | tuple | set | frozenset | bytes):
        return f"{type(value).__name__} of {len(value):,}"
    if isinstance(value, TensorRef):
        return f"tensor of shape {value.shape}, {value.dtype[:_MAX_TEXT]}"
    if isinstance(value, Global):
        return f"the name {value.path[:_MAX_TEXT]}"
    if not isinstance(value, Stub):
        return type(value).__name__
    array, simple = array_of(value), _simple(value)
    if array is not None and array.shape:
        return f"array of shape {array.shape}, {array.dtype}"
    return f"object of {value.path[:_MAX_TEXT] or 'a call'}" if simple is _DROPPED else describe(simple)


def plain(value: Any) -> Any:
    """``value`` as JSON could have it; objects as their attributes, what has no plain form left out (None at the top).

    At most 20,000 values and 20 levels, so that a structure that holds itself or is shared over and over ends.
    """
    left = [_MAX_VALUES]
    made = _plain(value, left, _MAX_DEPTH)
    return None if made is _DROPPED else made


def _plain(value: Any, left: list[int], depth: int) -> Any:
    left[0] -= 1
    if left[0] < 0 or depth < 0 or isinstance(value, TensorRef):
        return _DROPPED
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Global):
        return value.path
    if isinstance(value, Stub):
        return _plain(_simple(value), left, depth - 1)
    if isinstance(value, dict):
        pairs = islice(value.items(), max(left[0], 0))
        made = {key: _plain(item, left, depth - 1) for key, item in pairs if isinstance(key, str | int)}
        return {key: item for key, item in made.items() if item is not _DROPPED}
    if isinstance(value, list | tuple | set | frozenset):
        items: Iterable[Any] = islice(value, max(left[0], 0))
        kept = [item for item in (_plain(item, left, depth - 1) for item in items) if item is not _DROPPED]
        return tuple(kept) if isinstance(value, tuple) else kept
    return _DROPPED


def _simple(stub: Stub) -> Any:
    """The value behind an object of a few well-known kinds; the attributes of any other."""
    number = _number(stub)
    if number is not None:
        return number
    if stub.module.startswith("pathlib"):
        return "/".join(str(part) for part in stub.args[:100] if isinstance(part, str)).replace("//", "/")
    if stub.module.startswith("omegaconf"):
        attributes = stub.attributes
        return attributes.get("_content", attributes.get("_val", _DROPPED))
    if stub.path == "torch.device":
        return ":".join(str(part) for part in stub.args if isinstance(part, str | int))
    if stub.pairs is not None:
        return stub.pairs
    if stub.attributes:
        return stub.attributes
    if stub.elements is not None:
        return stub.elements
    # An enum is its class called with the value (or, from Python 3.11, the name it has in its class).
    if stub.path == "builtins.getattr" and len(stub.args) == 2:
        return stub.args[1]
    return stub.args[0] if len(stub.args) == 1 and isinstance(stub.args[0], str | int) else _DROPPED


def _number(stub: Stub) -> Any:
    """A numpy scalar as a Python number."""
    array = array_of(stub) if stub.name == "scalar" else None
    if array is None or array.problem or array.shape or array.storage is None:
        return None
    raw = array.storage.read(0, array.size)
    return raw.view(np.dtype(array.dtype).newbyteorder(">" if array.storage.big_endian else "<"))[0].item()
