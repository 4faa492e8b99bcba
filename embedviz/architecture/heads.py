"""The number of attention heads, which no shape tells, estimated from how the weights' sizes go in groups.

Training makes some heads larger than others. For the right number of heads the norms of the rows of the value weights
(and of the columns of the output's) differ far more between heads than within one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedviz.architecture.catalogue import pattern

if TYPE_CHECKING:
    import torch

Shapes = Mapping[str, tuple[int, ...]]
Read = Callable[[str], "torch.Tensor"]

#: Names of the query's, key's and value's layer.
_SPLIT = {
    "query": ("key", "value"),
    **{f"q{end}": (f"k{end}", f"v{end}") for end in ("", "_proj", "_lin", "_linear")},
    **{f"{start}q": (f"{start}k", f"{start}v") for start in ("to_", "w", "linear_")},
    "query_proj": ("key_proj", "value_proj"),
}
_OUT = ("o_proj", "out_proj", "out_lin", "o", "to_out.0", "wo", "dense", "output.dense", "proj", "linear_out", "c_proj")
#: One matrix for all three: rows are query, key, value after each other, or (True) so within each head.
_FUSED = {"c_attn": False, "qkv": False, "in_proj": False, "Wqkv": False, "qkv_proj": False, "query_key_value": True}
_SMALLEST_HEAD, _LARGEST_HEAD = 4, 512
_MAX_LAYERS, _MAX_NUMBERS = 12, 150_000_000
_WIDE = 4096
#: Below this the best number is hardly better than chance; untrained weights give about 1.
_CHANCE = 2.0


@dataclass(frozen=True)
class Heads:
    """``count`` suggested; ``candidates`` are (count, score), best first, and a score of 1 means no structure at all.

    ``confidence`` is 0 (cannot be told from these weights) to 1. ``rows`` are shared by the heads of a query.
    """

    count: int
    confidence: float
    candidates: tuple[tuple[int, float], ...] = ()
    rows: int = 0

    @property
    def why(self) -> str:
        if len(self.candidates) < 2 or not self.told:
            return "the weights do not show it, so this is only a common choice for this width"
        (first, best), (second, next_best) = self.candidates[:2]
        return (
            f"the weights look {best / next_best:.1f} times more like {first} heads than like the next best, {second}"
        )

    @property
    def told(self) -> bool:
        return self.confidence >= 0.3


@dataclass(frozen=True)
class Attention:
    """The weights of one attention: names of its query, key, value and output (any but the query may be missing).

    ``fused`` says that the query's matrix holds all three, ``within`` that it does so head by head, and
    ``transposed`` that it is (in, out).
    """

    query: str
    rows: int
    key: str = ""
    value: str = ""
    output: str = ""
    fused: bool = False
    within: bool = False
    transposed: bool = False


def attentions(shapes: Shapes) -> dict[str, list[Attention]]:
    """The attentions of a state dict by tower: the pattern of the query's name, layers in the file's order."""
    found: dict[str, list[Attention]] = {}
    for name, shape in shapes.items():
        attention = _attention(name, shape, shapes) if len(shape) == 2 else None
        if attention:
            found.setdefault(pattern(name), []).append(attention)
    return found


def _attention(name: str, shape: tuple[int, ...], shapes: Shapes) -> Attention | None:
    stem = re.sub(r"[._]weight$", "", name)
    parent, _, last = stem.rpartition(".")
    if stem == name:
        return None
    if last in _FUSED:
        transposed = last == "c_attn" and shape[1] == 3 * shape[0]
        rows = shape[1] // 3 if transposed else min(shape[0] // 3, shape[1]) if shape[0] % 3 == 0 else shape[1]
        within = _FUSED[last]
        return Attention(name, rows, output=_output(parent, shapes), fused=True, within=within, transposed=transposed)
    if last not in _SPLIT:
        return None
    key, value = (f"{parent}.{other}.weight".lstrip(".") for other in _SPLIT[last])
    return Attention(
        name,
        shape[0],
        key=key if key in shapes else "",
        value=value if value in shapes else "",
        output=_output(parent, shapes),
    )


def _output(parent: str, shapes: Shapes) -> str:
    """The output's weight: beside the query, or one step up ("attention.self.query", "attention.output.dense")."""
    for base in (parent, parent.rpartition(".")[0]):
        for last in _OUT:
            name = f"{base}.{last}.weight".lstrip(".")
            if name in shapes and len(shapes[name]) == 2:
                return name
    return ""


