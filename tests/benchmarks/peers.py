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
    known = {"nnsight": _nnsight, "torchlens": _torchlens, "transformer_lens": _transformer_lens}
    return {
        f"{name}, 7 layers": make(_copy(checkpoint), batches, layers)
        for name, make in known.items()
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
                with wrapped.trace(**batch):
                    saved = [at(path).output.save() for path in layers]
                made.append(_means(saved, batch))
        return made

    return run


def _torchlens(model: Any, batches: Batches, layers: list[str]) -> Callable[[], object]:
    import torch
    import torchlens

    def run() -> object:
        made = []
        with torch.inference_mode():
            for batch in batches:
                log = torchlens.log_forward_pass(model, (), dict(batch), layers_to_save=layers)
                made.append(_means([log[path].activation for path in layers], batch))
        return made

    return run


def _transformer_lens(model: Any, batches: Batches, layers: list[str]) -> Callable[[], object]:
    import torch
    from transformer_lens.hook_points import HookedRootModule, HookPoint

    # Its own way to wrap a model needs a hub; its hook points stand here behind the same modules.
    root = HookedRootModule()
    root.inner = model
    points = {}
    for number, path in enumerate(layers):
        point = points[path] = HookPoint()
        root.add_module(f"hook_{number}", point)
        model.get_submodule(path).register_forward_hook(
            lambda _module, _inputs, output, point=point: (
                (point(output[0]), *output[1:]) if isinstance(output, tuple) else point(output)
            )
        )
    root.setup()
    root.forward = lambda **batch: model(**batch)

    def run() -> object:
        made = []
        with torch.inference_mode():
            for batch in batches:
                _, cache = root.run_with_cache(**batch)
                made.append(_means([cache[f"hook_{number}"] for number in range(len(layers))], batch))
        return made

    return run
