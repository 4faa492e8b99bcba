"""The JSON files of a model, with what is wrong with one said in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from embedviz.checkpoints.places.refused import refuse_file
from embedviz.errors import CheckpointError

#: A tokenizer.json may be large; a configuration that is this large is none.
_MAX_BYTES = 50 * 2**20


def read_json(file: Path) -> Any:
    """The JSON in ``file``; CheckpointError says what is wrong with it."""
    if not file.is_file():
        raise CheckpointError(
            "A file of this model is missing",
            value=file.name,
            remedy="Copy the whole folder, all of its files.",
            code="files.missing",
        )
    if file.stat().st_size > _MAX_BYTES:
        raise CheckpointError(
            "This file is far too large for what it should be",
            value=f"{file.name}, {file.stat().st_size / 2**20:,.0f} MiB",
            remedy="Restore it from where it was saved.",
            code="configuration.too-large",
        )
    try:
        return json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        with file.open("rb") as opened:
            head = opened.read(512).lstrip()
        if head[:1] not in (b"{", b"["):
            refuse_file(file)
        raise CheckpointError(
            f"This file is not valid JSON ({error})",
            value=file.name,
            remedy="Restore it from where it was saved.",
            code="configuration.not-json",
        ) from error
