"""One forward pass as the checks see it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from embedviz.doctor.unchecked import ModelFails, Unchecked
from embedviz.errors import first_line
from embedviz.hooks import forward, hooked
from embedviz.modalities import text
from embedviz.modalities.feed import text_feed
from embedviz.parts import main_tensor
from embedviz.records import INSTANCES, TOKENS, Layer
from embedviz.undisturbed import undisturbed
from embedviz.vectors import unit_vectors

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint


_SEEDS = itertools.count(1)


@dataclass(frozen=True, eq=False)
class Pass:
    """One forward pass, seen at the recommended layer.

    ``hidden`` is (rows, tokens, width), or (rows, width) where the layer has no tokens; ``mask`` is (rows, tokens),
    True for real tokens. ``largest`` is the largest absolute value in each module's output, by path, in the order of
    the calls, and ``poolers`` the (rows, width) output of each pooler, where all modules were watched.
    """

    hidden: torch.Tensor
    mask: torch.Tensor
    largest: Mapping[str, float]
    poolers: Mapping[str, torch.Tensor]


def run_pass(
    checkpoint: Checkpoint,
    layer: Layer,
    tokenised: text.Tokenised,
    rows: Sequence[int],
    *,
    poolers: Collection[str] | None = None,
    left: bool = False,
) -> Pass:
    """One forward pass over ``rows`` as one padded batch, as the capture engine would make it, seen at ``layer``.

    With the paths of the ``poolers`` every module is watched; ``left`` puts the padding in front. Raises ModelFails
    where the model fails.
    """
    import torch

    model = checkpoint.model
    batch = text.pad(tokenised, np.array(rows, dtype=np.int64), checkpoint)
    if left:
        batch = _turned(batch)
    path, call = layer.module, layer.call
    seen: list[torch.Tensor] = []
    largest: dict[str, float] = {}
    pooled: dict[str, torch.Tensor] = {}

    def see(module: str, output: Any) -> None:
        tensor = main_tensor(output)
        if tensor is None or not tensor.is_floating_point() or not tensor.numel():
            return
        if module == path:
            seen.append(tensor.detach().float().cpu().clone())
        if poolers is None:
            return
        low, high = torch.aminmax(tensor.detach())
        largest[module] = float(torch.maximum(-low, high))
        if module in poolers and tensor.ndim == 2:
            pooled[module] = tensor.detach().float().cpu().clone()

    modules = {path: model.get_submodule(path)} if poolers is None else dict(model.named_modules())
    try:
        with checkpoint.lock, undisturbed(model), hooked(modules, see):
            # Random numbers are put back after each pass; with the same ones again, dropout would go unnoticed.
            torch.manual_seed(next(_SEEDS))
            forward(checkpoint, text_feed(batch, checkpoint))
    except Exception as error:
        raise ModelFails(f"the model fails on ordinary input ({first_line(error)})") from error
    if len(seen) < call:
        raise Unchecked(f"the model did not run {path} on ordinary input")
    hidden = _arranged(seen[call - 1], layer)
    return Pass(hidden, batch["attention_mask"].bool(), largest, pooled)


def _arranged(tensor: torch.Tensor, layer: Layer) -> torch.Tensor:
    shape = layer.shape or ()
    lead = [shape.index(axis) for axis in (INSTANCES, TOKENS) if axis in shape]
    return tensor.movedim(lead, list(range(len(lead)))) if len(shape) == tensor.ndim else tensor


def _turned(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The batch with each row's padding moved from behind to before it."""
    import torch

    lengths = batch["attention_mask"].sum(1)
    width = batch["attention_mask"].shape[1]
    return {
        name: torch.stack([row.roll(width - int(length)) for row, length in zip(values, lengths, strict=True)])
        for name, values in batch.items()
    }


def cosines(one: npt.ArrayLike, other: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The cosine of each row of ``one`` to the same row of ``other``; 0 where one of them has no direction."""
    same: npt.NDArray[np.float64] = (unit_vectors(one)[0] * unit_vectors(other)[0]).sum(axis=1)
    return same
