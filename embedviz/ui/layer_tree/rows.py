"""The rows of the module tree, packed small for the browser. No Streamlit in here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from embedviz.records import Layer

#: Modules that only hold others: nothing calls them, so a row of their own would only be in the way.
CONTAINERS = frozenset({"ModuleList", "ModuleDict", "ParameterList", "ParameterDict"})

#: Why a row that no layer stands for cannot be chosen.
NO_LAYER = "It is only a part of the names below it, not a layer."


@dataclass(frozen=True)
class Rows:
    """The tree as the browser gets it.

    ``text`` is JSON: columns of numbers, one entry a row from top to bottom, that point into tables of texts.
    ``digest`` tells two trees apart. ``capturable`` are the paths that may be chosen.
    """

    text: str
    digest: str
    capturable: frozenset[str]


@dataclass(eq=False)
class _Node:
    path: str
    layer: Layer | None = None
    children: list[_Node] = field(default_factory=list)

    @property
    def holds_only(self) -> bool:
        """True for a container that has nothing of its own to choose or to warn of."""
        layer = self.layer
        if layer is None:
            return True
        groups = layer.status == "container" or layer.kind in CONTAINERS
        return groups and not layer.capturable and not layer.warning


@dataclass(frozen=True)
class _Row:
    """A line of the tree: a chain of nodes drawn as one, ``own`` being the one that is chosen."""

    depth: int
    base: str
    chain: tuple[_Node, ...]
    own: _Node

    @property
    def name_parts(self) -> tuple[str, str, str]:
        """What stands before the chosen node's name, the name, and what stands after it."""
        above = self.chain[self.chain.index(self.own) - 1].path if self.own is not self.chain[0] else self.base
        before = above + "." if above else ""
        start = len(self.base) + 1 if self.base else 0
        return before[start:], self.own.path[len(before) :], self.chain[-1].path[len(self.own.path) :]


class _Table:
    """Texts by number, each kept once."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def number(self, entry: Any) -> int:
        return self._numbers.setdefault(entry, len(self._numbers))

    def entries(self) -> list[Any]:
        return list(self._numbers)


def pack_rows(layers: Sequence[Layer]) -> Rows:
    """Pack the layers as a tree, children in the order in which the layers come."""
    rows = _rows(_tree(layers))
    text = json.dumps(_columns(rows), separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Rows(text, digest, frozenset(layer.path for layer in layers if layer.capturable))


def short_count(number: int) -> str:
    """A count in few characters: 768, "1.5 k", "7.1 M", "175 B"; nothing for zero."""
    if number < 1000:
        return str(number) if number > 0 else ""
    power = next((power for power in (1, 2, 3) if number < 999.5 * 1000**power), 4)
    value = number / 1000**power
    digits = 1 if value < 99.95 else 0
    return f"{value:.{digits}f}\u00a0{'kMBT'[power - 1]}"


def short_shape(shape: tuple[str | int, ...] | None) -> str:
    """A shape in few characters: ("instances", "tokens", 384) is "i×t×384", ("instances·tokens", 8) is "i·t×8"."""
    return "×".join("·".join(_initial(part) for part in str(axis).split("·")) for axis in shape or ())


def _initial(word: str) -> str:
    return word if word.isdigit() else word[:1]


def _tree(layers: Sequence[Layer]) -> _Node:
    """The tree's top: the whole model, or an empty node above everything where the model is not among the layers."""
    top = _Node("")
    nodes = {"": top}
    for layer in layers:
        missing, path = [], layer.path
        while path not in nodes:
            missing.append(path)
            path = path.rpartition(".")[0]
        for name in reversed(missing):
            nodes[name] = _Node(name)
            nodes[name.rpartition(".")[0]].children.append(nodes[name])
        nodes[layer.path].layer = nodes[layer.path].layer or layer
    return top


def _rows(top: _Node) -> list[_Row]:
    """The rows from top to bottom. Names come from files, so no recursion that their depth could exhaust."""
    rows: list[_Row] = []
    below = 0
    if top.layer is not None:
        rows.append(_Row(0, "", (top,), top))
        below = 1
    stack = [(child, below, "") for child in reversed(top.children)]
    while stack:
        node, depth, base = stack.pop()
        chain, own = _chain(node)
        rows.append(_Row(depth, base, chain, own))
        end = chain[-1]
        stack.extend((child, depth + 1, end.path) for child in reversed(end.children))
    return rows


def _chain(node: _Node) -> tuple[tuple[_Node, ...], _Node]:
    """The nodes that share a row: only children, of which at most one is more than a container."""
    chain, own = [node], None if node.holds_only else node
    while len(chain[-1].children) == 1:
        child = chain[-1].children[0]
        if child.holds_only and not child.children:
            break
        if not child.holds_only:
            if own is not None:
                break
            own = child
        chain.append(child)
    return tuple(chain), own or chain[-1]


def _columns(rows: Sequence[_Row]) -> dict[str, Any]:
    names, kinds, roles, shapes, sizes = (_Table() for _ in range(5))
    columns: dict[str, list[int]] = {name: [] for name in ("depth", "name", "kind", "role", "shape", "size")}
    merged: dict[int, tuple[str, str, str]] = {}
    modules: dict[int, int] = {}
    notes: dict[str, dict[int, str]] = {"recommended": {}, "warning": {}, "why": {}}
    for position, row in enumerate(rows):
        layer = row.own.layer or Layer(row.own.path, "", "", 0, status="no layer", why=NO_LAYER)
        before, name, after = row.name_parts
        columns["depth"].append(row.depth)
        columns["name"].append(names.number(name))
        columns["kind"].append(kinds.number(layer.kind))
        columns["role"].append(roles.number(layer.role))
        columns["shape"].append(shapes.number((short_shape(layer.shape), layer.shape_text)))
        columns["size"].append(sizes.number((short_count(layer.parameters), f"{layer.parameters:,}")))
        if len(row.chain) > 1:
            merged[position] = (before, name, after)
        given = sum(node.layer is not None for node in row.chain)
        if given != 1:
            modules[position] = given
        _note(notes, position, layer)
    tables = {"names": names, "kinds": kinds, "roles": roles, "shapes": shapes, "sizes": sizes}
    return {
        "root": bool(rows) and rows[0].own.path == "",
        **columns,
        **{name: table.entries() for name, table in tables.items()},
        "merged": merged,
        "modules": modules,
        **notes,
    }


def _note(notes: dict[str, dict[int, str]], position: int, layer: Layer) -> None:
    if layer.recommended:
        notes["recommended"][position] = layer.recommended
    if layer.warning:
        notes["warning"][position] = layer.warning
    if not layer.capturable:
        notes["why"][position] = layer.why or f"Its output cannot be captured ({layer.status})."
