"""The module tree of a model as layers: what each makes, in which order, and why some cannot be captured."""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from embedviz import heads, roles
from embedviz.axes import Axes, find_positions, name_axes
from embedviz.errors import EmbedvizError, LayerError, first_line
from embedviz.hooks import INPUT, Call, Observed, observe
from embedviz.makers import Sides, patch_count, score_layer
from embedviz.modalities.feed import Feed, probe_feeds
from embedviz.records import Layer
from embedviz.undisturbed import few_threads, is_script

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint

log = logging.getLogger(__name__)


def probe(checkpoint: Checkpoint) -> tuple[Layer, ...]:
    """All layers of the model, in the order of the module tree, from two tiny forward passes.

    A module that is called more than once gives a layer a call (``path``, ``path#2``, …) and their mean
    (``path#mean``); what it makes beside its main output, and what it is given, are layers too (``path:h_n``,
    ``path:input``). A module that cannot be captured is listed with its reason.
    """
    try:
        feeds = probe_feeds(checkpoint)
        with checkpoint.lock, few_threads(checkpoint.model):
            runs = [observe(checkpoint, feed) for feed in feeds]
    except MemoryError:
        raise
    except EmbedvizError as error:
        return _unread(checkpoint, f"{error.what}. {error.remedy}".strip())
    except Exception as error:
        # Whatever a model's own code raises, its module tree is there to be seen.
        log.info("the probe failed", exc_info=True)
        return _unread(checkpoint, f"The model failed in a test pass ({first_line(error)}).")
    tree = _Tree(checkpoint, runs, feeds)
    layers = [layer for path, module in _modules(checkpoint.model) for layer in tree.layers_of(path, module)]
    return tuple(roles.mark(layers, checkpoint, tree.final, _untrained(checkpoint)))


def _modules(model: Any) -> Iterator[tuple[str, Any]]:
    """All modules by every name they have."""
    yield from model.named_modules(remove_duplicate=False)


def _untrained(checkpoint: Checkpoint) -> set[str]:
    return {name.rpartition(".")[0] for name in checkpoint.untrained}


def _unread(checkpoint: Checkpoint, why: str) -> tuple[Layer, ...]:
    """The layers of a model that could not be run: all but what only a run can tell."""
    base = roles.base_path(checkpoint.model)
    layers = [
        Layer(
            path=path,
            kind=type(module).__name__,
            role=roles.role(path, module, checkpoint.model, base),
            parameters=_size(module),
            status="not run",
            why=why,
        )
        for path, module in _modules(checkpoint.model)
    ]
    return tuple(roles.mark(layers, checkpoint, None, _untrained(checkpoint)))


