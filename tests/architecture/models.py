"""Tiny random models of transformers and the real ones that packages carry, as state dicts."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers

Shapes = dict[str, tuple[int, ...]]

_SMALL = {"hidden_size": 48, "num_attention_heads": 4, "num_hidden_layers": 3, "intermediate_size": 80}
_TEXT = {**_SMALL, "vocab_size": 301}
_CAUSAL = {**_TEXT, "num_key_value_heads": 2, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_IMAGE = {**_SMALL, "image_size": 48, "patch_size": 8}
_SOUND = {**_SMALL, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
_BOTH = {
    **{"d_model": 48, "encoder_layers": 2, "decoder_layers": 3, "encoder_ffn_dim": 80, "decoder_ffn_dim": 64},
    **{"encoder_attention_heads": 4, "decoder_attention_heads": 4, "vocab_size": 301, "pad_token_id": 1},
}

#: (class, sizes): none at its defaults. The heads are among the sizes where no shape tells them.
TINY: dict[str, dict[str, Any]] = {
    "AlbertModel": {**_TEXT, "embedding_size": 24},
    "BartModel": _BOTH,
    "BeitModel": _IMAGE,
    "BertForMaskedLM": _TEXT,
    "BertForSequenceClassification": {**_TEXT, "num_labels": 5},
    "BertModel": {**_TEXT, "max_position_embeddings": 96, "type_vocab_size": 3},
    "BloomModel": {"vocab_size": 301, "hidden_size": 48, "n_layer": 3, "n_head": 4},
    "CLIPTextModel": {**_TEXT, "max_position_embeddings": 40, "eos_token_id": 2},
    "CLIPVisionModel": _IMAGE,
    "CamembertModel": {**_TEXT, "vocab_size": 32005, "max_position_embeddings": 514, "type_vocab_size": 1},
    "ConvNextModel": {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 2, 3, 1]},
    "DebertaV2Model": {
        **{**_TEXT, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False},
        **{"share_att_key": True, "norm_rel_ebd": "layer_norm", "position_buckets": 32, "type_vocab_size": 0},
    },
    "DeiTModel": _IMAGE,
    "Dinov2Model": {**_SMALL, "image_size": 48, "patch_size": 8, "mlp_ratio": 2},
    "DistilBertForSequenceClassification": {
        "vocab_size": 301,
        "dim": 48,
        "n_heads": 4,
        "n_layers": 3,
        "hidden_dim": 80,
    },
    "ElectraModel": {**_TEXT, "embedding_size": 24},
    "EsmModel": {
        **_TEXT,
        "vocab_size": 33,
        "pad_token_id": 1,
        "mask_token_id": 32,
        "position_embedding_type": "rotary",
    },
    "GPT2LMHeadModel": {"vocab_size": 301, "n_embd": 48, "n_head": 4, "n_layer": 3, "n_positions": 64},
    "GPTNeoXModel": _TEXT,
    "GemmaModel": {**_CAUSAL, "head_dim": 16, "vocab_size": 256000, "hidden_size": 32},
    "HubertModel": _SOUND,
    "LlamaForCausalLM": _CAUSAL,
    "MPNetModel": _TEXT,
    "MistralModel": {**_CAUSAL, "vocab_size": 32768, "hidden_size": 16, "intermediate_size": 14336},
    "MixtralModel": {**_CAUSAL, "num_local_experts": 4},
    "MobileNetV2Model": {"depth_multiplier": 0.5},
    "ModernBertModel": {**_TEXT, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1},
    "OPTModel": {
        **{"vocab_size": 301, "hidden_size": 48, "num_attention_heads": 4, "num_hidden_layers": 3, "ffn_dim": 80},
        **{"word_embed_proj_dim": 48, "max_position_embeddings": 70},
    },
    "Qwen2Model": _CAUSAL,
    "Qwen3Model": {**_CAUSAL, "head_dim": 16},
    "ResNetModel": {
        "embedding_size": 8,
        "hidden_sizes": [8, 16, 24, 32],
        "depths": [1, 2, 2, 1],
        "layer_type": "basic",
    },
    "RobertaModel": {**_TEXT, "vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1},
    "SwinModel": {
        "image_size": 64,
        "embed_dim": 24,
        "depths": [1, 2, 1, 1],
        "num_heads": [2, 2, 4, 4],
        "window_size": 2,
    },
    "T5EncoderModel": {"vocab_size": 301, "d_model": 48, "d_kv": 12, "d_ff": 80, "num_layers": 3, "num_heads": 4},
    "T5Model": {"vocab_size": 301, "d_model": 48, "d_kv": 12, "d_ff": 80, "num_layers": 3, "num_heads": 4},
    "ViTForImageClassification": {**_IMAGE, "num_labels": 7},
    "Wav2Vec2Model": _SOUND,
    "XLMRobertaModel": {
        **_TEXT,
        **{"vocab_size": 250002, "hidden_size": 16, "max_position_embeddings": 514, "type_vocab_size": 1},
    },
}


def tiny(name: str) -> Any:
    """The tiny model of that class, in eval mode, with the same random weights each time."""
    torch.manual_seed(0)
    model_class = getattr(transformers, name)
    return model_class(model_class.config_class(**TINY[name])).eval()


def saved(model: Any) -> dict[str, torch.Tensor]:
    """The tensors with the names that ``save_pretrained`` gives them."""
    from transformers.core_model_loading import revert_weight_conversion

    return dict(revert_weight_conversion(model, model.state_dict()))


def shapes_of(state: dict[str, torch.Tensor]) -> Shapes:
    return {name: tuple(value.shape) for name, value in state.items()}


def rxnfp(name: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """A trained BERT over molecules: its tensors and what its config.json says."""
    import json

    spec = importlib.util.find_spec("rxnfp")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "models" / "transformers" / name
    state = torch.load(folder / "pytorch_model.bin", weights_only=True, map_location="cpu")
    return state, json.loads((folder / "config.json").read_text())


def bundled_tensors() -> tuple[Shapes, Callable[[str], torch.Tensor]]:
    """Shapes of the bundled MiniLM and what reads one of its tensors."""
    from safetensors import safe_open

    from embedviz.checkpoints import bundled_path

    opened = safe_open(bundled_path() / "model.safetensors", "pt")
    return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}, opened.get_tensor  # noqa: SIM118
