"""What each axis of a layer's tensor is: told by how its size follows the input's, and by the module that made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embedviz.records import INSTANCES, TOKENS

Shape = tuple[str | int, ...]
STEPS, VARYING = "steps", "varying"

#: Modules of torch.nn whose width is their last axis, and those whose width is the axis behind the instances.
_LAST = ("Linear", "LayerNorm", "RMSNorm", "Embedding", "Bilinear", "MultiheadAttention")
_SECOND = (
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d",
    "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d",
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "MaxPool3d", "AdaptiveAvgPool3d",
)  # fmt: skip


def width_side(module: Any) -> str:
    """Where a module of torch.nn has the width of what it makes and takes: "last", "second", or "" where unknown."""
    name = type(module).__name__.removeprefix("Parametrized")
    if name == "LayerNorm" and len(module.normalized_shape) > 1:
        return ""
    if name in _LAST:
        return "last"
    kinds = {kind.__name__ for kind in type(module).__mro__}
    return "second" if kinds.intersection(_SECOND) else ""


@dataclass(frozen=True)
class Axes:
    """The axes of a tensor in words, those that pooling goes over, and why no vector can be read from it if so."""

    shape: Shape
    positions: tuple[int, ...] = ()
    over: str = ""
    status: str = "ok"
    why: str = ""


def name_axes(one: tuple[int, ...], two: tuple[int, ...], sizes: Sequence[Mapping[str, int]], *, padded: bool) -> Axes:
    """Name each axis of a tensor that had the shapes ``one`` and ``two`` in two passes.

    ``sizes``: how many instances, tokens, … each pass had. ``padded``: instances of a batch differ in length, so that
    an axis that changes in a way of its own cannot be pooled over, nor one into which both lengths were filled up.
    """
    if len(one) != len(two):
        return Axes((), status="data-dependent", why=f"It has {len(one)} or {len(two)} axes, depending on the input.")
    shape = tuple(_axis(small, large, sizes) for small, large in zip(one, two, strict=True))
    varying = [place for place, axis in enumerate(shape) if axis == VARYING]
    if varying and (padded or len(varying) > 1):
        why = f"An axis of its output changes in a way of its own ({_by(one)} and {_by(two)})."
        return Axes(shape, status="data-dependent", why=why)
    along = [axis for axis in (TOKENS, STEPS, VARYING) if axis in shape]
    if shape.count(INSTANCES) != 1:
        return _no_instances(shape)
    if sum(shape.count(axis) for axis in along) > 1:
        why = "It relates tokens to tokens (attention weights) and holds no vector of one."
        return Axes(shape, status="extra axes", why=why)
    if any(isinstance(axis, str) and axis not in (INSTANCES, *along) for axis in shape):
        return Axes(shape, status="extra axes", why="An axis mixes instances or tokens with something else.")
    longest = max(pass_.get(TOKENS, 0) for pass_ in sizes)
    if padded and not along and _filled(shape, longest):
        why = "It is as long for a short text as for a longer one: filled up by the model, and with what is not known."
        return Axes(shape, status="filled up", why=why)
    over = {TOKENS: "tokens", STEPS: "steps", VARYING: "steps"}[along[0]] if along else ""
    shown = tuple("steps" if axis == VARYING else axis for axis in shape)
    return Axes(shown, tuple(place for place, axis in enumerate(shape) if axis in along), over)


def _filled(shape: Shape, longest: int) -> bool:
    """Whether an axis between instances and width may be tokens that a model filled up to a length of its own."""
    fixed = [axis for axis in shape if isinstance(axis, int)]
    return len(fixed) > 1 and any(size >= longest for size in fixed[:-1])


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _no_instances(shape: Shape) -> Axes:
    mixed = next((str(axis) for axis in shape if isinstance(axis, str) and INSTANCES in axis), "")
    if TOKENS in mixed or STEPS in mixed:
        return Axes(shape, status="flat tokens", why="It lines up the tokens of all instances in one row.")
    if shape.count(INSTANCES) > 1:
        return Axes(shape, status="extra axes", why="It relates instances to instances.")
    if mixed:
        why = f"It cuts each instance into windows and lines up those of all ({mixed})."
        return Axes(shape, status="windowed", why=why)
    return Axes(shape, status="no batch axis", why="It is the same for all instances, so it says nothing about one.")


def _axis(one: int, two: int, sizes: Sequence[Mapping[str, int]]) -> str | int:
    """The word for an axis of these two sizes; "varying" where it follows nothing that is known."""
    if one == two:
        return one
    small, large = sizes
    words = {name: (small[name], large[name]) for name in small}
    for name in [name for name in (TOKENS, STEPS) if name in small]:
        words[f"{INSTANCES}·{name}"] = (small[INSTANCES] * small[name], large[INSTANCES] * large[name])
    for name, (few, many) in words.items():
        if (one, two) == (few, many):
            return name
        if one % few == 0 and one // few * many == two and few != many:
            return f"{one // few}·{name}"
    return VARYING


def find_positions(axes: Axes, side: str, *, weights: bool) -> Axes:
    """Which fixed axes hold places of an instance, where none follows its length: rows and columns, or patches.

    ``side``: where the width stands, "last" or "second"; "" where no module tells. ``weights``: the values are
    attention weights.
    """
    if axes.status != "ok":
        return axes
    if weights:
        why = "It relates places to places (attention weights) and holds no vector of one."
        return Axes(axes.shape, status="extra axes", why=why)
    fixed = [place for place, axis in enumerate(axes.shape) if axis != INSTANCES and place not in axes.positions]
    if axes.positions or len(fixed) < 2:
        return axes
    if axes.shape.index(INSTANCES) != 0:
        # A recurrent layer's last states: (layers, instances, width), of which all belong to the vector.
        return axes
    if side:
        width = fixed[-1] if side == "last" else fixed[0]
    elif len(fixed) == 2:
        width = fixed[-1]
    else:
        # Pictures are square as a rule: the two axes of one size are the places.
        first_is_place = axes.shape[fixed[0]] == axes.shape[fixed[1]] != axes.shape[fixed[-1]]
        width = fixed[-1] if first_is_place else fixed[0]
    positions = tuple(place for place in fixed if place != width)
    return Axes(axes.shape, positions, "patches" if len(positions) == 1 and side != "second" else "places")
