"""What is caught on the way through a model: at which event, of which part, pooled how, into which rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from embedviz import heads
from embedviz.errors import CaptureError
from embedviz.hooks import INPUT, Stop
from embedviz.modalities.feed import Feed
from embedviz.parts import inputs, lengths, main_name, main_tensor, parts
from embedviz.pooling import Pool, resolve
from embedviz.records import INSTANCES, TOKENS, FloatArray, IntArray, Layer

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint


@dataclass
class Catch:
    """What is to be caught at one layer, and the rows filled so far: by pooling (instances, width) float32."""

    layer: Layer
    pools: dict[str, Pool]
    count: int
    rows: dict[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.whole, self.head = heads.of(self.layer)
        part = self.whole.partition(":")[2]
        self.into = part == INPUT or part.startswith(f"{INPUT}.")
        self.part = part.removeprefix(INPUT).removeprefix(".") if self.into else part
        #: Which call is caught; 0 stands for the mean of all.
        self.call = self.layer.call
        self._share = 1.0 / len(self.calls)

    @property
    def calls(self) -> range:
        """The calls, from 1, that this is made of."""
        return range(1, self.layer.calls + 1) if self.call == 0 else range(self.call, self.call + 1)

    def take(self, tensor: torch.Tensor | None, feed: Feed, where: IntArray, call: int, value: Any = None) -> None:
        """Pool one batch's tensor into the rows ``where``. CaptureError if it is not as the probe saw it.

        ``value`` is the whole that it is a part of.
        """
        import torch

        real = _lengths(value, self.layer)
        hidden = _arranged(tensor, self.layer, self.head, feed.sizes)
        mask = feed.mask
        if hidden.ndim == 3 and (mask is None or self.layer.over != "tokens"):
            mask = torch.ones(hidden.shape[:2], dtype=torch.bool, device=hidden.device)
            if real is not None:
                ends = torch.tensor(real, device=hidden.device).unsqueeze(1)
                mask = torch.arange(hidden.shape[1], device=hidden.device) < ends
        self.keep(hidden, mask, where, call)

    def keep(self, hidden: torch.Tensor, mask: torch.Tensor | None, where: IntArray, call: int) -> None:
        """Keep of (instances, positions, width) or (instances, width) in float32 what is wanted of it."""
        import torch

        for name, pool in self.pools.items():
            pooled = pool(hidden, mask) if hidden.ndim == 3 and mask is not None else hidden
            values = pooled.to(torch.float32).cpu().numpy()
            if name not in self.rows:
                self.rows[name] = np.full((self.count, values.shape[1]), np.nan, dtype=np.float32)
            if self._share < 1:
                values = values * self._share
            if self.call == 0 and call > 1:
                self.rows[name][where] += values
            else:
                self.rows[name][where] = values


def _lengths(value: Any, layer: Layer) -> list[int] | None:
    """How many steps of each instance are real where a model packs them; None where all are."""
    try:
        return lengths(value)
    except ValueError as error:
        raise CaptureError(
            f"Whose vectors these are cannot be told: the layer is given {error}",
            value=layer.path,
            remedy="Choose a layer after the model has put the instances back, or pack with enforce_sorted=False.",
        ) from error


def _arranged(tensor: torch.Tensor | None, layer: Layer, head: int, sizes: Any) -> torch.Tensor:
    """The tensor as (instances, positions, width) or (instances, width), of one head where ``head`` (from 1)."""
    import torch

    assert layer.shape is not None
    shape = layer.shape
    if tensor is None or not _fits(tuple(tensor.shape), shape, head, sizes):
        found = "no tensor" if tensor is None else " × ".join(map(str, tensor.shape))
        raise CaptureError(
            f"This layer's output changed its shape: {found} where the probe promised {layer.shape_text}",
            value=layer.path,
            remedy="Choose another layer.",
        )
    if tensor.ndim == 3 and layer.positions == (1,) and shape[0] == INSTANCES and not head:
        return tensor.to(torch.float32)  # as nearly all outputs are
    first = shape.index(INSTANCES)
    rest = [place for place in range(len(shape)) if place != first and place not in layer.positions]
    tensor = tensor.permute([first, *layer.positions, *rest])
    count = tensor.shape[0]
    if layer.positions:
        places = int(np.prod(tensor.shape[1 : 1 + len(layer.positions)]))
        tensor = tensor.reshape(count, places, -1)
    else:
        tensor = tensor.reshape(count, -1)
    if head:
        tensor = tensor[..., (head - 1) * layer.width : head * layer.width]
    return tensor.to(torch.float32)


def _fits(found: tuple[int, ...], shape: tuple[str | int, ...], head: int, sizes: Any) -> bool:
    if len(found) != len(shape):
        return False
    for size, axis in zip(found, shape, strict=True):
        expected = sizes.get(axis) if axis in (INSTANCES, TOKENS) else axis
        # The steps that a model makes of an input are its own affair, and a head is a part of its axis.
        part = head and isinstance(axis, int) and size % axis == 0
        if isinstance(expected, int) and size != expected and not part:
            return False
    return True


def plan(checkpoint: Checkpoint, layers: Sequence[Layer], poolings: Sequence[str], count: int) -> list[Catch]:
    """A catch a layer. EmbedvizError for a pooling that does not suit one of them."""
    return [Catch(layer, {name: resolve(name, checkpoint, layer) for name in poolings}, count) for layer in layers]


class Events:
    """Which calls of which modules are caught, and the batch that is on its way."""

    def __init__(self, checkpoint: Checkpoint, catches: Sequence[Catch]) -> None:
        self._by_event: dict[tuple[bool, str, int], list[Catch]] = {}
        for catch in catches:
            for call in catch.calls:
                self._by_event.setdefault((catch.into, catch.layer.module, call), []).append(catch)
        paths = dict.fromkeys(catch.layer.module for catch in catches)
        self.modules = {path: checkpoint.model.get_submodule(path) for path in paths}
        self.into = {catch.layer.module for catch in catches if catch.into}
        self._last = self._last_event(checkpoint, catches)
        self._calls: dict[tuple[bool, str], int] = {}
        self._failure: Exception | None = None

    def _last_event(self, checkpoint: Checkpoint, catches: Sequence[Catch]) -> tuple[bool, str, int] | None:
        """The event after which nothing more is wanted.

        None where a model may run its modules in another order, and where a mean must be of all calls: only a whole
        pass shows that there were no more.
        """
        if any(layer.status == "unstable calls" for layer in checkpoint.layers) or any(not c.call for c in catches):
            return None
        last = max(catches, key=lambda catch: catch.layer.order or 0)
        return last.into, last.layer.module, last.calls[-1]

    def begin(self, feed: Feed, rows: IntArray) -> None:
        """A batch begins."""
        self._feed, self._rows = feed, rows
        self._calls.clear()
        self._failure = None

    def see(self, path: str, output: Any) -> None:
        self._see(False, path, output)

    def see_input(self, path: str, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        self._see(True, path, (given, named))

    def _see(self, into: bool, path: str, value: Any) -> None:
        call = self._calls[into, path] = self._calls.get((into, path), 0) + 1
        event = (into, path, call)
        try:
            for catch in self._by_event.get(event, ()):
                tensor = self._part(into, path, value, catch.part)
                catch.take(tensor, self._feed, self._rows, call, value)
        except Exception as error:
            self._failure = error  # a model may swallow it
            raise
        if event == self._last:
            raise Stop

    def _part(self, into: bool, path: str, value: Any, part: str) -> torch.Tensor | None:
        if into:
            found = inputs(*value)
            return found.get(part or main_name(found) or "")
        if not part:
            return main_tensor(value, self.modules[path])
        return parts(value, self.modules[path]).get(part)

    def end(self) -> None:
        """A batch is over: CaptureError where not all that was promised is caught.

        A model may choose its modules by the input; one it left out must not pass for a vector.
        """
        if self._failure is not None:
            raise self._failure
        for (into, path, call), catches in self._by_event.items():
            ran = self._calls.get((into, path), 0)
            if ran < call:
                raise CaptureError(
                    "The model did not run this layer for some of the instances",
                    value=catches[0].layer.path,
                    remedy="Choose a layer that every input passes through.",
                )
            mean = next((catch for catch in catches if catch.call == 0), None)
            if mean is not None and ran != mean.layer.calls:
                raise CaptureError(
                    f"The model ran this layer {ran} times, where the probe saw {mean.layer.calls}",
                    value=mean.layer.path,
                    remedy="Choose one of its calls in place of their mean.",
                )
