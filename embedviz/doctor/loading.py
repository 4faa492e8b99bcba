"""Weights: what was not in the file, and what in it cannot be the result of training."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from embedviz import roles
from embedviz.doctor.case import Case
from embedviz.doctor.unchecked import Unchecked
from embedviz.doctor.words import listed, plural
from embedviz.records import Finding

if TYPE_CHECKING:
    import torch

#: Above this share of random parameters nothing of the model is left.
_MOSTLY = 0.5
_NORM = re.compile(r"(norm|(^|[._])ln([._]|\d|$))", re.I)
#: Tables that are rightly constant: families that inherited BERT's code carry an unused table of segments.
_UNUSED = re.compile(r"token_type|segment", re.I)


def _parts(case: Case) -> tuple[list[str], list[str], list[str]]:
    """The random parameters of the body, of the pooler and of the head."""
    base = roles.base_path(case.model)
    named = dict(case.model.named_modules())
    body: list[str] = []
    pooler: list[str] = []
    head: list[str] = []
    for name in sorted(case.checkpoint.untrained & case.parameters.keys()):
        path = name.rpartition(".")[0]
        role = roles.role(path, named[path], case.model, base)
        {"pooler": pooler, "head": head}.get(role, body).append(name)
    return body, pooler, head


def _share(case: Case, names: Iterable[str]) -> tuple[int, float]:
    count = sum(case.parameters[name].numel() for name in names)
    return count, count / max(1, sum(parameter.numel() for parameter in case.parameters.values()))


def random_share(case: Case) -> float:
    """The share of the model's parameters that were not in the file."""
    return _share(case, case.checkpoint.untrained & case.parameters.keys())[1]


def _seen(case: Case, names: list[str]) -> str:
    count, share = _share(case, names)
    return f"{listed(names)}: {count:,} random values, {share:.1%} of the model's parameters"


def mostly_random(case: Case) -> Iterator[Finding]:
    share = random_share(case)
    if share > _MOSTLY:
        yield Finding(
            code="weights.mostly-random",
            severity="error",
            title="Most of the model is random",
            evidence=_seen(case, sorted(case.checkpoint.untrained & case.parameters.keys())),
            why="Random parameters give vectors that look like vectors and mean nothing.",
            remedy="Open the file with the configuration it was saved with: the names or sizes of its tensors are not "
            "those of this model.",
        )


def missing(case: Case) -> Iterator[Finding]:
    names = _parts(case)[0]
    if names and random_share(case) <= _MOSTLY:
        yield Finding(
            code="weights.missing",
            severity="warning",
            title="Some parameters were not in the file and hold random values",
            evidence=_seen(case, names),
            why="A layer with random parameters, and every layer after it, says little about what the model learned.",
            remedy="Choose a layer before them, or restore the file that holds them.",
        )


def untrained_pooler(case: Case) -> Iterator[Finding]:
    names = _parts(case)[1]
    if names and random_share(case) <= _MOSTLY:
        used = not case.checkpoint.recipe.untold
        yield Finding(
            code="weights.untrained-pooler",
            severity="info" if used else "warning",
            title="The pooler was never trained",
            evidence=_seen(case, names),
            why="`pooler_output` passes every vector through these random values; it is another one at each loading."
            + (" This checkpoint's own recipe does not use it." if used else ""),
            remedy="Use the mean over the tokens of the last block, never the pooler.",
        )


def untrained_head(case: Case) -> Iterator[Finding]:
    names = _parts(case)[2]
    if names and random_share(case) <= _MOSTLY:
        yield Finding(
            code="weights.untrained-head",
            severity="info",
            title="The head was not in the file and is random",
            evidence=_seen(case, names),
            why="Its scores mean nothing. The layers below it are not touched by that.",
            remedy="Choose a layer below the head, such as the last block.",
        )


