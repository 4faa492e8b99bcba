"""Inputs that a model's first layers suggest, to be tried one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from embedviz.records import Reads

#: Sides of pictures that models are usually made for, the likeliest first.
SIDES = (224, 32, 28, 64, 96, 128, 299, 256, 384, 16, 8, 512)
#: How many of the first modules are looked at: what comes later is given what those made.
_FIRST = 12


def candidates(model: Any) -> Iterator[Reads]:
    """What the first layers that name a size suggest, the likeliest first, none twice."""
    seen: set[tuple[Any, ...]] = set()
    leaves = [module for module in model.modules() if _is_leaf(module)]
    whole = [module for module in model.modules() if type(module).__name__ == "TransformerEncoderLayer"]
    for module in [*whole[:1], *leaves[:_FIRST]]:
        kind = next((each.__name__ for each in type(module).__mro__ if each.__name__ in _BY_KIND), "")
        for reads in _BY_KIND[kind](module, f"the first {kind} takes it") if kind else ():
            if (reads.shape, reads.dtype) not in seen:
                seen.add((reads.shape, reads.dtype))
                yield reads


def _is_leaf(module: Any) -> bool:
    """Whether it has no modules inside it, but those that make its weights."""
    return all(name == "parametrizations" for name, _ in module.named_children())


def _conv1d(module: Any, why: str) -> Iterator[Reads]:
    for length in (None, 16, 64, 128, 1_000):
        yield Reads("tensors", (module.in_channels, length), why=why)


def _conv2d(module: Any, why: str) -> Iterator[Reads]:
    for side in SIDES:
        yield Reads("tensors", (module.in_channels, side, side), why=why)


def _conv3d(module: Any, why: str) -> Iterator[Reads]:
    for side in (16, 32, 64):
        yield Reads("tensors", (module.in_channels, side, side, side), why=why)


def _recurrent(module: Any, why: str) -> Iterator[Reads]:
    yield Reads("tensors", (None, module.input_size), batch_axis=0 if module.batch_first else 1, why=why)


def _table(_module: Any, why: str) -> Iterator[Reads]:
    yield Reads("tensors", (None,), "int64", why=why)


def _linear(module: Any, why: str) -> Iterator[Reads]:
    yield from _features(module.in_features, why)
    for channels in (1, 3):
        side = math.isqrt(module.in_features // channels)
        if side > 3 and side * side * channels == module.in_features:
            yield Reads("tensors", (channels, side, side), why=f"{why}, flattened")
            if channels == 1:
                yield Reads("tensors", (side, side), why=f"{why}, flattened")


def _batch_norm(module: Any, why: str) -> Iterator[Reads]:
    yield from _features(module.num_features, why)


def _layer_norm(module: Any, why: str) -> Iterator[Reads]:
    yield from _features(module.normalized_shape[-1], why)


def _features(count: int, why: str) -> Iterator[Reads]:
    yield Reads("tensors", (count,), why=why)
    yield Reads("tensors", (None, count), why=why)


def _transformer(module: Any, why: str) -> Iterator[Reads]:
    attention = module.self_attn
    axis = 0 if getattr(attention, "batch_first", True) else 1
    yield Reads("tensors", (None, attention.embed_dim), batch_axis=axis, why=why)


_BY_KIND: dict[str, Callable[[Any, str], Iterator[Reads]]] = {
    "BatchNorm1d": _batch_norm,
    "Conv1d": _conv1d,
    "Conv2d": _conv2d,
    "Conv3d": _conv3d,
    "Embedding": _table,
    "EmbeddingBag": _table,
    "GRU": _recurrent,
    "LSTM": _recurrent,
    "LayerNorm": _layer_norm,
    "Linear": _linear,
    "RNN": _recurrent,
    "TransformerEncoderLayer": _transformer,
}
