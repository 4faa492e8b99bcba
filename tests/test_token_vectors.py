"""Vectors token by token, against transformers' own hidden states and against the poolings."""

from __future__ import annotations

import numpy as np
import pytest

import embedviz as ev
from embedviz.checkpoints import bundled_path

TEXTS = ["She sat on the bank of the river.", "The bank raised its rates.", "Bank"]


def test_they_are_the_hidden_states(bundled: ev.Checkpoint) -> None:
    import torch
    from transformers import AutoModel

    # A model of its own: transformers leaves its own hooks on the one it was asked for hidden states.
    model = AutoModel.from_pretrained(bundled_path())
    found = ev.token_vectors(bundled, TEXTS, ["embeddings", "encoder.layer.0", "encoder.layer.5"])
    for place, text in enumerate(TEXTS):
        batch = bundled.tokenizer([text], return_tensors="pt")
        with torch.inference_mode():
            states = model(**batch, output_hidden_states=True).hidden_states
        rows = found.instance == place
        assert found.token[rows].tolist() == batch["input_ids"][0].tolist()
        assert found.position[rows].tolist() == list(range(batch["input_ids"].shape[1]))
        for path, state in (("embeddings", 0), ("encoder.layer.0", 1), ("encoder.layer.5", 6)):
            np.testing.assert_allclose(found.vectors[path][rows], states[state][0].numpy(), atol=1e-5)


def test_their_mean_is_the_pooled_vector(bundled: ev.Checkpoint) -> None:
    tokens = ev.token_vectors(bundled, TEXTS, ["encoder.layer.3"])
    found, instance = tokens.vectors["encoder.layer.3"], tokens.instance
    pooled = ev.capture(bundled, TEXTS, ["encoder.layer.3"], "mean")["encoder.layer.3"].vectors
    means = np.stack([found[instance == place].mean(axis=0) for place in range(len(TEXTS))])
    np.testing.assert_allclose(means, pooled, atol=2e-6)


def test_what_does_not_fit_the_model_is_counted(bundled: ev.Checkpoint) -> None:
    found = ev.token_vectors(bundled, ["word " * 1000, "short"])
    assert found.cut.tolist() == [1002 - bundled.max_tokens, 0]
    assert (found.instance == 0).sum() == bundled.max_tokens


def test_a_layer_without_tokens_is_refused(bundled: ev.Checkpoint) -> None:
    with pytest.raises(ev.LayerError, match="no vector for each token"):
        ev.token_vectors(bundled, TEXTS, ["pooler"], insist=True)


def test_too_many_tokens_are_refused(bundled: ev.Checkpoint) -> None:
    with pytest.raises(ev.InstancesError, match="too many tokens"):
        ev.token_vectors(bundled, ["word " * 600] * 100)
