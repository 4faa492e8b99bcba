"""From one vector a token (or patch, place, step) to one vector an instance."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedviz.errors import EmbedvizError
from embedviz.records import INSTANCES, Layer

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint

#: (instances, tokens, width) and a mask (instances, tokens) of real tokens → (instances, width).
Pool = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]

AS_TRAINED = "as trained"


@dataclass(frozen=True)
class Pooling:
    """A pooling, said in a label and one plain sentence for each kind of position that it suits.

    ``pool`` is None for the checkpoint's own recipe. ``whole``: it reads all positions, those that are no patches too.
    """

    words: Mapping[str, tuple[str, str]]
    pool: Pool | None
    whole: bool = False


def mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean over real tokens; what stands in the padding is never read, not even NaN."""
    import torch

    # One reading of the tokens, which is all that this costs.
    pooled = torch.bmm(_shares(mask, hidden.dtype), hidden).squeeze(1)
    if bool(torch.isfinite(pooled.sum())):
        return pooled
    # Nothing times NaN is NaN: where one may stand in the padding, that is left out first.
    total = torch.where(mask.unsqueeze(-1), hidden, hidden.new_zeros(())).sum(1)
    return total / mask.sum(1, keepdim=True)


@functools.lru_cache(maxsize=1)
def _shares(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Each token's share of the mean, (instances, 1, tokens). All layers of a batch have the very same mask."""
    shares = mask.to(dtype)
    return (shares / shares.sum(1, keepdim=True)).unsqueeze(1)


def first(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The first real token's vector ([CLS] where the tokenizer sets one)."""
    return _take(hidden, mask, mask.int().argmax(1))


def last(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The last real token's vector."""
    return _take(hidden, mask, mask.shape[1] - 1 - mask.flip(1).int().argmax(1))


def _take(hidden: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """The vector at one position of each instance; NaN for an instance without any real token."""
    import torch

    taken = hidden[torch.arange(len(hidden), device=hidden.device), positions]
    return taken.masked_fill(~mask.any(1, keepdim=True), float("nan"))


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


def flatten(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """All positions' vectors one after the other: (instances, positions · width)."""
    return hidden.flatten(1)


def flatten_channels(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """As ``flatten``, in the order of torch's own flatten(1) for an output whose channels stand before its places."""
    return hidden.transpose(1, 2).flatten(1)


_ALL = "Every place's numbers one after the other: nothing is lost, and the vector is long."
POOLINGS: dict[str, Pooling] = {
    AS_TRAINED: Pooling(
        {"tokens": ("As trained", "The way this checkpoint's own files say its vectors are made.")}, None
    ),
    "mean": Pooling(
        {
            "tokens": ("Mean over tokens", "The average of all real tokens: a good first choice for most models."),
            "patches": ("Mean over patches", "The average of all patches of the picture, without [CLS] and its like."),
            "places": (
                "Average over places",
                "The average of each channel over all places: what is seen, not where.",
            ),
            "steps": ("Mean over steps", "The average over all steps: a good first choice for most models."),
        },
        mean,
    ),
    "first": Pooling(
        {
            "tokens": ("First token (CLS)", "The first token alone: for models trained to gather meaning in it."),
            "patches": (
                "First position (CLS)",
                "That alone: for models trained to gather meaning in it.",
            ),
            "steps": ("First step", "The first step alone."),
        },
        first,
        whole=True,
    ),
    "last": Pooling(
        {
            "tokens": ("Last token", "The last real token alone: for models that read from left to right."),
            "steps": ("Last step", "The last step alone: for models that read from left to right."),
        },
        last,
        whole=True,
    ),
    "max": Pooling(
        {
            "tokens": ("Maximum", "The largest value of each dimension over all tokens: whatever stands out."),
            "patches": ("Maximum", "The largest value of each dimension over all patches: whatever stands out."),
            "places": ("Maximum", "The largest value of each channel over all places: whatever is seen anywhere."),
            "steps": ("Maximum", "The largest value of each dimension over all steps: whatever stands out."),
        },
        maximum,
    ),
    "flatten": Pooling(
        {"patches": ("All places, flattened", _ALL), "places": ("All places, flattened", _ALL)}, flatten, whole=True
    ),
}


def suited(layer: Layer, *, recipe: bool) -> list[str]:
    """The poolings that a layer can be taken with; none where it holds one vector an instance already.

    ``recipe``: the checkpoint says how its vectors are made.
    """
    names = [name for name, pooling in POOLINGS.items() if layer.over in pooling.words]
    if not recipe:
        names = [name for name in names if name != AS_TRAINED]
    return [name for name in names if name != "first" or layer.over != "patches" or layer.prefix]


def label(name: str, over: str) -> str:
    """What a pooling is called where it goes over these positions."""
    return _words(name, over)[0]


def sentence(name: str, over: str) -> str:
    """What a pooling does, in one plain sentence."""
    return _words(name, over)[1]


def _words(name: str, over: str) -> tuple[str, str]:
    words = POOLINGS[name].words
    return words.get(over) or next(iter(words.values()))


#: sentence-transformers' mode names.
_TRAINED: dict[str, Pool] = {
    "cls": first,
    "max": maximum,
    "mean": mean,
    "mean_sqrt_len_tokens": mean_sqrt_length,
    "weightedmean": weighted_mean,
    "lasttoken": last,
}


def resolve(name: str, checkpoint: Checkpoint, layer: Layer) -> Pool:
    """The function behind a pooling's name, for ``layer``: (instances, positions, width) → (instances, width).

    Raises EmbedvizError for an unknown name, one that does not suit the layer, or where there is no recipe to follow.
    """
    if name not in POOLINGS:
        close = difflib.get_close_matches(name, POOLINGS, n=2)
        raise EmbedvizError("There is no such pooling", value=name, remedy=f"Choose {' or '.join(close or POOLINGS)}.")
    pooling = POOLINGS[name]
    if layer.over and layer.over not in pooling.words:
        fitting = suited(layer, recipe=not checkpoint.recipe.untold)
        raise EmbedvizError(
            f"This pooling does not suit a layer of {layer.over}", value=name, remedy=f"Choose {' or '.join(fitting)}."
        )
    if pooling.pool is None:
        # The dense parts were trained on the last layer's vectors and mean nothing on another's.
        return _as_trained(checkpoint, final=bool(layer.recommended))
    if pooling.pool is flatten and _channels_first(layer):
        return flatten_channels
    return pooling.pool if pooling.whole or not layer.prefix else _without_prefix(pooling.pool, layer.prefix)


def _channels_first(layer: Layer) -> bool:
    width = [
        place for place, axis in enumerate(layer.shape or ()) if axis != INSTANCES and place not in layer.positions
    ]
    return bool(width and layer.positions) and width[0] < layer.positions[0]


def _without_prefix(pool: Pool, prefix: int) -> Pool:
    return lambda hidden, mask: pool(hidden[:, prefix:], mask[:, prefix:])


def _as_trained(checkpoint: Checkpoint, *, final: bool) -> Pool:
    import torch

    recipe = checkpoint.recipe
    if recipe.untold:
        raise EmbedvizError(recipe.untold, value=checkpoint.name, remedy="Choose the mean over tokens.")

    def pool(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        pooled = torch.cat([_TRAINED[mode](hidden, mask) for mode in recipe.modes], dim=1)
        for dense in recipe.dense if final else ():
            pooled = dense(pooled)
        return torch.nn.functional.normalize(pooled, dim=1) if recipe.normalise else pooled

    return pool