def _size(module: Any) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@dataclass
class _Tree:
    """Two passes over a model, from which each module's layers are told."""

    checkpoint: Checkpoint
    runs: Sequence[Observed]
    feeds: Sequence[Feed]

    def __post_init__(self) -> None:
        model = self.checkpoint.model
        self.base = roles.base_path(model)
        self.first_names = {id(module): path for path, module in model.named_modules()}
        self.sides = Sides(model, self.runs[0])
        self.grid = patch_count(model, self.runs[0].outputs)
        self.head = score_layer(model, self.runs[0].outputs)
        self.final = self._final()

    def layers_of(self, path: str, module: Any) -> Iterator[Layer]:
        """The module's layers: its calls, their mean, the parts of each, and what it is given."""
        role = "head" if path and path == self.head else roles.role(path, module, self.checkpoint.model, self.base)
        blank = Layer(path, type(module).__name__, role, _size(module))
        why_not = self._why_not(path, module)
        if why_not is not None:
            yield replace(blank, status=why_not[0], why=why_not[1])
            return
        calls = [run.outputs[path] for run in self.runs]
        pairs = list(zip(*calls, strict=True))
        mains = []
        for number, pair in enumerate(pairs, 1):
            address = path if number == 1 else f"{path}#{number}"
            main = self._layer(replace(blank, path=address, calls=len(pairs)), pair, "", module)
            mains.append(main)
            yield main
            yield from self._parts(main, pair, module)
        if len(pairs) > 1 and all(layer.capturable and layer.shape == mains[0].shape for layer in mains):
            yield replace(mains[-1], path=f"{path}#mean")
        yield from self._inputs(replace(blank, calls=len(pairs)))

    def _why_not(self, path: str, module: Any) -> tuple[str, str] | None:
        if ":" in path or "#" in path:
            return "odd name", "Its path holds “:” or “#”, which name parts and calls of modules here."
        if self.first_names.get(id(module), path) != path:
            other = self.first_names[id(module)] or "the whole model"
            return "alias", f"It is the very same module as {other}: choose it there."
        if is_script(module):
            return "script", "It is compiled TorchScript, on which PyTorch allows no hooks."
        first, second = (len(run.outputs.get(path, ())) for run in self.runs)
        if first != second:
            return "unstable calls", "It ran a different number of times for inputs of different size."
        if first:
            return None
        if not any(True for _ in module.parameters(recurse=False)) and any(True for _ in module.children()):
            return "container", "It only groups the modules inside it: choose one of those."
        why = "The model did not run it in a test pass, or ran it past its hooks (by its weights, or its forward())."
        return "never called", why

    def _layer(self, layer: Layer, pair: tuple[Call, ...], name: str, module: Any) -> Layer:
        """``layer`` with what the passes tell of the part ``name`` ("": the main one) of one of its calls."""
        one, two = pair[0], pair[1]
        key = name or one.main
        order = one.order
        if key is None or key not in one.tensors or key not in two.tensors:
            return replace(layer, status="no tensor", why=f"Its output is no tensor ({one.what}).", order=order)
        first, second = one.tensors[key], two.tensors[key]
        if not first.floating:
            why = f"Its output is whole numbers or truth values ({first.dtype}), not a vector."
            return replace(layer, status="non-float", why=why, order=order)
        padded = self.feeds[0].mask is not None
        axes = name_axes(first.shape, second.shape, [feed.sizes for feed in self.feeds], padded=padded)
        axes = find_positions(axes, self.sides.of(first, module), weights=first.weights)
        layer = replace(
            layer,
            shape=axes.shape or None,
            positions=axes.positions,
            over=axes.over,
            status=axes.status,
            why=axes.why,
            order=order,
            prefix=self._prefix(axes),
        )
        return replace(layer, heads=heads.count(layer, self.checkpoint.model)) if layer.capturable else layer

    def _parts(self, main: Layer, pair: tuple[Call, ...], module: Any) -> Iterator[Layer]:
        """The other tensors of an output, where there are several."""
        one = pair[0]
        for name in one.tensors:
            # A part of such a name would have the address of something else.
            odd = ":" in name or re.fullmatch(rf"{INPUT}|{INPUT}\..*|head\d+", name)
            if name != one.main and not odd and one.tensors[name].floating:
                blank = replace(main, path=f"{main.path}:{name}", shape=None, positions=(), over="", heads=0)
                part = self._layer(replace(blank, status="ok", why=""), pair, name, module)
                if part.capturable:
                    yield part

    def _inputs(self, blank: Layer) -> Iterator[Layer]:
        """What the module is given at its first call: the main tensor, and others by name."""
        pairs = [run.inputs.get(blank.path) for run in self.runs]
        if not pairs[0] or not pairs[1]:
            return
        pair = (pairs[0][0], pairs[1][0])
        for name in pair[0].tensors:
            address = f"{blank.path}:{INPUT}" if name == pair[0].main else f"{blank.path}:{INPUT}.{name}"
            layer = self._layer(replace(blank, path=address), pair, name, None)
            if layer.capturable and ":" not in name:
                yield layer

    def _prefix(self, axes: Axes) -> int:
        """How many of a picture's positions are no patches: those beyond the grid that the patches were cut by."""
        if axes.over != "patches" or not self.grid:
            return 0
        count = axes.shape[axes.positions[0]]
        beyond = count - self.grid if isinstance(count, int) else 0
        return beyond if 0 < beyond <= 16 else 0

    def _final(self) -> str | None:
        """The path whose output is the base model's last hidden state: a block if there is one, else the shallowest."""
        outputs = self.runs[0].outputs
        last = outputs.get(self.base)
        if self.head:
            # What a head reads is the last that may be an embedding.
            last = self.runs[0].inputs.get(self.head)
        target = _digest(last[-1]) if last else None
        if target is None:
            return None
        same = [
            (path if call == 0 else f"{path}#{call + 1}", path)
            for path, calls in outputs.items()
            for call, seen in enumerate(calls)
            if path != self.base and _digest(seen) == target and seen.plain
        ]
        named = dict(self.checkpoint.model.named_modules())
        model = self.checkpoint.model
        blocks = [name for name, path in same if roles.role(path, named[path], model, self.base) == "block"]
        if blocks:
            return blocks[-1]
        # Dropout gives back what it was given; the module that made it says more.
        made = [(name, path) for name, path in same if roles.role(path, named[path], model, self.base) != "dropout"]
        return min((name for name, _ in made or same), key=lambda name: name.count("."), default=self.base)


def _digest(call: Call) -> tuple[Any, ...] | None:
    return call.tensors[call.main].digest if call.main is not None else None


def find(layers: Iterable[Layer], path: str, *, insist: bool = False) -> Layer:
    """The layer at ``path``. Raises LayerError with close matches where there is none, or why it cannot be used.

    A layer with random parameters is given only where ``insist``.
    """
    listed = list(layers)
    layer = next((each for each in listed if each.path == path), None) or heads.find(listed, path)
    if layer is None:
        raise _unknown(listed, path)
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


def _unknown(layers: list[Layer], path: str) -> LayerError:
    paths = [layer.path for layer in layers if layer.capturable]
    close = difflib.get_close_matches(path, paths, n=3, cutoff=0.5) or [p for p in paths if p.endswith(path)][:3]
    remedy = f"Did you mean {' or '.join(close)}?" if close else "List the layers to see their names."
    return LayerError("There is no such layer", value=path, remedy=remedy)


def variants(layers: Iterable[Layer], layer: Layer) -> list[Layer]:
    """The ways to take a module: its output, its other calls and parts, its input, and its heads."""
    same = [each for each in layers if each.module == layer.module and each.capturable]
    return [*same, *(head for each in same for head in heads.split(each))]
