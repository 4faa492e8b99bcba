"""Which layers a model is gone through by, and what they are called."""

from __future__ import annotations

import pytest
import torch
from transformers import GPT2Config, GPT2Model

import embedviz as ev
from embedviz.depth import short_names, spread, through_depth


def test_the_embedding_and_every_block(bundled: ev.Checkpoint) -> None:
    found = [layer.path for layer in through_depth(bundled.layers)]
    assert found == ["embeddings", *(f"encoder.layer.{number}" for number in range(6))]


def test_blocks_of_another_family() -> None:
    model = GPT2Model(GPT2Config(n_layer=3, n_embd=16, n_head=2, vocab_size=50, n_positions=64)).eval()
    found = [layer.path for layer in through_depth(ev.open_module(model).layers)]
    assert found[-3:] == ["h.0", "h.1", "h.2"]
    assert found[0] in ("wte", "wpe")


def test_a_model_without_blocks_goes_by_its_layers_in_order() -> None:
    body = [module for _ in range(15) for module in (torch.nn.Linear(8, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU())]
    found = [layer.path for layer in through_depth(ev.open_module(torch.nn.Sequential(*body)).layers)]
    assert 2 < len(found) <= 12
    assert found[-1] == "42", "The last layer that computes is among them."
    assert found == sorted(found, key=int)
    assert all(isinstance(body[int(path)], torch.nn.Linear) for path in found)


def test_names_keep_a_word_of_what_they_share() -> None:
    paths = ["encoder.layer.0", "encoder.layer.11"]
    assert short_names(paths) == {"encoder.layer.0": "layer.0", "encoder.layer.11": "layer.11"}
    assert short_names(["embeddings", "encoder.layer.0"]) == {
        "embeddings": "embeddings",
        "encoder.layer.0": "encoder.layer.0",
    }
    assert short_names(["a.b", "a.b.c"]) == {"a.b": "b", "a.b.c": "b.c"}
    assert short_names(["", "encoder"]) == {"": "the whole model", "encoder": "encoder"}
    assert short_names(["encoder.layer.3"]) == {"encoder.layer.3": "encoder.layer.3"}
    assert short_names([]) == {}


def test_names_stay_different() -> None:
    paths = [f"h.{number}.{part}" for number in range(3) for part in ("", "mlp", "attn.x")]
    assert len(set(short_names(paths).values())) == len(paths)


@pytest.mark.parametrize(("count", "places"), [(1, [0]), (6, [0, 1, 2, 3, 4, 5]), (13, [0, 2, 5, 7, 10, 12])])
def test_an_even_spread_has_both_ends(count: int, places: list[int]) -> None:
    names = [f"layer.{place}" for place in range(count)]
    assert spread(names) == tuple(names[place] for place in places)
