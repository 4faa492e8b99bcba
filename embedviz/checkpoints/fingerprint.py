"""What a checkpoint is by its content, whatever its name or place."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from embedviz.checkpoints.places.search import HELPERS

if TYPE_CHECKING:
    from embedviz.checkpoints.request import Request

#: Of a folder, these decide the vectors: weights, configurations, vocabularies. Notes and pictures do not.
_SUFFIXES = {".safetensors", ".bin", ".json", ".txt", ".model"}


def sha256(file: Path) -> str:
    """Hex digest of a file's bytes, read in chunks."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def fingerprint(request: Request) -> str:
    """Hex digest over what decides the vectors: the files that were opened, and what a person decided about them."""
    place, options = request.place, request.options
    digest = hashlib.sha256()
    files = [place.file] if place.file is not None else _deciding(place.folder)
    # A tokenizer or configuration that lies elsewhere is no less part of it.
    tokenizer = [Path(options.tokenizer)] if options.tokenizer else []
    helpers = [folder / name for folder in [*request.folders, *tokenizer] for name in HELPERS]
    found = [file for file in helpers if file.is_file() and file not in files]
    for file in [*files, *found, *([request.architecture] if request.architecture else [])]:
        name = file.relative_to(place.folder).as_posix() if file.is_relative_to(place.folder) else file.name
        digest.update(f"{name}\0{sha256(file)}\n".encode("utf-8", "surrogatepass"))
    decided = {name: value for name, value in options.as_json().items() if value and name != "ask_above"}
    if decided:
        digest.update(json.dumps(decided, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def _deciding(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.rglob("*")) if file.is_file() and file.suffix in _SUFFIXES]
