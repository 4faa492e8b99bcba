"""A pass over a model that leaves the model, torch's settings and all random numbers as they were."""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

#: Parameters below which a pass of a few texts is over before several threads have shared it.
_SMALL = 50_000_000


@contextlib.contextmanager
def undisturbed(model: torch.nn.Module) -> Iterator[None]:
    """Eval mode and no gradients inside; afterwards the model and all random numbers are as they were before.

    Restored are each module's own training flag, the buffers, and the states of torch's, numpy's and Python's
    generators: some models draw at random, or count their calls in a buffer, in eval mode too. Hold the checkpoint's
    lock: torch keeps some of this for the whole process.
    """
    import torch

    flags = [(module, module.training) for module in model.modules()]
    kept = [_Kept.of(module) for module in model.modules() if not is_script(module)]
    numbers, others = random.getstate(), np.random.get_state()
    fast = torch.backends.mha.get_fastpath_enabled()
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    model.eval()
    # The fused path of nn.TransformerEncoder calls no module inside it, and gives nested tensors.
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.random.fork_rng(devices=devices), _uncompiled(), torch.inference_mode():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        random.setstate(numbers)
        np.random.set_state(others)
        for module, flag in flags:
            module.training = flag
        for each in kept:
            each.restore()


@contextlib.contextmanager
def _uncompiled() -> Iterator[None]:
    """What torch.compile made runs as the Python it was made of: compiled code knows no hooks that came later."""
    import torch

    if "torch._dynamo" not in sys.modules:  # then nothing is compiled
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


@dataclass(frozen=True)
class _Kept:
    """What a module held before a pass: its buffers with their values, and its attributes."""

    module: torch.nn.Module
    buffers: Mapping[str, tuple[torch.Tensor | None, torch.Tensor | None]]
    attributes: Mapping[str, Any]

    @classmethod
    def of(cls, module: torch.nn.Module) -> _Kept:
        buffers = {
            name: (buffer, buffer.detach().clone() if buffer is not None and _plain(buffer) else None)
            for name, buffer in module._buffers.items()
        }
        return cls(module, buffers, dict(module.__dict__))

    def restore(self) -> None:
        """Put the buffers back, and attributes whose new tensors no gradient could ever pass through."""
        import torch

        holder = self.module._buffers
        for name in [name for name in holder if name not in self.buffers]:
            del holder[name]
        for name, (buffer, before) in self.buffers.items():
            holder[name] = buffer
            if buffer is None or before is None:
                continue
            if buffer.shape != before.shape:
                holder[name] = before
            elif not _same(buffer, before):
                with torch.inference_mode(buffer.is_inference()), torch.no_grad():
                    buffer.copy_(before)
        own = self.module.__dict__
        for name in [name for name, value in own.items() if value is not self.attributes.get(name)]:
            if isinstance(own[name], torch.Tensor) and own[name].is_inference():
                if name in self.attributes:
                    own[name] = self.attributes[name]
                else:
                    del own[name]


def _plain(buffer: torch.Tensor) -> bool:
    """Whether a buffer is kept as a plain row of numbers, which can be compared and put back."""
    import torch

    return buffer.layout is torch.strided and not (buffer.is_meta or buffer.is_quantized)


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors hold the same bytes: NaN is equal to itself here."""
    import torch

    flat, others = (tensor.reshape(-1).contiguous().view(torch.uint8) for tensor in (one, other))
    return torch.equal(flat, others)


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


def is_script(module: Any) -> bool:
    """Whether a module is compiled TorchScript, on which torch refuses hooks."""
    import torch

    return isinstance(module, torch.jit.ScriptModule)
