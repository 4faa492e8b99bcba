"""What no tensor shows and has to be assumed: shown to the person, with what depends on it, and open to change."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from embedviz.architecture.blueprint import Path, attribute
from embedviz.architecture.heads import Heads


@dataclass(frozen=True)
class Assumption:
    """``value`` is assumed for ``name``; ``choices`` are others worth trying (empty: anything of its kind).

    ``why`` says where the value comes from, ``affects`` what a wrong one does.
    """

    name: str
    value: Any
    choices: tuple[Any, ...]
    why: str
    affects: str


_DEFAULT = "no tensor shows it; this is what {model_type} models usually have"
_GIVEN = "given by you"
_SILENT = "a wrong one gives other vectors with no error"

#: Field name → (other values in use, what depends on it).
KNOWN: dict[str, tuple[tuple[Any, ...], str]] = {
    **dict.fromkeys(
        ("hidden_act", "activation_function", "activation", "hidden_activation", "ffn_activation", "afn"),
        (
            ("gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "relu", "silu"),
            f"every layer's feed-forward: {_SILENT}",
        ),
    ),
    **dict.fromkeys(
        ("layer_norm_eps", "rms_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps"),
        ((1e-5, 1e-6, 1e-12), f"every normalisation, usually a little only: {_SILENT}"),
    ),
    "rope_theta": ((10_000.0, 500_000.0, 1_000_000.0), f"how far apart tokens seem in every attention: {_SILENT}"),
    "pad_token_id": ((0, 1, 2, 3), "which tokens count as padding, and in RoBERTa's kin where positions begin"),
}
_HEADS_AFFECT = "every layer's attention: a wrong number gives other vectors with no error"
#: Sizes that leave no trace in a shape and change the vectors.
_MATTERS = re.compile(
    r"layers$|n_layer$|stride|window|dilation|conv_groups|num_conv_pos_embedding_groups|max_distance|local_attention"
)

#: What published models have where the library's defaults are something else.
USUAL: dict[str, dict[str, Any]] = {
    "roberta": {"layer_norm_eps": 1e-5},
    "xlm-roberta": {"layer_norm_eps": 1e-5},
    "camembert": {"layer_norm_eps": 1e-5},
    "llama": {"rms_norm_eps": 1e-5},
    "mistral": {"rms_norm_eps": 1e-5},
    "qwen2": {"rope_theta": 1_000_000.0},
    "qwen3": {"rope_theta": 1_000_000.0},
}
#: Llama 3 is known by its vocabulary.
_LLAMA_3_VOCABULARY, _LLAMA_3_THETA = 128_256, 500_000.0


def usual(model_type: str, settings: Mapping[Path, Any]) -> dict[Path, Any]:
    """Values that published models of this family have, by path."""
    found: dict[Path, Any] = {(name,): value for name, value in USUAL.get(model_type, {}).items()}
    if model_type == "llama" and settings.get(("vocab_size",)) == _LLAMA_3_VOCABULARY:
        found["rope_theta",] = _LLAMA_3_THETA
    return found


def of_model_type(model_type: str, others: tuple[str, ...]) -> Iterator[Assumption]:
    """The other architectures with the very same tensor names."""
    if others:
        yield Assumption(
            name="model_type",
            value=model_type,
            choices=(model_type, *others),
            why=f"{len(others)} other architectures have the same tensor names; this is the likeliest by its sizes",
            affects=f"how positions are counted, and what else the same tensors are used for: {_SILENT}",
        )


def of_heads(name: str, value: int, heads: Heads | None, *, given: bool) -> Assumption:
    """The number of heads, with the candidates that the weights suggest most."""
    counts = [count for count, _ in heads.candidates[:4]] if heads else []
    return Assumption(
        name=name,
        value=value,
        choices=tuple(sorted({value, *counts})),
        why=_GIVEN if given else heads.why if heads and heads.count == value else "it is what fits the other sizes",
        affects=_HEADS_AFFECT,
    )


def of_settings(config: Any, free: list[Path], given: Mapping[Path, Any]) -> Iterator[Assumption]:
    """The options of a configuration that no shape shows; those of inner configurations too."""
    for path, value in _known(config, ()):
        choices, affects = KNOWN[str(path[-1])]
        yield _assumed(path, value, choices, affects, given, config)
    for path in free:
        if _MATTERS.search(str(path[0])):
            value = _at(config, path)
            yield _assumed(path, value, (), f"every vector: {_SILENT}", given, config)


def _assumed(
    path: Path, value: Any, choices: tuple[Any, ...], affects: str, given: Mapping[Path, Any], config: Any
) -> Assumption:
    why = _GIVEN if path in given else _DEFAULT.format(model_type=config.model_type)
    kept = choices if not choices or value in choices else (value, *choices)
    return Assumption(".".join(map(str, path)), value, kept, why, affects)


def _known(config: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    from transformers import PreTrainedConfig

    for name in (field.name for field in dataclasses.fields(config)):
        value = attribute(config, name)
        if isinstance(value, PreTrainedConfig) and len(path) < 2:
            yield from _known(value, (*path, name))
        elif name in KNOWN and isinstance(value, str | float | int):
            yield (*path, name), value
        elif name == "rope_parameters" and isinstance(value, dict) and "rope_theta" in value:
            yield (*path, "rope_theta"), value["rope_theta"]


def _at(config: Any, path: Path) -> Any:
    for part in path:
        config = config[part] if isinstance(part, int) else attribute(config, part)
    return config
