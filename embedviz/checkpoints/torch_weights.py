"""The tensors of what ``torch.save`` wrote, read inertly: wrappers taken off, other contents told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz.checkpoints.torch_save.state_dict import StateDict, tensors_of
from embedviz.checkpoints.torch_save.torch_file import read_torch_file
from embedviz.checkpoints.weights import Weights
from embedviz.records import Finding

if TYPE_CHECKING:
    import torch


def read(files: list[Path], part: str = "") -> Weights:
    """The tensors of one file or of all shards. CheckpointError where a file holds something else, or is damaged."""
    return of_state_dicts(files, [tensors_of(read_torch_file(file).root, part, file.name) for file in files])


def of_state_dicts(files: list[Path], dicts: list[StateDict]) -> Weights:
    """The tensors of state dicts that were read from ``files``."""
    tensors: dict[str, Any] = {name: tensor for each in dicts for name, tensor in each.tensors.items()}

    def tensor(name: str) -> torch.Tensor:
        found: torch.Tensor = tensors[name].read()
        return found

    return Weights(
        files=tuple(files),
        shapes={name: tuple(each.shape) for name, each in tensors.items()},
        dtypes={name: str(each.dtype).removeprefix("torch.") for name, each in tensors.items()},
        size=sum(file.stat().st_size for file in files),
        read=tensor,
        findings=tuple(finding for each in dicts for finding in _noticed(each)),
    )


def _noticed(found: StateDict) -> list[Finding]:
    findings = [_unwrapped(found)] if found.wrapper else []
    if found.problems:
        name, why = next(iter(found.problems.items()))
        findings.append(
            Finding(
                code="weights.unreadable",
                severity="warning",
                title="Some tensors of the file cannot be read and were left out",
                evidence=f"{len(found.problems)} in all; {name}: {why}",
                why="Layers that need them would hold random values.",
                remedy="Save the file again where it was made, with plain dense tensors.",
            )
        )
    if not found.named:
        findings.append(
            Finding(
                code="weights.unnamed",
                severity="warning",
                title="The file has no names for its tensors, only their order",
                evidence=f"{len(found.tensors)} tensors, called {next(iter(found.tensors))} and so on here",
                why="A list of layers was saved in place of a state dict; without names nothing can be matched.",
                remedy="Where it was made, run `torch.save(model.state_dict(), 'model.pt')`.",
            )
        )
    return findings


def _unwrapped(found: StateDict) -> Finding:
    beside = ", ".join(f"{name}: {what}" for name, what in list(found.extras.items())[:6])
    return Finding(
        code="weights.wrapped",
        severity="info",
        title="The weights were taken out of a training checkpoint",
        evidence=f"{len(found.tensors)} tensors under {found.wrapper}" + (f"; beside them {beside}" if beside else ""),
        why="Trainers save epochs, optimizers and settings beside the weights.",
        remedy="Nothing to do. A repaired copy holds the weights alone.",
    )
