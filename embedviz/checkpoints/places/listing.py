"""What stands directly in a folder, and which names weights have there."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

MAX_ENTRIES = 200_000
#: Names under which transformers and peft save and look for weights, alone or in shards.
_WEIGHTS = re.compile(r"(model|pytorch_model|adapter_model)(\.fp16|\.bf16|-\d{5}-of-\d{5})?\.(safetensors|bin)")
_SHARD = re.compile(r".+-\d{5}-of-\d{5}\.(safetensors|bin)")
#: How names of weights end, in any format that embedviz opens.
WEIGHT_SUFFIXES = {".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".jit", ".pt2", ".keras", ".pkl"}

#: What trainers write beside the weights, in the same formats.
_LEFTOVER = re.compile(
    r"(training_args|sampler|optimizer([-_.]\d+)?|scheduler([-_.]\d+)?|scaler|rng_state\w*|random_states\w*|loss|"
    r"random_sampler\w*|.*_?optim_states?)\.(bin|pt|pth|pkl)|.*\.onnx[._]data|.*\.log|events\.out\.tfevents.*",
)


@dataclass(frozen=True)
class Listing:
    """Names in natural order; links to folders are left out. ``cut``: there were more."""

    files: list[str]
    folders: list[str]
    cut: bool = False


def listing(folder: Path, most: int = MAX_ENTRIES) -> Listing:
    """What is in ``folder``; nothing where it cannot be read."""
    files: list[str] = []
    folders: list[str] = []
    cut = False
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                cut = len(files) + len(folders) >= most
                if cut:
                    break
                if _is(entry, folder=True):
                    folders.append(entry.name)
                elif _is(entry, folder=False):
                    files.append(entry.name)
    except OSError:
        return Listing([], [])
    return Listing(sorted(files, key=natural), sorted(folders, key=natural), cut)


def _is(entry: os.DirEntry[str], folder: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) if folder else entry.is_file()
    except OSError:  # a link that leads in a circle
        return False


def natural(name: str) -> list[tuple[int, str]]:
    """A key that puts checkpoint-500 before checkpoint-1000."""
    return [(int(part[:18]), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def is_weights_name(name: str) -> bool:
    """Is this a name under which transformers or peft would look for weights?"""
    return _WEIGHTS.fullmatch(name) is not None


def is_shard(name: str) -> bool:
    """Is this one part of several (model-00001-of-00002.safetensors)?"""
    return _SHARD.fullmatch(name) is not None


def is_leftover(name: str) -> bool:
    """Is this what a trainer writes beside the weights, often in the same format (optimizer.pt, training_args.bin)?"""
    return _LEFTOVER.fullmatch(name) is not None
