"""The poolings as lines of a script: with a mask of real tokens, and where every position is real."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embedviz.checkpoints import weights as weights_
from embedviz.checkpoints.json_file import read_json
from embedviz.errors import ExportError
from embedviz.export.script.draft import Part, block
from embedviz.export.script.source import Places
from embedviz.export.script.tensors_in_file import reading
from embedviz.pooling import AS_TRAINED, POOLINGS
from embedviz.records import INSTANCES, Layer

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint


@dataclass(frozen=True)
class Lines:
    """An expression of ``hidden`` and ``mask``, (instances, positions), one of ``hidden`` alone, and what each is."""

    masked: str
    whole: str
    said_masked: str
    said_whole: str


#: What the expressions call by a name of its own.
_NAMES = {
    "real": "hidden.masked_fill(~mask.unsqueeze(-1), 0)",
    "shares": "mask / mask.sum(1, keepdim=True)",
    "weights": "torch.arange(1, hidden.shape[1] + 1)",
}
_LINES = {
    "mean": Lines(
        "(shares.unsqueeze(1) @ real).squeeze(1)",
        "hidden.mean(1)",
        "The mean over real tokens: padding is never read.",
        "The mean over all positions.",
    ),
    "first": Lines(
        "hidden[:, 0]",
        "hidden[:, 0]",
        "The first token: padding stands on the right.",
        "The first position.",
    ),
    "last": Lines(
        "hidden[torch.arange(len(hidden)), mask.sum(1) - 1]",
        "hidden[:, -1]",
        "The last real token, behind which padding begins.",
        "The last position.",
    ),
    "max": Lines(
        "hidden.masked_fill(~mask.unsqueeze(-1), float('-inf')).amax(1)",
        "hidden.amax(1)",
        "The largest value of each dimension over real tokens: padding is never read.",
        "The largest value of each dimension over all positions.",
    ),
    "mean_sqrt_length": Lines(
        "(shares.unsqueeze(1) @ real).squeeze(1) * mask.sum(1, keepdim=True).sqrt()",
        "hidden.sum(1) / hidden.shape[1] ** 0.5",
        "The sum over real tokens by the square root of their number.",
        "The sum over positions by the square root of their number.",
    ),
    "weighted_mean": Lines(
        "(real * weights[:, None]).sum(1) / (weights * mask).sum(1, keepdim=True)",
        "(hidden * weights[:, None]).sum(1) / weights.sum()",
        "The mean over real tokens, weighted by position 1, 2, 3, …",
        "The mean over positions, weighted by 1, 2, 3, …",
    ),
    "flatten": Lines(
        "hidden.flatten(1)",
        "hidden.flatten(1)",
        "All positions one after the other.",
        "All positions one after the other.",
    ),
}
#: sentence-transformers' mode names.
_MODES = {
    "cls": "first",
    "max": "max",
    "mean": "mean",
    "mean_sqrt_len_tokens": "mean_sqrt_length",
    "weightedmean": "weighted_mean",
    "lasttoken": "last",
}


def pooling(name: str, checkpoint: Checkpoint, layer: Layer, arranged: str, places: Places) -> Part:
    """The function ``pool`` of a script, none where the layer holds a vector an instance as it stands."""
    before = [f"hidden = hidden{arranged}"] if arranged else []
    masked = layer.over == "tokens"
    if not layer.positions:
        lines = [f"return hidden{arranged}"] if arranged else []
        return Part(functions=(block("def pool(hidden):", lines),) if lines else ())
    if name == AS_TRAINED:
        return _as_trained(checkpoint, layer, before, masked, places)
    told = _LINES[name]
    if layer.prefix and not POOLINGS[name].whole:
        before.append(f"hidden = hidden[:, {layer.prefix}:]  # what is no patch of the picture")
    elif name == "flatten" and _channels_first(layer):
        before.append("hidden = hidden.transpose(1, 2)  # channels before places, as the layer has them")
    pool = told.masked if masked else told.whole
    lines = [*before, *_named([pool]), f"return {pool}"]
    return Part(functions=(_function(told.said_masked if masked else told.said_whole, lines),))


def _named(pools: Sequence[str]) -> list[str]:
    """The lines that make what the expressions call by a name."""
    used = [name for name in _NAMES if any(re.search(rf"\b{name}\b", pool) for pool in pools)]
    return [f"{name} = {_NAMES[name]}" for name in used]


def _function(said: str, lines: Sequence[str]) -> str:
    takes = "hidden, mask" if any(re.search(r"\bmask\b", line) for line in lines) else "hidden"
    return block(f"def pool({takes}):", [f'"""{said}"""', *lines])


def _channels_first(layer: Layer) -> bool:
    width = [
        place for place, axis in enumerate(layer.shape or ()) if axis != INSTANCES and place not in layer.positions
    ]
    return bool(width) and width[0] < layer.positions[0]


def _as_trained(checkpoint: Checkpoint, layer: Layer, before: list[str], masked: bool, places: Places) -> Part:
    """The checkpoint's own recipe: its poolings side by side, its dense parts, and length 1."""
    recipe = checkpoint.recipe
    told = [_LINES[_MODES[mode]] for mode in recipe.modes]
    pools = [each.masked if masked else each.whole for each in told]
    lines = [*before, *_named(pools)]
    if len(pools) == 1:
        lines.append(f"pooled = {pools[0]}")
    else:
        lines += ["modes = [", *(f"    {each}," for each in pools), "]", "pooled = torch.cat(modes, dim=1)"]
    # The dense parts were trained on the last layer's vectors.
    dense = list(recipe.dense) if layer.recommended else []
    lines += [f"pooled = dense_{number}(pooled)" for number in range(1, len(dense) + 1)]
    lines.append("return torch.nn.functional.normalize(pooled, dim=1)" if recipe.normalise else "return pooled")
    body, files = _dense(checkpoint, places, dense)
    function = _function(f"As this model was trained: {recipe.text}.", lines)
    return Part(functions=(function,), body=body, files=files)


def _dense(
    checkpoint: Checkpoint, places: Places, modules: Sequence[torch.nn.Module]
) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """The lines that make the dense parts of a sentence-transformers folder."""
    if not modules:
        return (), ()
    assert checkpoint.origin is not None
    listed = read_json(checkpoint.origin / "modules.json")
    folders = [checkpoint.origin / str(each["path"]) for each in listed if str(each["type"]).endswith("Dense")]
    lines: list[str] = []
    files: list[Path] = []
    for number, (folder, module) in enumerate(zip(folders, modules, strict=True), 1):
        linear, activation = list(module.children())
        found = weights_.of_folder(folder)
        if len(found.files) > 1:
            raise ExportError("A dense part is in several files", value=folder.name, remedy="Save the model again.")
        size = f"{linear.in_features}, {linear.out_features}{'' if linear.bias is not None else ', bias=False'}"
        name = f"dense_{number}"
        lines += [
            f"{name} = torch.nn.Sequential(torch.nn.Linear({size}), torch.nn.{type(activation).__name__}()).eval()",
            f"weights = {reading(found.files[0], '', found).format(file=places.name(found.files[0]))}",
            f"{name}[0].load_state_dict({{key.removeprefix('linear.'): value for key, value in weights.items()}})",
        ]
        files.append(found.files[0])
    return ("\n".join(lines),), tuple(files)
