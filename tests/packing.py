"""Models as the bytes of an upload."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path


def zipped(folder: Path) -> bytes:
    """A zip of all files in ``folder``."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        for file in folder.rglob("*"):
            opened.write(file, file.relative_to(folder))
    return packed.getvalue()


def saved(value: object) -> bytes:
    """What ``torch.save`` writes of ``value``."""
    import torch

    written = io.BytesIO()
    torch.save(value, written)
    return written.getvalue()
