"""A model that lives in the program already: in a notebook, in the middle of a training, in a test."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from embedviz.checkpoints.checkpoint import Checkpoint
from embedviz.checkpoints.tokenizer import max_tokens
from embedviz.errors import CheckpointError
from embedviz.records import Reads

if TYPE_CHECKING:
    import torch


def open_module(
    model: torch.nn.Module,
    tokenizer: Any = None,
    *,
    name: str | None = None,
    reads: Reads | None = None,
    processor: Any = None,
) -> Checkpoint:
    """A checkpoint of ``model`` itself, which is neither copied nor changed.

    ``reads`` says what it is given as one instance; None: text where there is a ``tokenizer`` or the model is a text
    model of transformers, else it is found out by trying. ``processor`` is transformers' image processor. The
    fingerprint is that of the weights as they are now: open it again after training it further. Raises CheckpointError
    for what hooks cannot be put on, and for a model without weights.
    """
    inner = unwrapped(model)
    _check(inner)
    config = getattr(inner, "config", None)
    tensors = dict(_tensors(inner))
    dtypes = {str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()}
    return Checkpoint(
        name=name or type(inner).__name__,
        format="live module",
        model=inner,
        tokenizer=tokenizer,
        max_tokens=max_tokens(tokenizer, config),
        fingerprint=_fingerprint(inner),
        size=sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()),
        dtype=", ".join(sorted(dtypes)) or "none",
        reads=_reads(inner, tokenizer),
        processor=processor,
        hint=reads,
    )


def unwrapped(model: torch.nn.Module) -> torch.nn.Module:
    """The module inside DataParallel and torch.compile, whose hooks fire as they should."""
    import torch

    parallel = (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)
    while True:
        inner = model.module if isinstance(model, parallel) else getattr(model, "_orig_mod", None)
        if not isinstance(inner, torch.nn.Module):
            return model
        model = inner


def _check(model: Any) -> None:
    import torch

    kind = type(model).__name__
    if not isinstance(model, torch.nn.Module):
        raise CheckpointError(
            "This is no torch.nn.Module",
            value=kind,
            remedy="Pass the model itself, or open a file by open_checkpoint().",
        )
    if isinstance(model, torch.jit.ScriptModule):
        raise CheckpointError(
            "This is compiled TorchScript, on which PyTorch allows no hooks",
            value=kind,
            remedy="Pass the module that it was compiled from.",
        )
    for path, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if torch.nn.parameter.is_lazy(tensor):
            raise CheckpointError(
                "A parameter of this model has no shape before its first pass",
                value=path,
                remedy="Run the model once.",
            )
        if tensor.is_meta:
            raise CheckpointError(
                "This model has no weights, only their shapes (it is on the meta device)",
                value=path,
                remedy="Load its weights, for instance by load_state_dict(…, assign=True).",
            )


def _reads(model: Any, tokenizer: Any) -> str:
    from embedviz.checkpoints.configuration import reads

    # What a transformers model takes is in its class; any other class says nothing.
    if hasattr(model, "config") and hasattr(model, "main_input_name"):
        return reads(model)
    return "unknown inputs" if tokenizer is None else "text"


def _tensors(model: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    import torch

    for name, value in model.state_dict().items():
        if isinstance(value, torch.Tensor):
            yield name, value


def _fingerprint(model: torch.nn.Module) -> str:
    """Hex digest over the state dict: names, number types, shapes and bytes."""
    import torch

    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        if isinstance(value, torch.Tensor) and value.layout is torch.strided and not value.is_quantized:
            digest.update(f"{name}\0{value.dtype}\0{tuple(value.shape)}\n".encode("utf-8", "surrogatepass"))
            digest.update(value.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy().data)
        else:  # a module's own extra state, or a tensor that is not kept as a plain row of numbers
            digest.update(name.encode("utf-8", "surrogatepass") + pickle.dumps(value))
    return digest.hexdigest()
