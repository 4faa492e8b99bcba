"""The same seven layers by other libraries' hooks, where they are installed: each pooled by batch, as capture does."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint

Batches = list[dict[str, "torch.Tensor"]]


def peers(checkpoint: Checkpoint, batches: Batches, layers: list[str]) -> dict[str, Callable[[], object]]:
    """What each installed peer does with the batches, by its name. They change the model, so each gets its own."""
    known = {"nnsight": ("7 layers", _nnsight), "torchlens": ("all recorded", _torchlens)}
    return {
        f"{name}, {what}": make(_copy(checkpoint), batches, layers)
        for name, (what, make) in known.items()
        if importlib.util.find_spec(name) is not None
    }


def _copy(checkpoint: Checkpoint) -> Any:
    import copy

    return copy.deepcopy(checkpoint.model).eval()


def _means(states: list[Any], batch: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    from embedviz.pooling import mean

    mask = batch["attention_mask"].bool()
    return [mean(state[0] if isinstance(state, tuple) else state, mask) for state in states]


def _nnsight(model: Any, batches: Batches, layers: list[str]) -> Callable[[], object]:
    import torch
    from nnsight import NNsight

    wrapped = NNsight(model)

    def at(path: str) -> Any:
        found = wrapped
        for part in path.split("."):
            found = found[int(part)] if part.isdigit() else getattr(found, part)
        return found

    def run() -> object:
        made = []
        with torch.inference_mode():
            for batch in batches:
                saved: list[Any] = []
                with wrapped.trace(**batch):
                    for path in layers:
                        saved.append(at(path).output.save())
                made.append(_means(saved, batch))
        return made

    return run


def _torchlens(model: Any, batches: Batches, _layers: list[str]) -> Callable[[], object]:
    import torch
    import torchlens

    def run() -> object:
        # The recording alone: what is pooled afterwards is not counted against it.
        with torch.inference_mode():
            for batch in batches:
                torchlens.trace(model, (), dict(batch))

    return run
