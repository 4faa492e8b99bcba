"""Forward hooks on a model: put on, seen through, and always taken off again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedviz.parts import inputs, main_name, parts
from embedviz.undisturbed import is_script, undisturbed

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint
    from embedviz.modalities.feed import Feed

INPUT = "input"


class Stop(BaseException):
    """Ends a forward pass once everything wanted is caught. Not an Exception: models swallow those."""


@contextlib.contextmanager
def hooked(
    modules: Mapping[str, torch.nn.Module],
    see: Callable[[str, Any], None],
    see_input: Callable[[str, tuple[Any, ...], dict[str, Any]], None] | None = None,
    *,
    into: Collection[str] = (),
) -> Iterator[None]:
    """``see(path, output)`` after each call of the given modules in this thread; never changes an output.

    ``see_input(path, given, named)`` is called before each call of those whose path is in ``into``.
    """
    owner = threading.get_ident()
    handles: list[Any] = []

    # Another thread may use the same model meanwhile; its outputs are not ours.
    def after(path: str) -> Callable[..., None]:
        def hook(_module: Any, _inputs: Any, output: Any) -> None:
            if threading.get_ident() == owner:
                see(path, output)

        return hook

    def before(path: str) -> Callable[..., None]:
        def hook(_module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            if threading.get_ident() == owner and see_input is not None:
                see_input(path, given, named)

        return hook

    try:
        for path, module in modules.items():
            if path in into:
                handles.append(module.register_forward_pre_hook(before(path), with_kwargs=True))
            handles.append(module.register_forward_hook(after(path)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def forward(checkpoint: Checkpoint, feed: Feed) -> Any:
    """One pass over a batch and what it returned; None where Stop ended it early, as asked for.

    Numbers with a point are given in the model's own number type (half precision, float64), all where the model is.
    """
    import torch

    model = checkpoint.model
    extra = {"use_cache": False} if "use_cache" in checkpoint.arguments else {}
    dtype = next((each.dtype for each in model.parameters() if each.is_floating_point()), torch.float32)
    device = next((each.device for each in model.parameters()), torch.device("cpu"))

    def fitted(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(device, dtype) if tensor.is_floating_point() else tensor.to(device)

    try:
        given = map(fitted, feed.given)
        return model(*given, **{name: fitted(tensor) for name, tensor in feed.named.items()}, **extra)
    except Stop:
        return None


@dataclass(frozen=True)
class Seen:
    """A tensor that was seen: its shape and what is in it. ``digest`` is equal for equal values of equal shape.

    ``weights``: its last axis sums to one over as many places as the axis before it has, as attention weights do.
    """

    shape: tuple[int, ...]
    dtype: str
    floating: bool
    digest: tuple[Any, ...] | None
    weights: bool


@dataclass(frozen=True)
class Call:
    """One call of a module: its place in the order of all calls, and what went in or came out.

    ``tensors`` by part; ``main`` is the part that is meant where none is named. ``what`` is the whole's type.
    """

    order: int
    what: str
    tensors: Mapping[str, Seen]
    main: str | None

    @property
    def plain(self) -> bool:
        """Whether the whole is the tensor."""
        return self.main == ""


@dataclass(frozen=True)
class Observed:
    """Every call of every module in one pass, by path: what came out, and what went in."""

    outputs: Mapping[str, list[Call]]
    inputs: Mapping[str, list[Call]]


def observe(checkpoint: Checkpoint, feed: Feed) -> Observed:
    """Every call of every module in one pass over ``feed``, by path."""
    came: dict[str, list[Call]] = {}
    went: dict[str, list[Call]] = {}
    modules = {path: module for path, module in checkpoint.model.named_modules() if not is_script(module)}
    order = 0

    def see(path: str, output: Any) -> None:
        nonlocal order
        came.setdefault(path, []).append(_call(order, type(output).__name__, parts(output, modules[path])))
        order += 1

    def see_input(path: str, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        nonlocal order
        went.setdefault(path, []).append(_call(order, "its arguments", inputs(given, named)))
        order += 1

    with undisturbed(checkpoint.model), hooked(modules, see, see_input, into=modules):
        forward(checkpoint, feed)
    return Observed(came, went)


def _call(order: int, what: str, found: Mapping[str, torch.Tensor]) -> Call:
    return Call(order, what, {name: _seen(tensor) for name, tensor in found.items()}, main_name(found))


def _seen(tensor: torch.Tensor) -> Seen:
    floating = tensor.is_floating_point()
    digest, weights = None, False
    if floating and tensor.numel():
        values = tensor.detach().cpu().double()  # Apple's GPUs know no float64
        flat = values.flatten()
        digest = (tuple(tensor.shape), float(flat.sum()), float(flat[:: max(1, len(flat) // 97)].sum()))
        square = tensor.ndim >= 3 and tensor.shape[-1] == tensor.shape[-2] > 1
        weights = square and bool(((values.sum(-1) - 1).abs() < 1e-3).all()) and bool((values >= 0).all())
    return Seen(tuple(tensor.shape), str(tensor.dtype), floating, digest, weights)
