"""A PyTorch Lightning checkpoint: a state dict, with the settings of its training beside it."""

from __future__ import annotations

from embedviz.checkpoints.checkpoint import Checkpoint
from embedviz.checkpoints.formats.bare_weights import open_weights
from embedviz.checkpoints.request import Request
from embedviz.checkpoints.torch_save.state_dict import StateDict
from embedviz.checkpoints.torch_weights import of_state_dicts
from embedviz.records import Finding


def recognises(request: Request) -> bool:
    return request.state_dict is not None and request.state_dict.is_lightning


def open_place(request: Request) -> Checkpoint:
    """Open its state dict; the class it was trained as is not needed where the weights tell the architecture."""
    assert request.place.file is not None
    assert request.state_dict is not None
    found = request.state_dict
    weights = of_state_dicts([request.place.file], [found])
    return open_weights(weights, request, format="Lightning checkpoint", findings=_settings(found))


def _settings(found: StateDict) -> list[Finding]:
    if not found.hyper_parameters:
        return []
    told = ", ".join(f"{name} = {value}" for name, value in list(found.hyper_parameters.items())[:8])
    return [
        Finding(
            code="configuration.hyper-parameters",
            severity="info",
            title="The checkpoint names the settings of its training",
            evidence=told[:400],
            why="They may tell what the weights do not, such as the number of attention heads.",
            remedy="Compare them with what is assumed.",
        )
    ]
