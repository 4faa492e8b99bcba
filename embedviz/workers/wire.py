"""Messages between processes: a JSON header, then raw arrays. Nothing that arrives is ever unpickled.

A frame is a 4-byte little-endian header length, the header, and the bytes of each array the header lists.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from embedviz.errors import KINDS, EmbedvizError, WorkerError

Arrays = dict[str, np.ndarray]
#: A worker that opened a hostile file may be hostile itself; what it sends is bounded.
_MAX_HEADER = 256 * 2**20
_MAX_ARRAYS = 16 * 2**30
_DTYPES = {"float32", "float64", "int64", "int32", "uint8", "bool"}


def send(stream: BinaryIO, message: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> None:
    """Write one frame. Arrays must be of a plain number type."""
    listed = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
    layout = [[name, str(array.dtype), list(array.shape)] for name, array in listed.items()]
    header = json.dumps({**message, "arrays": layout}).encode("utf-8", "surrogatepass")
    if len(header) > _MAX_HEADER:
        raise WorkerError(
            f"This is too much text for one run ({len(header) / 2**20:,.0f} MiB)", remedy="Take fewer or shorter texts."
        )
    stream.write(struct.pack("<I", len(header)) + header)
    for array in listed.values():
        stream.write(array.data.cast("B") if array.size else b"")
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], Arrays] | None:
    """Read one frame; None where the other side is gone. WorkerError for a frame that is not one."""
    size = stream.read(4)
    if len(size) < 4:
        return None
    length = struct.unpack("<I", size)[0]
    if length > _MAX_HEADER:
        raise WorkerError("A worker sent something that is not a message", remedy="Open the checkpoint again.")
    try:
        message = json.loads(_exactly(stream, length))
        layout = [(str(name), str(dtype), tuple(map(int, shape))) for name, dtype, shape in message.pop("arrays")]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise WorkerError("A worker sent a damaged message", remedy="Open the checkpoint again.") from error
    return message, _arrays(stream, layout)


def _arrays(stream: BinaryIO, layout: list[tuple[str, str, tuple[int, ...]]]) -> Arrays:
    arrays: Arrays = {}
    total = 0
    for name, dtype, shape in layout:
        if dtype not in _DTYPES or min(shape, default=0) < 0:
            raise WorkerError("A worker sent an array of a kind that is not known", value=dtype)
        size = math.prod(shape) * np.dtype(dtype).itemsize
        total += size
        if total > _MAX_ARRAYS:
            raise WorkerError("A worker sent more data than can be taken in", value=f"{total:,} bytes")
        data = np.frombuffer(_exactly(stream, size), dtype=dtype)
        try:
            arrays[name] = data.reshape(shape)
        except (ValueError, OverflowError) as error:  # too many axes, or beside an axis of 0 one beyond all numbers
            raise WorkerError("A worker sent an array of a shape that cannot be", value=len(shape)) from error
    return arrays


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size) if size else b""
    if len(data) < size:
        raise WorkerError("A worker stopped in the middle of a message", remedy="Open the checkpoint again.")
    return data


_PARTS = ("what", "value", "remedy", "code", "why", "repair")


def error_message(error: EmbedvizError) -> dict[str, Any]:
    """An error as JSON values."""
    return {"kind": type(error).__name__, "choices": error.choices, **{name: getattr(error, name) for name in _PARTS}}


def error_from(message: Mapping[str, Any]) -> EmbedvizError:
    """The error behind its JSON values; an unknown kind becomes a plain EmbedvizError."""
    kind = KINDS.get(str(message.get("kind")), EmbedvizError)
    told = {name: str(message.get(name) or "") for name in _PARTS if name not in ("what", "value")}
    choices = message.get("choices")
    given = tuple(map(str, choices)) if isinstance(choices, list | tuple) else ()
    return kind(str(message.get("what")), value=message.get("value"), choices=given, **told)
