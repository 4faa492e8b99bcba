"""A place in the module tree."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Words an axis of a layer's shape may be; any other axis is a fixed size.
INSTANCES, TOKENS = "instances", "tokens"


@dataclass(frozen=True)
class Layer:
    """A place in the module tree whose output (or input) can be captured: a module, one of its calls, and a part.

    ``path`` says which: the dotted name of the module ("" for the whole model); then ``#2`` for its second call or
    ``#mean`` for the mean of all; then ``:input``, the name of a part of its output (``:h_n``, ``:1``), or ``:head3``.
    ``shape`` names the axes, for instance ``("instances", "tokens", 384)``; None where it is unknown. Pooling goes over
    the axes at ``positions``, which ``over`` says in a word ("tokens", "patches", "places", "steps"); the other fixed
    axes make up the vector. The first ``prefix`` positions are no patches of a picture ([CLS] and its like).
    ``heads``: how many attention heads the vector is made of, where it is.
    ``status`` is "ok" where the layer can be captured, else a short code, and ``why`` is the reason in a sentence.
    ``order`` is the position in the order of calls, counted over all calls of a forward pass. ``untrained``: its
    output comes, wholly or in part, from random parameters, so that it is captured on purpose only.
    """

    path: str
    kind: str
    role: str
    parameters: int
    shape: tuple[str | int, ...] | None = None
    positions: tuple[int, ...] = ()
    over: str = ""
    prefix: int = 0
    heads: int = 0
    calls: int = 0
    status: str = "ok"
    why: str = ""
    order: int | None = None
    recommended: str = ""
    warning: str = ""
    untrained: bool = False

    @property
    def capturable(self) -> bool:
        return self.status == "ok"

    @property
    def shape_text(self) -> str:
        """The shape in words: "instances × tokens × 384"."""
        return " × ".join(str(axis) for axis in self.shape) if self.shape else ""

    @property
    def module(self) -> str:
        """The dotted path of the module."""
        return self.path.partition(":")[0].partition("#")[0]

    @property
    def call(self) -> int:
        """Which call of the module, from 1; 0 for the mean of all."""
        number = self.path.partition(":")[0].partition("#")[2]
        return 0 if number == "mean" else int(number or 1)

    @property
    def part(self) -> str:
        """Which part of what goes in or comes out; "" for the output as a whole."""
        return self.path.partition(":")[2]

    @property
    def width(self) -> int:
        """The length of one position's vector; 0 where it is unknown."""
        if self.shape is None:
            return 0
        fixed = [axis for place, axis in enumerate(self.shape) if place not in self.positions]
        return math.prod(axis for axis in fixed if isinstance(axis, int))
