"""From whatever path a person gave to the one folder that holds the model, or to the reason why there is none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from embedviz.checkpoints.archive import extract
from embedviz.errors import CheckpointError

#: Either makes a folder a model's: the architecture, or the list of a sentence-transformers model's parts.
MARKS = ("config.json", "modules.json")
_DEPTH = 4


def locate(path: Path, unpack_into: Path) -> Path:
    """The model's folder at ``path`` (a folder, a zip, or a folder around either); zips go to ``unpack_into``."""
    if not path.exists():
        raise CheckpointError("There is nothing at this path", value=path, remedy="Check the spelling.")
    if path.is_file():
        if path.name in MARKS:
            return path.parent
        _require_zip(path)
        path = extract(path, unpack_into)
    found = _model_folders(path)
    if not found:
        _explain_folder(path)
    if len(found) > 1:
        names = ", ".join(str(folder.relative_to(path)) for folder in found[:6])
        raise CheckpointError(
            f"There are {len(found)} models in here ({names})", value=path.name, remedy="Give the folder of one."
        )
    return found[0]


def _require_zip(path: Path) -> None:
    head = path.read_bytes()[:512] if path.stat().st_size < 512 else _head(path)
    if head[:4] == b"PK\x03\x04" or head[:4] == b"PK\x05\x06":
        return
    what, remedy = explain_bytes(head)
    raise CheckpointError(what, value=path.name, remedy=remedy)


def _head(path: Path, size: int = 512) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def explain_bytes(head: bytes) -> tuple[str, str]:
    """What a file that is no model folder is, from its first bytes, and what to do about it."""
    folder = "Give the whole folder the model was saved to (config.json, weights, tokenizer files), or a zip of it."
    if not head:
        return "This file is empty", "Download or copy it again."
    if head.startswith(b"version https://git-lfs"):
        return "This is a Git LFS pointer, not the file itself", "Run `git lfs pull` in the model's folder."
    if head.lstrip()[:1] == b"<":
        return "This is a web page, not a model", "Download the file itself; the link may need a login."
    if len(head) > 8 and head[8:9] == b"{":
        return "These are bare safetensors weights without their config.json", folder
    if head.lstrip()[:1] in (b"{", b"["):
        return "This is a JSON file, not a model", folder
    return f"This is not a model folder or a zip of one (it starts with {head[:8]!r})", folder


def _model_folders(root: Path) -> list[Path]:
    """Folders with a model's mark, topmost first; what lies inside a model's folder belongs to that model."""
    found = []
    for folder, children, files in os.walk(root):
        here = Path(folder)
        if len(here.relative_to(root).parts) >= _DEPTH:
            children.clear()
        children[:] = sorted(name for name in children if not name.startswith("."))
        if any(mark in files for mark in MARKS):
            found.append(here)
            children.clear()
    return found


def _explain_folder(path: Path) -> None:
    names = sorted(entry.name for entry in path.iterdir())
    if not names:
        raise CheckpointError("This folder is empty", value=path.name, remedy="Give the folder the model is in.")
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    raise CheckpointError(
        f"No config.json in here, so nothing says which model this is (found: {shown})",
        value=path.name,
        remedy="Give the folder that `save_pretrained` or sentence-transformers' `save` wrote, all of its files.",
    )


def read_json(file: Path) -> Any:
    """The JSON in ``file``; CheckpointError says what is wrong with it."""
    if not file.is_file():
        raise CheckpointError(
            "A file of this model is missing", value=file.name, remedy="Copy the whole folder, all of its files."
        )
    head = _head(file)
    if not head or head.startswith((b"version https://git-lfs", b"<")):
        what, remedy = explain_bytes(head)
        raise CheckpointError(what, value=file.name, remedy=remedy)
    try:
        return json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"This file is not valid JSON ({error})", value=file.name, remedy="Restore it from where it was saved."
        ) from error
