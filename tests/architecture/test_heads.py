"""The number of heads from trained weights, and the honest answer for untrained ones."""

from __future__ import annotations

import pytest
import torch

from embedviz.architecture import estimate_heads
from tests.architecture.models import bundled_tensors, rxnfp, shapes_of, tiny


def test_the_bundled_model_has_twelve() -> None:
    heads = estimate_heads(*bundled_tensors())
    assert heads is not None
    assert (heads.count, heads.told) == (12, True)
    assert heads.candidates[0][1] > 1.5 * heads.candidates[1][1]


@pytest.mark.parametrize("name", ["bert_ft", "bert_ft_10k_25s", "bert_pretrained"])
def test_real_models_have_what_their_configuration_says(name: str) -> None:
    state, config = rxnfp(name)
    heads = estimate_heads(shapes_of(state), state.__getitem__)
    assert heads is not None
    assert (heads.count, heads.told) == (config["num_attention_heads"], True)


@pytest.mark.parametrize(
    "name", ["BertModel", "GPT2LMHeadModel", "LlamaForCausalLM", "GPTNeoXModel", "CLIPVisionModel"]
)
def test_random_weights_cannot_tell(name: str) -> None:
    state = tiny(name).state_dict()
    heads = estimate_heads(shapes_of(state), state.__getitem__)
    assert heads is not None
    assert not heads.told
    assert "do not show" in heads.why


def test_heads_fused_in_every_way() -> None:
    """The bundled model's own weights, laid out as GPT-2, CLIP's torch layers and GPT-NeoX keep them."""
    _, read = bundled_tensors()
    names = [f"encoder.layer.{layer}.attention.self." for layer in range(6)]
    parts = [[read(f"{name}{part}.weight") for part in ("query", "key", "value")] for name in names]
    layouts = {
        "h.{}.attn.c_attn.weight": [torch.cat(part).T for part in parts],
        "layers.{}.attn.qkv.weight": [torch.cat(part) for part in parts],
        "layers.{}.attention.query_key_value.weight": [
            torch.stack([matrix.view(12, 32, 384) for matrix in part], 1).reshape(1152, 384) for part in parts
        ],
    }
    for name, matrices in layouts.items():
        state = {name.format(layer): matrix for layer, matrix in enumerate(matrices)}
        heads = estimate_heads(shapes_of(state), state.__getitem__)
        assert heads is not None
        assert (heads.count, heads.told) == (12, True), name


def test_numbers_that_are_not_finite_are_left_out() -> None:
    shapes, read = bundled_tensors()

    def broken(name: str) -> torch.Tensor:
        return torch.full(shapes[name], float("nan")) if ".layer.0." in name else read(name)

    heads = estimate_heads(shapes, broken)
    assert heads is not None
    assert heads.count == 12


def test_no_attention_no_heads() -> None:
    assert estimate_heads({"embedding.weight": (32_000, 256)}) is None
