"""Named tensors of a file or folder: what they are is known at once, and what they hold is read when asked for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from embedviz.checkpoints.json_file import read_json
from embedviz.errors import CheckpointError
from embedviz.records import Finding

if TYPE_CHECKING:
    import torch

#: The names under which transformers looks for a folder's weights, in its order.
NAMES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Weights:
    """Tensors by name: their shapes and number types, and ``read(name)``, which gives one on the CPU.

    ``size`` is in bytes on disk. ``findings`` say what was noticed on the way to them (a wrapper taken off).
    """

    files: tuple[Path, ...]
    shapes: dict[str, tuple[int, ...]]
    dtypes: dict[str, str]
    size: int
    read: Callable[[str], torch.Tensor]
    findings: tuple[Finding, ...] = field(default=())

    @property
    def dtype(self) -> str:
        """The number type that most values have."""
        counts: Counter[str] = Counter()
        for name, shape in self.shapes.items():
            counts[self.dtypes[name]] += math.prod(shape)
        return counts.most_common(1)[0][0] if counts else "none"

    @property
    def numbers(self) -> int:
        """How many values there are in all."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def load(self) -> dict[str, torch.Tensor]:
        """All of them, read now."""
        return {name: self.read(name) for name in self.shapes}


def of_files(files: list[Path], part: str = "") -> Weights:
    """The weights in one file or in the shards of one model, by what the files are. CheckpointError says why not."""
    from embedviz.checkpoints import safetensors_file
    from embedviz.checkpoints.places.refused import refuse_file
    from embedviz.checkpoints.places.sniff import kind_of

    kinds = {kind_of(file).name for file in files}
    if kinds == {"safetensors"}:
        found = safetensors_file.read(files)
    elif kinds <= {"torch", "torch-legacy", "torchscript"}:
        from embedviz.checkpoints import torch_weights

        found = torch_weights.read(files, part)
    else:
        for file in files:
            refuse_file(file)
        raise CheckpointError(
            "These files are not all of one kind",
            value=", ".join(sorted(kinds)),
            remedy="Save the model again where it was made.",
            code="files.mixed-kinds",
        )
    if not found.shapes:
        raise CheckpointError(
            "The weights file holds no tensors",
            value=files[0].name,
            remedy="Save the model again.",
            code="weights.none",
        )
    return found


def of_folder(folder: Path) -> Weights:
    """The weights of a folder that ``save_pretrained`` wrote: one file or shards, safetensors before pickles."""
    from embedviz.checkpoints.places.refused import refuse_folder

    for name in NAMES:
        index = folder / f"{name}.index.json"
        if index.is_file():
            return of_files(_shards(folder, index))
        if (folder / name).is_file():
            return of_files([folder / name])
    others = sorted(file for file in folder.glob("*.safetensors") if not file.name.startswith("adapter"))
    if len(others) == 1:
        return of_files(others)
    refuse_folder(folder)
    raise CheckpointError(
        "There is a configuration but no weights in this folder",
        value=folder.name,
        remedy=f"Copy {NAMES[0]} (or all of its shards and {NAMES[0]}.index.json) into it.",
        code="files.no-weights",
    )


def _shards(folder: Path, index: Path) -> list[Path]:
    parsed = read_json(index)
    weight_map = parsed.get("weight_map") if isinstance(parsed, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(
            "The index of the weights names no shards",
            value=index.name,
            remedy="Save it again.",
            code="files.damaged-index",
        )
    names = sorted({str(name) for name in weight_map.values()})
    for name in names:
        if "/" in name or "\\" in name or name.startswith("."):
            raise CheckpointError(
                "The index of the weights points outside its folder",
                value=name,
                remedy="Do not trust its sender.",
                code="files.index-escapes",
                why="An index that names files elsewhere on the server would have them read.",
            )
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(
            f"{len(missing)} of {len(names)} parts of the weights are missing",
            value=", ".join(missing[:4]),
            remedy="Copy the missing files into the folder.",
            code="files.missing-shard",
        )
    return [folder / name for name in names]
