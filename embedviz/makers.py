"""What the modules around a tensor tell of it: where its width is, what is a head, how a picture is cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedviz.axes import width_side
from embedviz.hooks import Call, Observed, Seen


class Sides:
    """Where each tensor has its width: told by the module that made it, one that takes it, or makers of its like."""

    def __init__(self, model: Any, run: Observed) -> None:
        sides = {path: width_side(module) for path, module in model.named_modules()}
        self._made: dict[Any, str] = {}
        self._taken: dict[Any, str] = {}
        self._alike: dict[tuple[int, ...], set[str]] = {}
        for found, seen in ((run.outputs, self._made), (run.inputs, self._taken)):
            sided = [(sides.get(path), calls) for path, calls in found.items()]
            calls = [(call.order, side, call) for side, each in sided if side for call in each]
            for _, side, call in sorted(calls, key=lambda entry: entry[0]):
                if call.main is not None:
                    tensor = call.tensors[call.main]
                    seen.setdefault(tensor.digest, side)
                    self._alike.setdefault(tensor.shape, set()).add(side)

    def of(self, tensor: Seen, module: Any) -> str:
        """ "last", "second" or ""; ``module`` made the tensor (None: it is what a module was given)."""
        own = width_side(module) if module is not None else ""
        known = own or self._made.get(tensor.digest) or self._taken.get(tensor.digest)
        alike = self._alike.get(tensor.shape, set())
        return known or (next(iter(alike)) if len(alike) == 1 else "")


def score_layer(model: Any, outputs: Mapping[str, list[Call]]) -> str:
    """The linear layer that a model outside transformers ends in, behind others: its outputs are scores for a task."""
    import transformers

    if isinstance(model, transformers.PreTrainedModel):
        return ""
    calls = [
        (outputs[path][-1].order, path, module)
        for path, module in model.named_modules()
        if outputs.get(path) and any(True for _ in module.parameters(recurse=False))
    ]
    if len(calls) < 2:
        return ""
    _, path, module = max(calls, key=lambda call: call[0])
    return path if type(module).__name__ == "Linear" else ""


def patch_count(model: Any, outputs: Mapping[str, list[Call]]) -> int:
    """Into how many patches a picture is cut: the places of the first convolution whose steps are as wide as itself."""
    for path, module in model.named_modules():
        if type(module).__name__ == "Conv2d" and module.kernel_size == module.stride != (1, 1) and outputs.get(path):
            _, _, high, wide = outputs[path][0].tensors[""].shape
            return int(high * wide)
    return 0
