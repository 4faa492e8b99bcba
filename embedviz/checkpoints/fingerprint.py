"""What a checkpoint is by its content, whatever its name or place."""

from __future__ import annotations

import hashlib
from pathlib import Path

#: What decides the vectors: weights, configurations, vocabularies. Notes and pictures do not.
_SUFFIXES = {".safetensors", ".json", ".txt", ".model"}


def sha256(file: Path) -> str:
    """Hex digest of a file's bytes, read in chunks."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def fingerprint(folder: Path) -> str:
    """Hex digest over the names and contents of the files in ``folder`` that decide the vectors."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix in _SUFFIXES:
            digest.update(f"{file.relative_to(folder).as_posix()}\0{sha256(file)}\n".encode())
    return digest.hexdigest()
