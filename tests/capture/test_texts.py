"""Texts, pairs, prompts and ids, against the tokenizer's own result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import embedviz as ev
from embedviz.checkpoints.bundled import tokenizer
from tests.capture.tiny import close, tiny, vectors


@pytest.fixture(scope="module")
def checkpoint() -> Iterator[ev.Checkpoint]:
    return ev.open_module(tiny("Bert", vocab_size=30_522), tokenizer())


def alone(checkpoint: ev.Checkpoint, *given: Any, **named: Any) -> torch.Tensor:
    """The last hidden state's mean of what the tokenizer makes of one instance."""
    encoded = checkpoint.tokenizer(*given, return_tensors="pt", **named)
    with torch.no_grad():
        return checkpoint.model(**encoded).last_hidden_state[0].mean(0)


PAIRS = [("what is a bank", "it is where a river ends"), ("one", "two"), ("a", "in the evening the village walked")]


def test_pairs_are_read_together(checkpoint: ev.Checkpoint) -> None:
    found = ev.capture(checkpoint, PAIRS, ["encoder.layer.1"])["encoder.layer.1"]
    for row, (one, other) in enumerate(PAIRS):
        assert close(found.vectors[row], alone(checkpoint, one, other))
    assert found.tokens is not None
    assert found.tokens.tolist() == [len(checkpoint.tokenizer(*pair)["input_ids"]) for pair in PAIRS]
    # The second half has a type of its own, and the order counts.
    turned = vectors(checkpoint, [pair[::-1] for pair in PAIRS], "encoder.layer.1")
    assert np.abs(turned - found.vectors).max() > 1e-3


def test_ids_stand_as_they_are(checkpoint: ev.Checkpoint) -> None:
    ids = [[2_003, 2_004], [101, 7_592, 102], [9_999]]
    found = vectors(checkpoint, ids, "encoder.layer.1")
    for row, each in enumerate(ids):
        with torch.no_grad():
            expected = checkpoint.model(torch.tensor([each])).last_hidden_state[0].mean(0)
        assert close(found[row], expected)
    assert close(found[1], vectors(checkpoint, ["hello"], "encoder.layer.1")[0])


def test_texts_pairs_and_ids_in_one_set(checkpoint: ev.Checkpoint) -> None:
    mixed = ["hello", PAIRS[0], [101, 7_592, 102], "a longer text than the others are, by some words"]
    found = vectors(checkpoint, mixed, "encoder.layer.1")
    assert close(found[0], alone(checkpoint, "hello"))
    assert close(found[1], alone(checkpoint, *PAIRS[0]))
    assert close(found[2], found[0])
    assert close(found[3], alone(checkpoint, mixed[3]))


def test_a_prompt_is_put_before_each(checkpoint: ev.Checkpoint) -> None:
    found = vectors(checkpoint, ["a bank", ("a bank", "a river"), [101, 102]], "encoder.layer.1", prompt="query: ")
    assert close(found[0], alone(checkpoint, "query: a bank"))
    assert close(found[1], alone(checkpoint, "query: a bank", "a river"))
    with torch.no_grad():
        assert close(found[2], checkpoint.model(torch.tensor([[101, 102]])).last_hidden_state[0].mean(0))


def test_the_checkpoints_own_prompt_and_another(checkpoint: ev.Checkpoint) -> None:
    own = ev.open_module(checkpoint.model, checkpoint.tokenizer)
    own.recipe = replace(own.recipe, prompt="passage: ")
    assert close(vectors(own, ["a bank"], "encoder.layer.1")[0], alone(checkpoint, "passage: a bank"))
    assert close(vectors(own, ["a bank"], "encoder.layer.1", prompt="")[0], alone(checkpoint, "a bank"))


def test_what_is_too_long_is_cut_by_the_tokenizer(checkpoint: ev.Checkpoint) -> None:
    long = "word " * 300
    items = [long, (long, "a river"), [2_003] * 300]
    found = ev.capture(checkpoint, items, ["encoder.layer.1"])["encoder.layer.1"]
    assert close(found.vectors[0], alone(checkpoint, long, truncation=True, max_length=64))
    assert close(found.vectors[1], alone(checkpoint, long, "a river", truncation=True, max_length=64))
    assert found.tokens is not None
    assert found.cut is not None
    assert found.tokens.tolist() == [64, 64, 64]
    assert found.cut.tolist() == [302 - 64, 305 - 64, 300 - 64]


@pytest.mark.parametrize("item", [3, ("a", "b", "c"), ("a", 3), [], [1.5], [True, 1], None])
def test_what_is_no_text_is_refused(item: Any, checkpoint: ev.Checkpoint) -> None:
    with pytest.raises(ev.InstancesError, match="not a text"):
        ev.capture(checkpoint, ["hello", item], ["encoder.layer.1"])


@pytest.mark.parametrize("item", [[30_522], [-1], [5, 99_999]])
def test_ids_that_the_model_does_not_know_are_refused(item: list[int], checkpoint: ev.Checkpoint) -> None:
    with pytest.raises(ev.CaptureError, match="knows only 30,522"):
        ev.capture(checkpoint, [[5], item], ["encoder.layer.1"])
