"""The null model: a checkpoint's own architecture with random weights, to see what training did.

Random features are a baseline that is easily taken for knowledge: words that two texts share make them alike in any
model (Wieting & Kiela, No Training Required, 2019, https://arxiv.org/abs/1901.10444).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedviz.records import Finding

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints.checkpoint import Checkpoint


def randomise(checkpoint: Checkpoint, seed: int) -> None:
    """Give every weight the random value that its training began from, the same for the same seed.

    A model of transformers is built anew from its configuration. Of others, each module that can (``reset_parameters``)
    starts anew; a parameter of its own that a module defines keeps its values in random order.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _begin_anew(checkpoint.model)
        for dense in checkpoint.recipe.dense:
            _begin_anew(dense)
    checkpoint.model.eval()
    finding = Finding(
        code="weights.null-model",
        severity="info",
        title="A null model: its weights are random, as before training",
        evidence=f"{checkpoint.parameters:,} weights drawn with seed {seed}",
        why="What it finds alike is alike in any model of this architecture; the rest, training did",
        remedy="Compare it with the trained model",
    )
    checkpoint.findings = (finding, *checkpoint.findings)


def _begin_anew(model: Any) -> None:
    import torch
    from transformers import PreTrainedModel

    if isinstance(model, PreTrainedModel):
        model.load_state_dict(type(model)(model.config).state_dict())
        return
    with torch.no_grad():
        for module in model.modules():
            if callable(getattr(module, "reset_parameters", None)):
                module.reset_parameters()
            else:
                for parameter in module.parameters(recurse=False):
                    _shuffle(parameter)


def _shuffle(parameter: torch.Tensor) -> None:
    import torch

    values = parameter.flatten()
    parameter.copy_(values[torch.randperm(len(values), device=values.device)].view_as(parameter))
