"""A TorchScript archive: its weights, where they are of a known architecture; its program is never run."""

from __future__ import annotations

from embedviz.checkpoints import weights
from embedviz.checkpoints.checkpoint import Checkpoint
from embedviz.checkpoints.formats.bare_weights import open_weights
from embedviz.checkpoints.request import Request
from embedviz.errors import CheckpointError
from embedviz.records import Finding


def recognises(request: Request) -> bool:
    return request.place.file is not None and request.place.kind == "torchscript"


def open_place(request: Request) -> Checkpoint:
    """Open its weights as the family they tell. CheckpointError with the way out where they tell none."""
    assert request.place.file is not None
    found = weights.of_files([request.place.file], request.options.part)
    try:
        return open_weights(found, request, format="TorchScript archive", findings=[_program_left_out()])
    except CheckpointError as error:
        if error.choices or error.repair:
            raise
        raise CheckpointError(
            "This is a TorchScript archive, whose layers cannot be watched: PyTorch refuses hooks on them",
            value=f"{request.name}, {len(found.shapes)} tensors",
            remedy="Where it was made, save the weights of the model before scripting: "
            "`torch.save(model.state_dict(), 'model.pt')`; give them with their config.json or an architecture file.",
            code="files.torchscript",
            why=f"Its weights were read, but they are of no architecture that is known ({error.what}).",
        ) from error


def _program_left_out() -> Finding:
    return Finding(
        code="files.torchscript",
        severity="warning",
        title="Of this TorchScript archive the weights were opened, not the program",
        evidence="the names and shapes of its tensors are of a known architecture",
        why="The program may do more than that architecture: scale inputs, pool, or leave layers out.",
        remedy="Compare a few vectors with those of the archive itself.",
    )
