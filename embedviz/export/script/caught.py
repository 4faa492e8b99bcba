"""The hook of a script: where in what a module gives or is given the wanted tensor stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedviz import heads
from embedviz.errors import ExportError
from embedviz.hooks import INPUT, Stop, forward, hooked
from embedviz.modalities.feed import probe_feeds
from embedviz.parts import inputs, lengths, main_name, parts
from embedviz.records import INSTANCES, Layer
from embedviz.undisturbed import undisturbed

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint


@dataclass(frozen=True)
class Caught:
    """``into``: before the module is called, of its arguments. ``where`` is the expression of the tensor in ``output``,
    or in ``given`` and ``named``; ``single``: it holds float32."""

    into: bool
    where: str
    single: bool


def caught(checkpoint: Checkpoint, layer: Layer) -> Caught:
    """How the layer's tensor is come by, seen in a small pass. ExportError where it is no tensor as it stands."""
    whole, _ = heads.of(layer)
    part = whole.partition(":")[2]
    into = part == INPUT or part.startswith(f"{INPUT}.")
    part = part.removeprefix(INPUT).removeprefix(".") if into else part
    value = _seen(checkpoint, layer, into)
    module = checkpoint.model.get_submodule(layer.module)
    found = inputs(*value) if into else parts(value, module)
    tensor = found.get(part or main_name(found) or "")
    held = {"given": value[0], "named": value[1]} if into else {"output": value}
    where = next((told for name, each in held.items() if (told := _where(each, tensor, name))), None)
    if tensor is None or where is None or lengths(value) is not None:
        raise ExportError(
            "What this layer makes is packed or nested, and has to be unpacked first",
            value=layer.path,
            remedy="Choose a layer after it, whose output is a plain tensor.",
        )
    import torch

    return Caught(into, where, tensor.dtype is torch.float32)


def _seen(checkpoint: Checkpoint, layer: Layer, into: bool) -> Any:
    """What goes into the module, or comes out of it, at the call that is wanted."""
    wanted, seen = max(1, layer.call), []

    def keep(value: Any) -> None:
        seen.append(value)
        if len(seen) == wanted:
            raise Stop

    modules = {layer.module: checkpoint.model.get_submodule(layer.module)}
    with (
        checkpoint.lock,
        undisturbed(checkpoint.model),
        hooked(
            modules,
            lambda _path, output: None if into else keep(output),
            lambda _path, given, named: keep((given, named)) if into else None,
            into=modules if into else (),
        ),
    ):
        forward(checkpoint, probe_feeds(checkpoint)[0])
    return seen[-1]


def _where(value: Any, tensor: torch.Tensor | None, told: str) -> str | None:
    """The expression of ``tensor`` in ``value``, which ``told`` stands for; None where it is not in it."""
    if value is tensor:
        return told
    for name, inner in _children(value):
        found = _where(inner, tensor, f"{told}{name}")
        if found is not None:
            return found
    return None


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    """What stands in ``value``, by what Python writes behind its name to come to it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield (f".{key}" if _is_field(value, key, inner) else f"[{key!r}]"), inner
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from ((f".{name}", inner) for name, inner in zip(value._fields, value, strict=True))
    elif isinstance(value, tuple | list):
        yield from ((f"[{place}]", inner) for place, inner in enumerate(value))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((f".{field.name}", getattr(value, field.name)) for field in dataclasses.fields(value))


def _is_field(value: Any, key: Any, inner: Any) -> bool:
    return isinstance(key, str) and key.isidentifier() and getattr(value, key, None) is inner


def hook(layer: Layer, found: Caught) -> str:
    """The lines that put the hook on."""
    arguments, register = ("given, named", "forward_pre_hook") if found.into else ("given, output", "forward_hook")
    module = f"model.get_submodule({layer.module!r})" if layer.module else "model"
    named = ", with_kwargs=True" if found.into else ""
    return "\n".join(
        [
            "caught = []",
            "",
            "",
            f"def keep(module, {arguments}):",
            f"    caught.append({found.where}.clone())  # what comes after may change it in place",
            "",
            "",
            f"handle = {module}.register_{register}(keep{named})",
        ]
    )


def arranged(layer: Layer, found: Caught) -> str:
    """What brings ``hidden`` to (instances, positions, width) or (instances, width): ".transpose(1, 2)", …"""
    shape = layer.shape or ()
    first = shape.index(INSTANCES)
    rest = [place for place in range(len(shape)) if place != first and place not in layer.positions]
    order, count = [first, *layer.positions, *rest], len(layer.positions)
    told = "" if order == sorted(order) else f".permute{tuple(order)}"
    if count > 1:
        told += f".flatten(1, {count})"
    if not rest:
        told += ".unsqueeze(-1)"
    elif len(rest) > 1:
        told += f".flatten({2 if count else 1})"
    _, head = heads.of(layer)
    if head:
        told += f"[..., {(head - 1) * layer.width} : {head * layer.width}]"
    return told if found.single else f"{told}.float()"
