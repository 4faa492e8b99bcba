"""A program that ``torch.export.save`` wrote (.pt2). Opening one runs code, so it must be allowed."""

from __future__ import annotations

from embedviz.checkpoints.checkpoint import Checkpoint
from embedviz.checkpoints.fingerprint import fingerprint
from embedviz.checkpoints.request import Request
from embedviz.errors import CheckpointError, first_line


def recognises(request: Request) -> bool:
    return request.place.file is not None and request.place.kind == "exported-program"


def open_place(request: Request) -> Checkpoint:
    """Open the program as modules under their own names."""
    import torch

    request.require_code("An exported program (.pt2)")
    assert request.place.file is not None
    request.say("opening the program")
    try:
        program = torch.export.load(request.place.file)
        model = torch.export.unflatten(program)
    except Exception as error:
        raise CheckpointError(
            f"PyTorch cannot open this exported program ({first_line(error)})",
            value=request.name,
            remedy=f"Export it again with PyTorch {torch.__version__}, or save its state_dict().",
            code="files.exported-program",
        ) from error
    dtypes = {str(value.dtype).removeprefix("torch.") for value in program.state_dict.values()}
    return Checkpoint(
        name=request.name,
        format="exported program",
        model=model,
        tokenizer=None,
        max_tokens=512,
        fingerprint=fingerprint(request),
        size=request.place.file.stat().st_size,
        dtype=", ".join(sorted(dtypes)) or "none",
        reads="the inputs it was exported with",
    )