def not_finite(case: Case) -> Iterator[Finding]:
    import torch

    # NaN and infinity both show in the extremes.
    names = [name for name, (low, high) in case.extremes.items() if not math.isfinite(low) or not math.isfinite(high)]
    if names:
        bad = sum(int((~torch.isfinite(case.parameters[name].detach())).sum()) for name in names)
        total = sum(case.parameters[name].numel() for name in names)
        yield Finding(
            code="weights.not-finite",
            severity="error",
            title="Weights hold NaN or infinity",
            evidence=f"{bad:,} of the {total:,} values in {listed(names)}",
            why="They spread through every layer after them, and the vectors become NaN. Training that diverged, a "
            "number type that overflowed and a damaged file all look like this.",
            remedy="Take an earlier checkpoint of the training, or copy the file again and compare its checksum.",
        )


def constant(case: Case) -> Iterator[Finding]:
    names = [
        name
        for name, (low, high) in case.extremes.items()
        if low == high and len(case.parameters[name].shape) > 1 and min(case.parameters[name].shape) > 1
        if not _UNUSED.search(name)
    ]
    if names:
        count, share = _share(case, names)
        yield Finding(
            code="weights.constant",
            severity="warning",
            title="Whole weight tensors hold one value",
            evidence=f"{listed(names)}: {count:,} equal values, {share:.1%} of the model's parameters",
            why="A matrix of equal values passes nothing on. Training does not end there: it was never filled, or was "
            "lost when the file was written.",
            remedy="Save the model again from the program that trained it (with a sharded or offloaded model, gather "
            "the weights first).",
        )


def fresh(case: Case) -> Iterator[Finding]:
    traces = _traces(case)
    if not traces:
        raise Unchecked("no norm layers were in the file by which to tell")
    if looks_fresh(case):
        scale = getattr(case.config, "initializer_range", None)
        spread = f"; weights spread by {_spread(case):.3f}, and fresh ones by {scale}" if scale else ""
        yield Finding(
            code="weights.fresh",
            severity="warning",
            title="The model looks as if it was never trained",
            evidence=f"all {plural(len(traces), 'norm layer')} multiply by exactly 1 and all biases are exactly 0"
            f"{spread}",
            why="Every training step moves these values. A model that was built from a configuration and saved gives "
            "vectors that look like vectors and mean nothing.",
            remedy="Check that the program which saved it had loaded trained weights: `from_pretrained`, not "
            "`from_config`.",
        )


def looks_fresh(case: Case) -> bool:
    """Whether all norm layers and biases that were in the file hold the values they begin with."""
    traces = _traces(case)
    biases = [
        parameter
        for name, parameter in case.parameters.items()
        if name.endswith("bias") and name not in case.checkpoint.untrained
    ]
    return bool(traces) and all(map(_is_one, traces)) and not any(bool(bias.detach().any()) for bias in biases)


def _traces(case: Case) -> list[torch.Tensor]:
    """The scales of the norm layers that were in the file: one is the value they begin with."""
    return [
        parameter
        for name, parameter in case.parameters.items()
        if parameter.ndim == 1
        and name.endswith("weight")
        and _NORM.search(name.rpartition(".")[0])
        and name not in case.checkpoint.untrained
    ]


def _is_one(parameter: torch.Tensor) -> bool:
    return bool((parameter.detach() == 1).all())


def _spread(case: Case) -> float:
    """The standard deviation of the largest weight matrix' first million values."""
    largest = max(case.parameters.values(), key=lambda parameter: parameter.numel())
    return float(largest.detach().flatten()[:1_000_000].float().std())


def half_precision(case: Case) -> Iterator[Finding]:
    dtype = case.checkpoint.dtype
    if dtype in ("float16", "bfloat16"):
        digits = {"float16": "3", "bfloat16": "2 to 3"}[dtype]
        yield Finding(
            code="weights.half-precision",
            severity="info",
            title="The weights were stored with half precision",
            evidence=f"{dtype} in the file ({digits} digits a value), used as float32 here",
            why="What was rounded away is gone, but sums no longer overflow. A program that runs it in its own number "
            "type gives slightly other vectors.",
            remedy="Nothing to do. Expect differences from the third digit on.",
        )
