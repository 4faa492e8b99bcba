"""Which architecture do these tensor names belong to? Compared with the catalogue under any prefix."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from embedviz.architecture.catalogue import Family, load, pattern
from embedviz.architecture.popularity import preference

Shapes = Mapping[str, tuple[int, ...]]

#: What is looked at of a file that tries to be expensive; real models stay far below each.
_MAX_PATTERNS, _MAX_PARTS, _MAX_KEY = 4_000, 24, 400
#: Matches worth listing: this share of coverage times precision.
_WORTH = 0.5
_SHOWN = 24
#: Heads and buffers that say nothing about the body below them.
_IGNORED = re.compile(
    r"(^|\.)(cls|classifier|lm_head|qa_outputs|pooler|score|head|heads|embed_out|position_ids|token_type_ids|pre_classifier"
    r"|vocab_transform|vocab_layer_norm|vocab_projector|generator_predictions|generator_lm_head|discriminator_predictions"
    r"|predictions|final_logits_bias|classification_head|inv_freq|masked_bias|num_batches_tracked"
    r"|relative_position_index|n_averaged|_extra_state)(\.|$)|\.attn\.bias$|\.attention\.bias$"
)
_OLD_NAMES = (
    ("LayerNorm.gamma", "LayerNorm.weight"),
    ("LayerNorm.beta", "LayerNorm.bias"),
    (".weight_g", ".parametrizations.weight.original0"),
    (".weight_v", ".parametrizations.weight.original1"),
)


@dataclass(frozen=True)
class Match:
    """An architecture that these names fit, below ``prefix``.

    ``coverage`` is the share of the architecture's tensors (poolers apart) that the file has, ``score`` lowers it by
    what the file has besides. ``missing`` and ``unexpected`` are patterns, with ``*`` for layer numbers. ``ties`` are
    other model types with the very same names: nothing in the file but its sizes can tell them apart.
    """

    model_type: str
    prefix: str
    score: float
    coverage: float
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    ties: tuple[str, ...]
    kind: str = ""


def canonical(key: str) -> str:
    """Old names (a layer norm's gamma and beta, a weight norm's g and v) as transformers renames them on loading."""
    for old, new in _OLD_NAMES:
        key = key.replace(old, new)
    return key


def match(shapes: Shapes) -> list[Match]:
    """The architectures that these tensor names fit, best first; empty where there is none. Reads no weights."""
    counts = Counter(pattern(canonical(key)) for key in shapes if len(key) <= _MAX_KEY)
    patterns = dict(counts.most_common(_MAX_PATTERNS))
    found = [
        _measure(family, form, prefix, patterns, sum(counts.values())) for family, form, prefix in _candidates(patterns)
    ]
    worth: dict[tuple[str, str], Match] = {}
    for item in sorted(found, key=lambda item: (-item.score, item.prefix.count("."))):
        if item.coverage * item.score > _WORTH**2 and item.coverage > _WORTH:
            worth.setdefault((item.model_type, item.kind), item)
    return _ranked(list(worth.values()), shapes)


def _candidates(patterns: Mapping[str, int]) -> list[tuple[Family, int, str]]:
    """(family, form, prefix) of which half the names at least are there."""
    index = load().index
    votes: Counter[tuple[int, int, str]] = Counter()
    families = {}
    for name in patterns:
        parts = name.split(".")
        if len(parts) > _MAX_PARTS:
            continue
        for start in range(len(parts)):
            entries = index.get(".".join(parts[start:]))
            if not entries:
                continue
            prefix = "".join(f"{part}." for part in parts[:start])
            for family, form in entries:
                families[id(family)] = family
                votes[id(family), form, prefix] += 1
    return [
        (families[number], form, prefix)
        for (number, form, prefix), count in votes.items()
        if count >= _WORTH * len(_required(families[number], form))
    ]


def _required(family: Family, form: int) -> frozenset[str]:
    return family.forms[form] - family.optional


def _measure(family: Family, form: int, prefix: str, patterns: Mapping[str, int], total: int) -> Match:
    names, required = family.forms[form], _required(family, form)
    inside = {name[len(prefix) :]: count for name, count in patterns.items() if name.startswith(prefix)}
    hits = names & inside.keys()
    coverage = len(required & hits) / max(1, len(required))
    unexpected = sorted(name for name in inside.keys() - names if not _IGNORED.search(name))
    precision = len(hits) / max(1, len(hits) + len(unexpected))
    share = sum(inside[name] for name in required & hits) / max(1, total)
    return Match(
        model_type=family.model_type,
        kind=family.kind,
        prefix=prefix,
        score=coverage * precision * (0.5 + 0.5 * share),
        coverage=coverage,
        missing=tuple(sorted(required - hits)),
        unexpected=tuple(unexpected),
        ties=(),
    )


def _ranked(found: list[Match], shapes: Shapes) -> list[Match]:
    """Best first; where names alone cannot tell, the sizes and then how common an architecture is decide."""
    prefixes = {item.prefix: concrete_prefix(item.prefix, shapes) for item in found}
    sizes = {name: _sizes(prefix, shapes) for name, prefix in prefixes.items()}
    found = sorted(
        found, key=lambda item: (-round(item.score, 6), preference(item.model_type, sizes[item.prefix]), item.kind)
    )
    return [
        replace(
            item,
            prefix=prefixes[item.prefix],
            ties=tuple(
                dict.fromkeys(
                    other.model_type
                    for other in found
                    if abs(other.score - item.score) < 1e-6
                    and other.model_type != item.model_type
                    and other.prefix == item.prefix
                )
            )[:_SHOWN],
        )
        for item in found[:_SHOWN]
    ]


def _sizes(prefix: str, shapes: Shapes) -> dict[str, tuple[int, ...]]:
    return {
        canonical(key)[len(prefix) :]: shape
        for key, shape in shapes.items()
        if key.startswith(prefix) and ("embed" in key or key.endswith(("shared.weight", "gate_proj.weight")))
    }


def concrete_prefix(prefix: str, shapes: Shapes) -> str:
    """``*.auto_model.`` → ``0.auto_model.``: the one with the most tensors, the first of equals."""
    if "*" not in prefix:
        return prefix
    depth = prefix.count(".")
    seen: Counter[str] = Counter()
    for key in shapes:
        start = "".join(f"{part}." for part in key.split(".")[:depth])
        if pattern(start[:-1]) + "." == prefix:
            seen[start] += 1
    return seen.most_common(1)[0][0] if seen else prefix
