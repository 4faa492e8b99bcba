"""Tiny random models of transformers, and what a test asks of any captured layer."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

import embedviz as ev

WORDS = 100
_SIZES = {"vocab_size": WORDS, "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2}
_DECODER = {**_SIZES, "intermediate_size": 48, "num_key_value_heads": 2, "max_position_embeddings": 64}
_VISION = {**_SIZES, "intermediate_size": 48, "image_size": 32, "patch_size": 8}
_FAMILIES: dict[str, dict[str, Any]] = {
    "Albert": {**_SIZES, "num_hidden_layers": 3, "intermediate_size": 48, "embedding_size": 16},
    "Bert": {**_SIZES, "intermediate_size": 48, "max_position_embeddings": 64},
    "CLIPText": {**_SIZES, "intermediate_size": 48, "max_position_embeddings": 64, "eos_token_id": 2},
    "CLIPVision": _VISION,
    "ConvNext": {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2, "image_size": 32},
    "GPT2": {"vocab_size": WORDS, "n_embd": 32, "n_head": 4, "n_layer": 2, "n_positions": 64},
    "Llama": _DECODER,
    "Longformer": {**_SIZES, "intermediate_size": 48, "attention_window": 16, "max_position_embeddings": 80},
    "Mamba": {"vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
    "Mixtral": {**_DECODER, "num_local_experts": 4},
    "Swin": {
        "image_size": 32,
        "patch_size": 2,
        "embed_dim": 8,
        "depths": [2, 2],
        "num_heads": [2, 4],
        "window_size": 4,
    },
    "T5": {"vocab_size": WORDS, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4},
    "ViT": _VISION,
    "Wav2Vec2": {
        **_SIZES,
        "intermediate_size": 48,
        "conv_dim": [16] * 7,
        "num_feat_extract_layers": 7,
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 2,
    },
}


def tiny(family: str, kind: str = "Model", **settings: Any) -> Any:
    """A random model of transformers with two blocks of width 32: ``tiny("Bert")``."""
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**{**_FAMILIES[family], **settings})
    return getattr(transformers, f"{family}{kind}")(config).eval()


def token_ids(*lengths: int) -> list[list[int]]:
    """A list of ids a length, no two alike."""
    draw = np.random.default_rng(0)
    return [draw.integers(5, WORDS, length).tolist() for length in lengths]


def pictures(count: int, *shape: int) -> np.ndarray:
    """(count, \\*shape) float32 of random numbers."""
    return np.random.default_rng(1).standard_normal((count, *shape)).astype(np.float32)


def vectors(checkpoint: ev.Checkpoint, items: Any, path: str, pooling: str = "mean", **settings: Any) -> np.ndarray:
    return ev.capture(checkpoint, items, [path], pooling, **settings)[path].vectors


def layer(checkpoint: ev.Checkpoint, path: str) -> ev.Layer:
    return next(each for each in checkpoint.layers if each.path == path)


def why_not(checkpoint: ev.Checkpoint, path: str) -> str:
    """The status of a layer that cannot be captured, which must come with a reason."""
    found = layer(checkpoint, path)
    assert not found.capturable
    assert found.why
    return found.status


def seen(model: torch.nn.Module, module: torch.nn.Module, *given: Any, **named: Any) -> list[Any]:
    """What a plain hook sees of ``module``, call by call, in one pass over the model."""
    outputs: list[Any] = []
    handle = module.register_forward_hook(lambda _module, _given, output: outputs.append(copied(output)))
    try:
        with torch.no_grad():
            model(*given, **named)
    finally:
        handle.remove()
    return outputs


def copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    return tuple(map(copied, value)) if isinstance(value, tuple) else value


def close(found: np.ndarray, expected: Any, atol: float = 2e-6) -> bool:
    wanted = expected.detach().float().numpy() if isinstance(expected, torch.Tensor) else np.asarray(expected)
    return found.shape == wanted.shape and bool(np.allclose(found, wanted, atol=atol))


def told(model: Any, *given: Any, **named: Any) -> Any:
    """What transformers itself returns, from a copy: asked for hidden states, it leaves hooks behind."""
    with torch.no_grad():
        return copy.deepcopy(model)(*given, **named)


def hidden_states(model: Any, items: Sequence[Sequence[int]]) -> list[tuple[torch.Tensor, ...]]:
    """transformers' own hidden states of each list of ids by itself."""
    return [told(model, torch.tensor([list(item)]), output_hidden_states=True).hidden_states for item in items]
