"""A program that ``torch.export.save`` wrote (.pt2). Opening one runs code, so it must be allowed."""

from __future__ import annotations

from typing import Any

from embedviz.checkpoints.checkpoint import Checkpoint
from embedviz.checkpoints.fingerprint import fingerprint
from embedviz.checkpoints.request import Request
from embedviz.errors import CheckpointError, first_line
from embedviz.records import Reads


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
        hint=_hint(program),
    )


def _hint(program: Any) -> Reads | None:
    """What it was exported with, less the axis of the instances; None for several inputs, or others than a tensor."""
    example: Any = program.example_inputs
    if not example or len(example[0]) != 1 or example[1]:
        return None
    one: Any = example[0][0]
    if not hasattr(one, "shape") or not one.ndim:
        return None
    dtype = "float32" if one.is_floating_point() else "int64"
    shape = [int(size) for size in one.shape]
    return Reads("tensors", tuple(shape[1:]), dtype, why="it was exported with such an input")
