"""The safetensors files of a folder, checked by their headers before anything large is read."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedviz.checkpoints.folder import explain_bytes, read_json
from embedviz.errors import CheckpointError

_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I8": "int8"}
_MAX_HEADER = 25 * 2**20
_MAX_TENSORS = 100_000
#: Other files people have in place of safetensors: pattern, what they are, the way out.
_OTHERS = (
    ("pytorch_model*.bin", "PyTorch .bin weights", "`model.save_pretrained(folder)` with transformers ≥ 5"),
    ("tf_model.h5", "TensorFlow weights", "`AutoModel.from_pretrained(folder, from_tf=True)` with transformers 4"),
    ("flax_model.msgpack", "Flax weights", "`AutoModel.from_pretrained(folder, from_flax=True)` with transformers 4"),
    ("*.gguf", "a GGUF file", "`AutoModel.from_pretrained(folder, gguf_file=…)`, then save_pretrained"),
    ("*.onnx", "an ONNX graph", "the PyTorch model it was exported from"),
)


@dataclass(frozen=True)
class Weights:
    """What the headers say: the files, every tensor's shape, the bytes, and the most common number type."""

    files: tuple[Path, ...]
    shapes: dict[str, tuple[int, ...]]
    size: int
    dtype: str


def inspect(folder: Path) -> Weights:
    """Read the headers of the folder's safetensors (single or sharded). CheckpointError where one cannot be used."""
    files = _files(folder)
    shapes: dict[str, tuple[int, ...]] = {}
    dtypes: Counter[str] = Counter()
    size = 0
    for file in files:
        for name, entry in _header(file).items():
            shapes[name] = tuple(entry["shape"])
            dtypes[entry["dtype"]] += math.prod(entry["shape"])
        size += file.stat().st_size
    if not shapes:
        raise CheckpointError("The weights file holds no tensors", value=files[0].name, remedy="Save the model again.")
    commonest = dtypes.most_common(1)[0][0]
    return Weights(tuple(files), shapes, size, _DTYPES.get(commonest, commonest.lower()))


def _files(folder: Path) -> list[Path]:
    index = folder / _INDEX
    if index.is_file():
        return _shards(folder, index)
    if (folder / _SINGLE).is_file():
        return [folder / _SINGLE]
    for pattern, what, way_out in _OTHERS:
        if any(folder.glob(pattern)):
            raise CheckpointError(
                f"This folder holds {what}, which embedviz does not open yet",
                value=folder.name,
                remedy=f"Convert it to safetensors where it was made: {way_out}.",
            )
    if any(folder.glob("model-*-of-*.safetensors")):
        raise CheckpointError(
            "The index of the sharded weights is missing", value=_INDEX, remedy="Copy it beside the shards."
        )
    raise CheckpointError(
        "There is a configuration but no weights in this folder",
        value=folder.name,
        remedy=f"Copy {_SINGLE} (or all of its shards and {_INDEX}) into it.",
    )


def _shards(folder: Path, index: Path) -> list[Path]:
    parsed = read_json(index)
    weight_map = parsed.get("weight_map") if isinstance(parsed, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError("The index of the weights names no shards", value=index.name, remedy="Save it again.")
    names = sorted({str(name) for name in weight_map.values()})
    for name in names:
        if "/" in name or "\\" in name or name.startswith("."):
            raise CheckpointError(
                "The index of the weights points outside its folder", value=name, remedy="Do not trust its sender."
            )
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(
            f"{len(missing)} of {len(names)} parts of the weights are missing",
            value=", ".join(missing[:4]),
            remedy="Copy the missing files into the folder.",
        )
    return [folder / name for name in names]


def _header(file: Path) -> dict[str, dict[str, Any]]:
    """The tensor entries of a safetensors header (https://github.com/huggingface/safetensors, "Format")."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        head = opened.read(512)
        if size < 8 or head.startswith((b"version https://git-lfs", b"<")):
            what, remedy = explain_bytes(head)
            raise CheckpointError(what, value=file.name, remedy=remedy)
        length = int.from_bytes(head[:8], "little")
        if length > min(_MAX_HEADER, size - 8):
            raise CheckpointError(
                "This file is not safetensors, or is cut off within its header",
                value=f"{file.name}, {size:,} bytes",
                remedy="Download or copy it again.",
            )
        opened.seek(8)
        raw = opened.read(length)
    try:
        entries = {name: entry for name, entry in json.loads(raw).items() if name != "__metadata__"}
        end = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
        well_formed = all(_sound(entry) for entry in entries.values())
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            "The header of this safetensors file is damaged", value=file.name, remedy="Download or copy it again."
        ) from error
    if not well_formed or len(entries) > _MAX_TENSORS:
        raise CheckpointError(
            "The header of this safetensors file is not one of a model", value=file.name, remedy="Save it again."
        )
    if 8 + length + end != size:
        raise CheckpointError(
            f"This file is incomplete: {size:,} bytes of {8 + length + end:,}",
            value=file.name,
            remedy="Download or copy it again.",
        )
    return entries


def _sound(entry: dict[str, Any]) -> bool:
    shape, dtype = entry["shape"], entry["dtype"]
    return isinstance(dtype, str) and all(isinstance(size, int) and 0 <= size < 2**40 for size in shape)
