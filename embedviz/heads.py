"""Attention heads: queries, keys, values and what the output projection is given are made of one vector a head."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from embedviz.hooks import INPUT
from embedviz.records import Layer

if TYPE_CHECKING:
    import torch

#: The last part of a module's path, as the libraries name the projections of attention.
_QUERY = re.compile(r"^(query|q|q_proj|q_lin|query_proj|to_q|wq)$")
_KEY_VALUE = re.compile(r"^(key|value|k|v|[kv]_proj|[kv]_lin|(key|value)_proj|to_[kv]|w[kv])$")
_OUT = re.compile(r"^(o|o_proj|out_proj|out_lin|c_proj|dense|to_out|wo)$")
_HEAD = re.compile(r"^(?P<before>.*):head(?P<number>\d+)$")
_GROUPS = ("num_key_value_heads", "n_kv_heads")
_COUNTS = ("num_attention_heads", "num_heads", "n_heads", "n_head", "nhead", "n_local_heads")


def count(layer: Layer, model: torch.nn.Module) -> int:
    """How many heads the layer's vector is made of; 0 where it is not made of heads, or that cannot be told."""
    parent, _, name = layer.module.rpartition(".")
    projects = layer.part == "" and (_QUERY.match(name) or _KEY_VALUE.match(name))
    gathers = layer.part == INPUT and _OUT.match(name) and re.search(r"attn|attention", parent, re.I)
    if not (projects or gathers) or (name == "dense" and parent.endswith("pooler")):
        return 0
    grouped = bool(_KEY_VALUE.match(name))
    number = _told(model, parent, grouped)
    return number if number > 1 and layer.width % number == 0 else 0


def _told(model: torch.nn.Module, path: str, grouped: bool) -> int:
    """The number of heads that the nearest module above says, else the configuration.

    ``grouped``: keys and values may have fewer heads than queries; only where nothing says so they have as many.
    """
    holders: list[Any] = []
    while path:
        holders.append(model.get_submodule(path))
        path = path.rpartition(".")[0]
    holders += [*(getattr(holder, "config", None) for holder in holders), getattr(model, "config", None)]
    for names in (_GROUPS, _COUNTS) if grouped else (_COUNTS,):
        for holder in holders:
            for name in names:
                value = getattr(holder, name, None)
                if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                    return value
    return 0


def split(layer: Layer) -> Iterator[Layer]:
    """A layer a head, numbered from 1; none where the layer is not made of heads."""
    for number in range(1, layer.heads + 1):
        yield _head(layer, number)


def _head(layer: Layer, number: int) -> Layer:
    shape = tuple(
        axis // layer.heads if isinstance(axis, int) and place not in layer.positions else axis
        for place, axis in enumerate(layer.shape or ())
    )
    return replace(layer, path=f"{layer.path}:head{number}", shape=shape, heads=0, recommended="")


def find(layers: Iterable[Layer], path: str) -> Layer | None:
    """The layer of one head ("….query:head3"); None where there is none."""
    told = _HEAD.match(path)
    if told is None:
        return None
    whole = next((layer for layer in layers if layer.path == told["before"]), None)
    number = int(told["number"])
    return _head(whole, number) if whole is not None and 1 <= number <= whole.heads else None


def of(layer: Layer) -> tuple[str, int]:
    """The path of the whole that a head belongs to, and the head's number from 1; the layer's own path and 0."""
    told = _HEAD.match(layer.path)
    return (told["before"], int(told["number"])) if told else (layer.path, 0)
