"""What a module is for, told from its class, its name and its place, in the field's own words."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from embedviz.records import Layer

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint

#: The first pattern that matches a module's class name decides.
_BY_CLASS = (
    ("norm", re.compile(r"norm", re.I)),
    ("dropout", re.compile(r"drop(out|path)", re.I)),
    ("attention", re.compile(r"attention|attn|selfoutput$", re.I)),
    ("mlp", re.compile(r"mlp|intermediate|feed.?forward|ffn|dense.*act|experts?$|moe|output$", re.I)),
    ("activation", re.compile(r"^(gelu|relu|silu|tanh|sigmoid|.*activation)", re.I)),
    ("embedding", re.compile(r"embed", re.I)),
    ("pooler", re.compile(r"pooler", re.I)),
    ("linear", re.compile(r"^(linear|conv\d?d?|nonDynamicallyQuantizableLinear)$", re.I)),
)
_BLOCK = re.compile(r"(layer|block|stage|group)$", re.I)
_POOLER = re.compile(r"(^|\.)pooler(\.|$)")


def base_path(model: torch.nn.Module) -> str:
    """The path of the model without its head: "" where there is no head."""
    base = getattr(model, "base_model", model)
    return next((path for path, module in model.named_modules() if module is base), "")


def role(path: str, module: torch.nn.Module, model: torch.nn.Module, base: str) -> str:
    """One word: model, embedding, block, attention, mlp, norm, pooler, head, linear, activation, dropout, other.

    ``base`` is the model's ``base_path``.
    """
    if path in ("", base):
        return "model"
    if base and not path.startswith(f"{base}."):
        return "head"
    if _POOLER.search(path):
        return "pooler"
    if _is_block(path, module, model):
        return "block"
    name = type(module).__name__
    found = next((word for word, pattern in _BY_CLASS if pattern.search(name)), None)
    return found or ("stack" if any(True for _ in module.children()) else "other")


def _is_block(path: str, module: torch.nn.Module, model: torch.nn.Module) -> bool:
    """A member of a numbered list that is not itself inside one: the unit that depth is counted in."""
    import torch

    parent, _, last = path.rpartition(".")
    if not last.isdigit() or any(part.isdigit() for part in parent.split(".")):
        return bool(last.isdigit() and _BLOCK.search(type(module).__name__) and not _inside_block(parent, model))
    return isinstance(_at(model, parent), torch.nn.ModuleList) and any(True for _ in module.children())


def _inside_block(parent: str, model: torch.nn.Module) -> bool:
    parts = parent.split(".")
    return any(
        part.isdigit() and _BLOCK.search(type(_at(model, ".".join(parts[: place + 1]))).__name__)
        for place, part in enumerate(parts)
    )


def _at(model: torch.nn.Module, path: str) -> Any:
    return model.get_submodule(path)


def mark(layers: list[Layer], checkpoint: Checkpoint, final: str | None, untrained: set[str]) -> list[Layer]:
    """Add the recommendation and the warnings: random parameters, logits, a pooler that training left out."""
    random = {layer.path for layer in layers if _holds_random(layer, untrained)}
    orders = [layer.order for layer in layers if layer.path in random and _feeds_others(layer)]
    spoilt = min((order for order in orders if order is not None), default=None)
    marked = []
    for layer in layers:
        after = spoilt is not None and layer.order is not None and layer.order > spoilt
        own = layer.path in random and layer.role not in ("model", "stack")
        marked.append(
            replace(
                layer,
                recommended=_why_recommended(checkpoint) if layer.path == final and layer.capturable else "",
                warning=_warning(layer, checkpoint, own, after),
                untrained=own or after,
            )
        )
    return marked


def _holds_random(layer: Layer, untrained: set[str]) -> bool:
    path = layer.module
    if layer.part.startswith("input"):  # what a module is given was made before it
        return False
    return any(name == path or name.startswith(f"{path}.") for name in untrained)


def _feeds_others(layer: Layer) -> bool:
    """Whether other layers build on this one: a pooler or a head is the end of its branch."""
    return layer.role not in ("pooler", "head", "model", "stack")


def _why_recommended(checkpoint: Checkpoint) -> str:
    if not checkpoint.recipe.untold:
        return f"The last hidden state, which this checkpoint's own recipe is made for ({checkpoint.recipe.text})."
    return "The last hidden state: what most uses of the model build on. Earlier layers may hold more for yours."


def _warning(layer: Layer, checkpoint: Checkpoint, own: bool, after: bool) -> str:
    if own:
        return "Never trained: its parameters were not in the file and hold random values."
    if after:
        return "It builds on a layer that was never trained and holds random values."
    if layer.role == "head":
        return "Part of the head: its output is scores for the model's task (logits), not an embedding."
    if layer.role == "pooler" and not checkpoint.recipe.untold:
        return f"Not used when this model was trained for similarity: that took the {checkpoint.recipe.text}."
    if layer.role == "pooler":
        return "Trained for a task of its own (next sentence); its vectors rarely tell meanings apart."
    return ""
