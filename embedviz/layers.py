"""The module tree of a model as layers: what each makes, in which order, and why some cannot be captured."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from embedviz import roles
from embedviz.errors import EmbedvizError, LayerError, first_line
from embedviz.hooks import Call, few_threads, observe
from embedviz.modalities import text
from embedviz.records import INSTANCES, TOKENS, Layer

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint

log = logging.getLogger(__name__)

#: Two sizes that share no factor, so that every axis of an output shows by its ratio which one it follows.
_PROBES = ((2, 11), (3, 13))
Shape = tuple[str | int, ...]


def probe(checkpoint: Checkpoint) -> tuple[Layer, ...]:
    """All layers of the model, in the order of the module tree, from two tiny forward passes.

    A module that is called more than once gives a layer a call: ``path``, ``path#2``, … A module that cannot be
    captured is listed with its reason.
    """
    from transformers.utils import ModelOutput

    if checkpoint.reads != "text":
        return _unread(checkpoint, f"This model reads {checkpoint.reads}, and so far embedviz gives models text only.")
    try:
        with checkpoint.lock, few_threads(checkpoint.model):
            runs = [observe(checkpoint, text.probe_batch(checkpoint, *size)) for size in _PROBES]
    except (EmbedvizError, MemoryError):
        raise
    except Exception as error:
        # Whatever a model's own code raises, its module tree is there to be seen.
        log.info("the probe failed", exc_info=True)
        return _unread(checkpoint, f"The model failed in a test pass ({first_line(error)}).")
    base = roles.base_path(checkpoint.model)
    final = _final_layer(checkpoint, runs[0], base)
    untrained = {name.rpartition(".")[0] for name in checkpoint.untrained}
    layers: list[Layer] = []
    for path, module in checkpoint.model.named_modules():
        calls = [run.get(path, []) for run in runs]
        count = max(1, len(calls[0]))
        parameters = sum(parameter.numel() for parameter in module.parameters())
        for number in range(count):
            shape, status, why = _describe(module, calls, number, ModelOutput)
            name = path if number == 0 else f"{path}#{number + 1}"
            layers.append(
                Layer(
                    path=name,
                    kind=type(module).__name__,
                    role=roles.role(path, module, checkpoint.model, base),
                    parameters=parameters,
                    shape=shape,
                    calls=len(calls[0]),
                    status=status,
                    why=why,
                    order=calls[0][number].order if number < len(calls[0]) else None,
                )
            )
    return tuple(roles.mark(layers, checkpoint, final, untrained))


def _unread(checkpoint: Checkpoint, why: str) -> tuple[Layer, ...]:
    """The layers of a model that could not be run: all but what only a run can tell."""
    base = roles.base_path(checkpoint.model)
    untrained = {name.rpartition(".")[0] for name in checkpoint.untrained}
    layers = [
        Layer(
            path=path,
            kind=type(module).__name__,
            role=roles.role(path, module, checkpoint.model, base),
            parameters=sum(parameter.numel() for parameter in module.parameters()),
            status="not run",
            why=why,
        )
        for path, module in checkpoint.model.named_modules()
    ]
    return tuple(roles.mark(layers, checkpoint, None, untrained))


def _describe(module: Any, calls: list[list[Call]], number: int, model_output: type) -> tuple[Shape | None, str, str]:
    first, second = calls
    if not first:
        if not hasattr(module, "weight") and any(True for _ in module.children()):
            return None, "container", "It only groups the modules inside it: choose one of those."
        return None, "never called", "The model did not run it in a test pass, so it has no output."
    if len(first) != len(second):
        return None, "unstable calls", "It ran a different number of times for inputs of different size."
    one, two = first[number], second[number]
    if one.shape is None or two.shape is None:
        return None, "no tensor", f"Its output is no tensor ({one.what})."
    if not one.floating:
        return None, "non-float", f"Its output is whole numbers or truth values ({one.what}), not a vector."
    return _axes(one.shape, two.shape)


def _axes(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[Shape | None, str, str]:
    """Name each axis by how its size changed between the probes, and say whether vectors can be read from it."""
    if len(one) != len(two):
        return None, "data-dependent", f"Its output has {len(one)} or {len(two)} axes, depending on the input."
    axes = tuple(_axis(*sizes) for sizes in zip(one, two, strict=True))
    if "?" in axes:
        return axes, "data-dependent", f"An axis of its output changes in a way of its own ({one} and {two})."
    fixed = [axis for axis in axes if isinstance(axis, int)]
    if axes.count(INSTANCES) != 1:
        if f"{INSTANCES}·{TOKENS}" in axes:
            return axes, "flat tokens", "It lines up the tokens of all instances in one row."
        return axes, "no batch axis", "Its output is the same for all instances, so it says nothing about one."
    if axes.count(TOKENS) > 1:
        return axes, "extra axes", "It relates tokens to tokens (attention weights) and holds no vector of one."
    if len(fixed) != 1 or len(axes) != axes.count(TOKENS) + 2:
        return axes, "extra axes", "It has more axes than instances, tokens and one width."
    return axes, "ok", ""


def _axis(one: int, two: int) -> str | int:
    (b1, t1), (b2, t2) = _PROBES
    if one == two:
        return one
    for name, (small, large) in {
        INSTANCES: (b1, b2),
        TOKENS: (t1, t2),
        f"{INSTANCES}·{TOKENS}": (b1 * t1, b2 * t2),
    }.items():
        if (one, two) == (small, large):
            return name
        if one % small == 0 and one // small * large == two:
            return f"{one // small}·{name}"
    return "?"


def _final_layer(checkpoint: Checkpoint, run: dict[str, list[Call]], base: str) -> str | None:
    """The path whose output is the base model's last hidden state: a block where there is one, else the shallowest."""
    target = run[base][-1].digest if run.get(base) else None
    if target is None:
        return None
    same = [
        (path if call == 0 else f"{path}#{call + 1}", path)
        for path, calls in run.items()
        for call, seen in enumerate(calls)
        if path != base and seen.digest == target and seen.plain
    ]
    named = dict(checkpoint.model.named_modules())
    blocks = [name for name, path in same if roles.role(path, named[path], checkpoint.model, base) == "block"]
    if blocks:
        return blocks[-1]
    return min((name for name, _ in same), key=lambda name: name.count("."), default=base)


def find(layers: Iterable[Layer], path: str, *, insist: bool = False) -> Layer:
    """The layer at ``path``. Raises LayerError with close matches where there is none, or why it cannot be used.

    A layer with random parameters is given only where ``insist``.
    """
    listed = list(layers)
    for layer in listed:
        if layer.path == path:
            if not layer.capturable:
                raise LayerError(
                    f"This layer cannot be captured. {layer.why}", value=path or layer.kind, remedy="Choose another."
                )
            if layer.untrained and not insist:
                raise LayerError(
                    f"This layer's vectors would be random. {layer.warning}",
                    value=path or layer.kind,
                    remedy="Choose a layer that was trained, or insist on this one.",
                    code="choice.untrained",
                )
            return layer
    paths = [layer.path for layer in listed if layer.capturable]
    close = difflib.get_close_matches(path, paths, n=3, cutoff=0.5) or [p for p in paths if p.endswith(path)][:3]
    remedy = f"Did you mean {' or '.join(close)}?" if close else "List the layers to see their names."
    raise LayerError("There is no such layer", value=path, remedy=remedy)