def estimate_heads(shapes: Shapes, read: Read | None = None, *, tower: str = "") -> Heads | None:
    """The number of heads of the attentions whose names contain ``tower``; None where there is no attention.

    ``read(name)`` gives a tensor; without it only the common choice for the width is returned.
    """
    towers = attentions(shapes)
    named = [name for name in towers if tower in name] or list(towers)
    if not named:
        return None
    group = towers[max(named, key=lambda name: len(towers[name]))]
    rows = group[0].rows
    counts = _counts(rows)
    if not counts:
        return Heads(1, 0.0, rows=rows)
    fallback = _common(rows, counts)
    if read is None:
        return Heads(fallback, 0.0, tuple((count, 1.0) for count in counts), rows)
    scores = _scores([layer for layer in group if layer.rows == rows], read, counts)
    ranked = tuple(sorted(scores.items(), key=lambda item: -item[1]))
    confidence = _confidence(ranked)
    count = ranked[0][0] if ranked and confidence >= 0.3 else fallback
    return Heads(count, confidence, ranked or tuple((other, 1.0) for other in counts), rows)


def _counts(rows: int) -> list[int]:
    """Numbers of heads that divide the rows into heads of a size in use."""
    sizes = range(_SMALLEST_HEAD, min(_LARGEST_HEAD, rows // 2) + 1)
    return sorted(rows // size for size in sizes if rows % size == 0)


def _common(rows: int, counts: list[int]) -> int:
    """Heads of 64 where that goes (of 128 in wide models), else of the size nearest to it."""
    size = 128 if rows >= _WIDE else 64
    return min(counts, key=lambda count: abs(math.log(rows / count / size)))


def _confidence(ranked: tuple[tuple[int, float], ...]) -> float:
    """Near 0 where the best is like chance or like the next best, 1 from twice the next best on."""
    if not ranked:
        return 0.0
    best = ranked[0][1]
    second = ranked[1][1] if len(ranked) > 1 else 1.0
    clear = min(1.0, best / max(second, 1e-9) - 1)
    strong = min(1.0, max(0.0, (best - _CHANCE) / (3 * _CHANCE)))
    return round(clear * strong, 2)


def _scores(layers: list[Attention], read: Read, counts: list[int]) -> dict[int, float]:
    """For each number of heads the median, over matrices and layers, of the between-head to within-head ratio."""
    import torch

    step = max(1, math.ceil(len(layers) / max(1, min(_MAX_LAYERS, _MAX_NUMBERS // (4 * layers[0].rows ** 2 + 1)))))
    ratios: dict[int, list[float]] = {count: [] for count in counts}
    for layer in layers[::step]:
        for norms in _norms(layer, read):
            for count in counts:
                size = layer.rows // count
                ordered = _values(norms, size) if layer.within and len(norms) == 3 * layer.rows else norms
                if len(ordered) != size and torch.isfinite(norms).all():
                    ratios[count].append(_ratio(ordered, size))
    return {count: float(torch.tensor(values).median()) for count, values in ratios.items() if values}


def _norms(layer: Attention, read: Read) -> list[torch.Tensor]:
    """The log norms of the value's rows and the output's columns, in the order of the heads.

    The query's and the key's serve only where there are no others: rotary embeddings treat the two halves of a head
    differently, which looks like twice as many heads.
    """

    import torch

    def of(weight: torch.Tensor) -> torch.Tensor:
        norms: torch.Tensor = torch.linalg.vector_norm(weight.double(), dim=1)
        return norms.clamp_min(1e-12).log()

    found: list[torch.Tensor] = []
    if layer.fused:
        weight = read(layer.query)
        weight = weight.T if layer.transposed else weight
        found.append(of(weight) if layer.within else of(weight[2 * layer.rows :]))
    elif layer.value:
        found.append(of(read(layer.value)))
    if layer.output:
        output = read(layer.output)
        columns = output if layer.transposed else output.T
        if len(columns) == layer.rows:
            found.append(of(columns))
    if not found:
        found = [of(read(name)) for name in (layer.query, layer.key) if name]
    return found


def _values(norms: torch.Tensor, size: int) -> torch.Tensor:
    """The value's part where query, key and value follow each other within each head."""
    return norms.view(-1, 3, size)[:, 2].reshape(-1)


def _ratio(norms: torch.Tensor, size: int) -> float:
    """Variance between groups of ``size`` over that within them (an F ratio: 1 where groups mean nothing)."""
    if len(norms) % size:
        return 1.0
    groups = norms.view(-1, size)
    between = size * groups.mean(1).var()
    return float(between / groups.var(1).mean().clamp_min(1e-12))
