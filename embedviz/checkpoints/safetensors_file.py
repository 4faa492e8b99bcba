"""Safetensors files, checked by their headers before anything large is read."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from embedviz.checkpoints.weights import Weights
from embedviz.errors import CheckpointError, first_line

DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
    "C64": "complex64",
}
_SIZES = {"F64": 8, "I64": 8, "C64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2}
_MAX_HEADER = 25 * 2**20
_MAX_TENSORS = 100_000


def read(files: list[Path]) -> Weights:
    """The tensors of one file or of all shards. CheckpointError where a header is not sound."""
    import torch

    entries: dict[str, dict[str, Any]] = {}
    where: dict[str, Path] = {}
    for file in files:
        for name, entry in header(file).items():
            entries[name], where[name] = entry, file
    opened: dict[Path, Any] = {}

    def tensor(name: str) -> torch.Tensor:
        from safetensors import SafetensorError, safe_open

        file = where[name]
        try:
            if file not in opened:
                opened[file] = safe_open(file, "pt")
            found: torch.Tensor = opened[file].get_tensor(name)
        except (SafetensorError, AttributeError) as error:  # an AttributeError is of a number type PyTorch lacks
            raise CheckpointError(
                f"A tensor of this file cannot be read ({first_line(error)})",
                value=f"{file.name}, {name[:100]}",
                remedy="Save it again, as float32, float16 or bfloat16.",
                code="weights.unreadable",
            ) from error
        return found

    return Weights(
        files=tuple(files),
        shapes={name: tuple(entry["shape"]) for name, entry in entries.items()},
        dtypes={name: DTYPES.get(entry["dtype"], entry["dtype"].lower()) for name, entry in entries.items()},
        size=sum(file.stat().st_size for file in files),
        read=tensor,
    )


def header(file: Path) -> dict[str, dict[str, Any]]:
    """The tensor entries of a header (https://github.com/huggingface/safetensors, "Format"), all of them sound."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if size < 8 or length > min(_MAX_HEADER, size - 8):
            raise CheckpointError(
                "This file is not safetensors, or is cut off within its header",
                value=f"{file.name}, {size:,} bytes",
                remedy="Download or copy it again.",
                code="files.truncated-header",
            )
        raw = opened.read(length)
    try:
        entries = {name: entry for name, entry in json.loads(raw).items() if name != "__metadata__"}
        well_formed = len(entries) <= _MAX_TENSORS and all(_sound(entry) for entry in entries.values())
        end = _end(entries) if well_formed else 0
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            "The header of this safetensors file is damaged",
            value=file.name,
            remedy="Download or copy it again.",
            code="files.damaged-header",
        ) from error
    if not well_formed or end is None:
        raise CheckpointError(
            "The header of this safetensors file is not one of a model",
            value=file.name,
            remedy="Save it again.",
            code="files.damaged-header",
            why="Its tensors overlap, leave holes, are of impossible shapes, or are too many.",
        )
    if 8 + length + end != size:
        raise CheckpointError(
            f"This file is incomplete: {size:,} bytes of {8 + length + end:,}",
            value=file.name,
            remedy="Download or copy it again.",
            code="files.truncated",
        )
    return entries


def _sound(entry: dict[str, Any]) -> bool:
    shape, dtype, (start, end) = entry["shape"], entry["dtype"], entry["data_offsets"]
    numbers = all(type(size) is int and 0 <= size < 2**40 for size in (*shape, start, end))
    if not isinstance(dtype, str) or not numbers or len(shape) > 8:
        return False
    return bool(end - start == math.prod(shape) * _SIZES.get(dtype, 1) or dtype not in DTYPES)


def _end(entries: dict[str, dict[str, Any]]) -> int | None:
    """Where the last tensor ends; None unless the tensors follow one another without overlap or hole."""
    place = 0
    for start, end in sorted(tuple(entry["data_offsets"]) for entry in entries.values()):
        if start != place:
            return None
        place = end
    return place
