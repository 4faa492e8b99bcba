"""From one vector a token to one vector an instance."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedviz.errors import EmbedvizError

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint

#: (instances, tokens, width) and a mask (instances, tokens) of real tokens → (instances, width).
Pool = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]

AS_TRAINED = "as trained"


@dataclass(frozen=True)
class Pooling:
    """A pooling's label and one plain sentence; ``pool`` is None for the checkpoint's own recipe."""

    label: str
    sentence: str
    pool: Pool | None


def mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean over real tokens; what stands in the padding is never read, not even NaN."""
    import torch

    if bool(mask.all()):
        return hidden.mean(1)
    total = torch.where(mask.unsqueeze(-1), hidden, hidden.new_zeros(())).sum(1)
    return total / mask.sum(1, keepdim=True)


def first(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The first real token's vector ([CLS] where the tokenizer sets one)."""
    return _take(hidden, mask.int().argmax(1))


def last(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The last real token's vector."""
    return _take(hidden, mask.shape[1] - 1 - mask.flip(1).int().argmax(1))


def _take(hidden: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    import torch

    return hidden[torch.arange(len(hidden), device=hidden.device), positions]


def maximum(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The largest value of each dimension over real tokens."""
    return hidden.masked_fill(~mask.unsqueeze(-1), float("-inf")).amax(1)


def mean_sqrt_length(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Sum over real tokens divided by the square root of their number (sentence-transformers)."""
    return mean(hidden, mask) * mask.sum(1, keepdim=True).sqrt()


def weighted_mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean weighted by position 1, 2, 3, … (SGPT, https://arxiv.org/abs/2202.08904)."""
    import torch

    weights = torch.arange(1, mask.shape[1] + 1, device=hidden.device, dtype=hidden.dtype) * mask
    total = torch.where(mask.unsqueeze(-1), hidden * weights.unsqueeze(-1), hidden.new_zeros(())).sum(1)
    return total / weights.sum(1, keepdim=True)


POOLINGS: dict[str, Pooling] = {
    AS_TRAINED: Pooling("As trained", "The way this checkpoint's own files say its vectors are made.", None),
    "mean": Pooling("Mean over tokens", "The average of all real tokens: a good first choice for most models.", mean),
    "first": Pooling("First token (CLS)", "The first token alone: for models trained to gather meaning in it.", first),
    "last": Pooling("Last token", "The last real token alone: for models that read from left to right.", last),
    "max": Pooling("Maximum", "The largest value of each dimension over all tokens: whatever stands out.", maximum),
}

#: sentence-transformers' mode names.
_TRAINED: dict[str, Pool] = {
    "cls": first,
    "max": maximum,
    "mean": mean,
    "mean_sqrt_len_tokens": mean_sqrt_length,
    "weightedmean": weighted_mean,
    "lasttoken": last,
}


def resolve(name: str, checkpoint: Checkpoint, *, final: bool) -> Pool:
    """The function behind a pooling's name. ``final``: the layer is the one the checkpoint's recipe was made for.

    Raises EmbedvizError for an unknown name, or where there is no recipe to follow.
    """
    if name not in POOLINGS:
        close = difflib.get_close_matches(name, POOLINGS, n=2)
        raise EmbedvizError("There is no such pooling", value=name, remedy=f"Choose {' or '.join(close or POOLINGS)}.")
    pool = POOLINGS[name].pool
    return pool if pool is not None else _as_trained(checkpoint, final=final)


def _as_trained(checkpoint: Checkpoint, *, final: bool) -> Pool:
    import torch

    recipe = checkpoint.recipe
    if recipe.untold:
        raise EmbedvizError(recipe.untold, value=checkpoint.name, remedy="Choose the mean over tokens.")

    def pool(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        pooled = torch.cat([_TRAINED[mode](hidden, mask) for mode in recipe.modes], dim=1)
        # The dense parts were trained on the last layer's vectors and mean nothing on another's.
        for dense in recipe.dense if final else ():
            pooled = dense(pooled)
        return torch.nn.functional.normalize(pooled, dim=1) if recipe.normalise else pooled

    return pool
