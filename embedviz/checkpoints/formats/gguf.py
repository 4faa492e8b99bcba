"""A GGUF file, as llama.cpp uses: its numbers are unpacked to float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from embedviz.checkpoints.checkpoint import Checkpoint
from embedviz.checkpoints.fingerprint import fingerprint
from embedviz.checkpoints.loading import check_memory
from embedviz.checkpoints.request import Request
from embedviz.checkpoints.tokenizer import max_tokens
from embedviz.errors import CheckpointError, first_line
from embedviz.records import Finding


def recognises(request: Request) -> bool:
    return request.place.file is not None and request.place.kind == "gguf"


def open_place(request: Request) -> Checkpoint:
    """Open the model and the tokenizer in the file. Needs the package gguf."""
    import torch
    import transformers

    request.require_package("gguf", "GGUF files")
    assert request.place.file is not None
    file = request.place.file
    check_memory(_parameters(file), file.stat().st_size, request)
    request.say(f"unpacking {file.stat().st_size / 1e6:,.0f} MB of weights")
    told: dict[str, Any] = {"gguf_file": file.name, "local_files_only": True, "trust_remote_code": False}
    try:
        model = transformers.AutoModel.from_pretrained(file.parent, dtype=torch.float32, **told).eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, **told)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise CheckpointError(
            f"transformers cannot open this GGUF file ({first_line(error)})",
            value=file.name,
            remedy="Give the model it was made from: transformers reads only some families from GGUF.",
            code="files.gguf",
        ) from error
    return Checkpoint(
        name=request.name,
        format="GGUF file",
        model=model,
        tokenizer=tokenizer,
        max_tokens=max_tokens(tokenizer, model.config),
        fingerprint=fingerprint(request),
        size=file.stat().st_size,
        dtype="quantised",
        findings=(_unpacked(file),),
    )


def _parameters(file: Path) -> int:
    """How many numbers the file says it holds. CheckpointError for a header that cannot be one."""
    from embedviz.checkpoints.gguf_header import parameters

    try:
        return parameters(file)
    except ValueError as error:
        raise CheckpointError(
            f"This GGUF file is damaged ({first_line(error)})",
            value=file.name,
            remedy="Download or copy it again.",
            code="files.gguf",
        ) from error


def _unpacked(file: Path) -> Finding:
    return Finding(
        code="weights.quantised",
        severity="info",
        title="The weights were stored in few bits and were unpacked to float32",
        evidence=f"{file.name}, {file.stat().st_size / 1e6:,.0f} MB",
        why="The vectors are close to those of the model it was made from, but not equal to them.",
        remedy="For exact vectors, open the model it was made from.",
    )
