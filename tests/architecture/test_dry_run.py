"""A load on the meta device: what it finds, what it costs, what it refuses."""

from __future__ import annotations

import time
from typing import Any

import pytest
import transformers

from embedviz.architecture import dry_run, memory
from embedviz.architecture.catalogue import empty_model, names_of
from embedviz.checkpoints import bundled_path
from embedviz.errors import CheckpointError
from tests.architecture.models import bundled_tensors


@pytest.fixture(scope="module")
def config() -> Any:
    return transformers.AutoConfig.from_pretrained(bundled_path())


def test_the_bundled_model_is_clean(config: Any) -> None:
    found = dry_run(config, bundled_tensors()[0])
    assert found.clean
    assert (found.missing, found.unexpected, found.mismatched, found.random_share) == ((), (), (), 0.0)
    assert found.parameters == 22_713_216
    assert memory(found.parameters) == 4 * found.parameters
    assert memory(found.parameters, "bfloat16") == 2 * found.parameters


@pytest.mark.parametrize("prefix", ["module.bert.", "0.auto_model.", "a+b(c)[d].*$^."])
def test_a_prefix_is_stripped_as_it_stands(config: Any, prefix: str) -> None:
    shapes = {prefix + name: shape for name, shape in bundled_tensors()[0].items()}
    assert dry_run(config, shapes, prefix=prefix).clean
    assert dry_run(config, shapes).random_share == 1.0


def test_what_does_not_fit_is_named(config: Any) -> None:
    shapes = bundled_tensors()[0]
    del shapes["encoder.layer.2.output.dense.bias"]
    shapes["embeddings.word_embeddings.weight"] = (30_000, 384)
    shapes["extra"] = (3,)
    found = dry_run(config, shapes)
    assert found.missing == ("encoder.layer.2.output.dense.bias",)
    assert found.unexpected == ("extra",)
    assert found.mismatched == (("embeddings.word_embeddings.weight", (30_000, 384), (30_522, 384)),)
    assert found.random_share == pytest.approx((30_522 * 384 + 384) / found.parameters)
    assert not found.clean


def test_a_pooler_may_be_missing(config: Any) -> None:
    shapes = {name: shape for name, shape in bundled_tensors()[0].items() if "pooler" not in name}
    found = dry_run(config, shapes)
    assert found.missing == ("pooler.dense.bias", "pooler.dense.weight")
    assert found.clean


def test_eight_billion_parameters_take_no_memory_and_a_second() -> None:
    llama = transformers.LlamaConfig(
        vocab_size=128_256, hidden_size=4096, intermediate_size=14_336, num_hidden_layers=32, num_key_value_heads=8
    )
    shapes = names_of(empty_model("LlamaForCausalLM", llama))
    assert len(shapes) == 291
    started = time.perf_counter()
    found = dry_run(llama, shapes, kind="LlamaForCausalLM")
    assert time.perf_counter() - started < 5
    assert found.clean
    assert found.parameters == 8_030_261_248


@pytest.mark.parametrize(
    "absurd",
    [
        {"vocab_size": 2_000_000_000},
        {"num_hidden_layers": 3000},
        {"hidden_size": -384},
        {"num_attention_heads": 0},
        {"num_attention_heads": 7},
        {"max_position_embeddings": 10**12},
    ],
)
def test_an_absurd_configuration_is_refused_at_once(absurd: dict[str, int]) -> None:
    shapes = bundled_tensors()[0]
    started = time.perf_counter()
    with pytest.raises(CheckpointError) as caught:
        dry_run(transformers.BertConfig(**absurd), shapes)
    assert time.perf_counter() - started < 1
    assert caught.value.code in ("configuration.absurd-size", "configuration.does-not-fit")
    assert caught.value.remedy


def test_absurd_sizes_of_an_inner_configuration() -> None:
    config = transformers.CLIPConfig(text_config={"num_hidden_layers": 10**6})
    with pytest.raises(CheckpointError, match=r"text_config\.num_hidden_layers"):
        dry_run(config, {"logit_scale": ()})


def test_a_class_that_transformers_lacks_is_named() -> None:
    with pytest.raises(CheckpointError, match="MyOwnModel"):
        dry_run("bert", bundled_tensors()[0], kind="MyOwnModel")
    with pytest.raises(CheckpointError, match="pipeline"):
        dry_run("bert", bundled_tensors()[0], kind="pipeline")


def test_names_made_to_be_patterns_are_only_unexpected(config: Any) -> None:
    hostile = dict.fromkeys((r"x.\1", "(", "a{9999}", "(a+)+$", "=cmd|x", "<img onerror=1>", "\n", "é" * 300), (1,))
    found = dry_run(config, bundled_tensors()[0] | hostile)
    assert found.clean
    assert set(found.unexpected) == set(hostile)
