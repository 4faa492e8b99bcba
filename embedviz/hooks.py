"""Forward hooks on a model: put on, seen through, and always taken off again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint


#: Parameters below which a pass of a few texts is over before several threads have shared it.
_SMALL = 50_000_000


class Stop(BaseException):
    """Ends a forward pass once everything wanted is caught. Not an Exception: models swallow those."""


@dataclass(frozen=True)
class Call:
    """One call of a module: its place in the order of calls, and what its output was.

    ``plain``: the output itself is the tensor. ``digest`` is equal for equal values of equal shape.
    """

    order: int
    shape: tuple[int, ...] | None
    floating: bool
    plain: bool
    what: str
    digest: tuple[Any, ...] | None


def main_tensor(output: Any) -> torch.Tensor | None:
    """The tensor a person means by "the output": itself, a last hidden state, or the first of several."""
    import torch

    if isinstance(output, torch.Tensor):
        return None if output.is_nested else output
    if isinstance(output, torch.nn.utils.rnn.PackedSequence):
        return None
    if isinstance(output, Mapping):
        output = [output[key] for key in sorted(output, key=lambda key: key != "last_hidden_state")]
    if isinstance(output, tuple | list):
        return next((part for part in output if isinstance(part, torch.Tensor) and not part.is_nested), None)
    return None


@contextlib.contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Eval mode and no gradients inside; each module's own training flag as it was afterwards."""
    import torch

    flags = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, flag in flags:
            module.training = flag


@contextlib.contextmanager
def few_threads(model: torch.nn.Module) -> Iterator[None]:
    """One thread for tiny passes of a small model: several wait for each other longer than they work (measured 3×)."""
    import torch

    threads = torch.get_num_threads()
    if sum(parameter.numel() for parameter in model.parameters()) < _SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def hooked(modules: Mapping[str, torch.nn.Module], see: Callable[[str, Any], None]) -> Iterator[None]:
    """``see(path, output)`` for each call of the given modules in this thread; never changes an output."""
    owner = threading.get_ident()
    handles: list[Any] = []

    def hook_for(path: str) -> Callable[..., None]:
        def hook(_module: Any, _inputs: Any, output: Any) -> None:
            # Another thread may use the same model meanwhile; its outputs are not ours.
            if threading.get_ident() == owner:
                see(path, output)

        return hook

    try:
        for path, module in modules.items():
            handles.append(module.register_forward_hook(hook_for(path)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def forward(checkpoint: Checkpoint, batch: Mapping[str, torch.Tensor]) -> None:
    """One pass; Stop ends it early, as asked for."""
    import inspect

    extra = {"use_cache": False} if "use_cache" in inspect.signature(checkpoint.model.forward).parameters else {}
    with contextlib.suppress(Stop):
        checkpoint.model(**batch, **extra)


def observe(checkpoint: Checkpoint, batch: Mapping[str, torch.Tensor]) -> dict[str, list[Call]]:
    """Every call of every module in one pass over ``batch``, by path."""
    calls: dict[str, list[Call]] = {}
    order = 0

    def see(path: str, output: Any) -> None:
        nonlocal order
        calls.setdefault(path, []).append(_call(order, output))
        order += 1

    with evaluating(checkpoint.model), hooked(dict(checkpoint.model.named_modules()), see):
        forward(checkpoint, batch)
    return calls


def _call(order: int, output: Any) -> Call:
    tensor = main_tensor(output)
    what = type(output).__name__
    if tensor is None:
        return Call(order, None, False, False, what, None)
    floating = tensor.is_floating_point()
    digest = None
    if floating and tensor.numel():
        values = tensor.detach().double().flatten()
        digest = (tuple(tensor.shape), float(values.sum()), float(values[:: max(1, len(values) // 97)].sum()))
    return Call(order, tuple(tensor.shape), floating, tensor is output, str(tensor.dtype), digest)
