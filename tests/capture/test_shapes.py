"""Which axis is what: sizes that coincide, batches of one, windows, experts, layouts of convolutions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import embedviz as ev
from embedviz.modalities import feed, text
from tests.capture.conftest import Open
from tests.capture.tiny import close, hidden_states, layer, pictures, seen, tiny, token_ids, told, vectors, why_not


@pytest.mark.parametrize("lengths", [[8] * 8, [1] * 8, [8], [1]])
def test_sizes_that_coincide(lengths: list[int], opened: Open) -> None:
    # Eight instances of eight tokens of width eight, and every axis at one.
    model = tiny("Bert", hidden_size=8, num_attention_heads=2, intermediate_size=8)
    ids = token_ids(*lengths)
    for pooling, pick in (("mean", lambda state: state.mean(0)), ("last", lambda state: state[-1])):
        found = vectors(opened(model), ids, "encoder.layer.0", pooling)
        for row, states in enumerate(hidden_states(model, ids)):
            assert close(found[row], pick(states[1][0]))


def test_a_last_batch_of_one(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny("GPT2")
    ids = token_ids(6, 6, 6, 6, 6)
    monkeypatch.setattr(text, "TOKEN_BUDGET", 12)
    found = vectors(opened(model), ids, "h.0")
    for row, states in enumerate(hidden_states(model, ids)):
        assert close(found[row], states[1][0].mean(0))
    monkeypatch.setattr(feed, "_MOST_TOGETHER", 2)
    linear = nn.Linear(6, 3)
    given = torch.from_numpy(pictures(5, 6))
    assert close(vectors(opened(linear), given, ""), linear(given))


def test_windows_and_bare_tables_are_no_vectors(opened: Open) -> None:
    checkpoint = opened(tiny("Swin"))
    block = "encoder.layers.0.blocks.1"
    assert why_not(checkpoint, f"{block}.attention") == "windowed"
    assert why_not(checkpoint, f"{block}.attention.q_proj") == "windowed"
    assert why_not(checkpoint, f"{block}.attention.relative_position_bias") == "no batch axis"
    bert = opened(tiny("Bert"))
    assert why_not(bert, "embeddings.position_embeddings") == "no batch axis"


def test_the_blocks_of_swin(opened: Open) -> None:
    model = tiny("Swin")
    given = torch.from_numpy(pictures(3, 3, 32, 32))
    checkpoint = opened(model, reads=ev.Reads("tensors", (3, 32, 32)))
    caught = ev.capture(checkpoint, given, ["encoder.layers.0.blocks.0", "encoder.layers.0", "layernorm"])
    states = told(model, given, output_hidden_states=True)
    (block,) = seen(model, model.encoder.layers[0].blocks[0], given)
    assert close(caught["encoder.layers.0.blocks.0"].vectors, block[0].mean(1))
    assert close(caught["encoder.layers.0"].vectors, states.hidden_states[1].mean(1))
    assert close(caught["layernorm"].vectors, states.last_hidden_state.mean(1))


def test_experts_line_up_the_tokens_of_all(opened: Open) -> None:
    model = tiny("Mixtral")
    checkpoint = opened(model)
    flat = [each for each in checkpoint.layers if each.status == "flat tokens"]
    assert {each.module.partition("mlp.")[2].split(".")[0] for each in flat} >= {"gate", "experts"}
    assert all("one row" in each.why for each in flat)
    ids = token_ids(5, 9, 3)
    found = vectors(checkpoint, ids, "layers.0")
    for row, states in enumerate(hidden_states(model, ids)):
        assert close(found[row], states[1][0].mean(0))
    # The router's scores come back with the last hidden state: one row of them for all tokens, so no layer.
    assert vectors(checkpoint, ids, "layers.0.mlp").shape == (3, 32)


class Wide(nn.Module):
    """Convolutions in one dimension, a residual made by no module, and a head that fixes the length."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm, self.act = nn.Conv1d(3, 8, 3, padding=1), nn.BatchNorm1d(8), nn.ReLU()
        self.block = Residual()
        self.head = nn.Linear(8 * 16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.block(self.act(self.norm(self.conv(x)))).flatten(1))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(8, 8, 3, padding=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.gelu(x + self.conv(x))


def test_channels_stand_before_the_places_of_a_convolution(opened: Open) -> None:
    model = Wide().eval()
    given = torch.from_numpy(pictures(5, 3, 16))
    checkpoint = opened(model)
    assert checkpoint.inputs.shape == (3, 16)
    for path in ("conv", "norm", "act", "act:input", "block", "block.conv", "block:input"):
        assert layer(checkpoint, path).shape == ("instances", 8, 16), path
        assert layer(checkpoint, path).positions == (2,), path
    (act,) = seen(model, model.act, given)
    (block,) = seen(model, model.block, given)
    caught = ev.capture(checkpoint, given, ["act", "block"], "max")
    assert close(caught["act"].vectors, act.amax(2))
    assert close(caught["block"].vectors, block.amax(2))
    # What the model is given has its channels where the convolution that takes it has them.
    assert close(vectors(checkpoint, given, ":input"), given.mean(2))


def test_a_convolution_over_any_length(opened: Open) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(3, 8, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    checkpoint = opened(model)
    assert layer(checkpoint, "1").over == "steps"
    given = [pictures(1, 3, length)[0] for length in (12, 30, 12, 17)]
    found = vectors(checkpoint, given, "1")
    for row, each in enumerate(given):
        assert close(found[row], model[:2](torch.from_numpy(each)[None]).mean(2)[0])


@pytest.mark.parametrize("step", [2, 5, 8, 16])
def test_large_steps_are_not_taken_for_something_else(step: int, opened: Open) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(3, 8, step, stride=step), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    checkpoint = opened(model)
    assert layer(checkpoint, "1").shape == ("instances", 8, "steps")
    given = torch.from_numpy(pictures(3, 3, 96))
    assert close(vectors(checkpoint, given, "1"), model[:2](given).mean(2))


def test_a_norm_over_several_axes_says_nothing_of_the_width(opened: Open) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.LayerNorm([4, 6, 6]), nn.Flatten(), nn.Linear(144, 2))
    checkpoint = opened(model, reads=ev.Reads("tensors", (3, 8, 8)))
    given = torch.from_numpy(pictures(3, 3, 8, 8))
    assert layer(checkpoint, "1").positions == (2, 3)
    assert close(vectors(checkpoint, given, "1"), model[:2](given).mean((2, 3)))


def test_channels_last_are_told_by_their_makers(opened: Open) -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.mix, self.end = nn.Conv2d(3, 5, 1), nn.Linear(5, 6), nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.end(nn.functional.gelu(self.mix(self.conv(x).permute(0, 2, 3, 1))))

    model = Last()
    given = torch.from_numpy(pictures(3, 3, 6, 4))
    checkpoint = opened(model, reads=ev.Reads("tensors", (3, 6, 4)))
    with torch.no_grad():
        expected = model(given)
    assert close(vectors(checkpoint, given, "conv"), model.conv(given).mean((2, 3)))
    assert close(vectors(checkpoint, given, "mix"), model.mix(model.conv(given).permute(0, 2, 3, 1)).mean((1, 2)))
    assert close(vectors(checkpoint, given, "end"), expected.mean((1, 2)))


def test_equal_shapes_are_told_apart_by_who_made_them(opened: Open) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(6, 6, 1), nn.Dropout(), nn.Linear(6, 6), nn.Dropout()).eval()
    checkpoint = opened(model, reads=ev.Reads("tensors", (6, 6)))
    given = torch.from_numpy(pictures(3, 6, 6))
    for path, places in (("0", 2), ("1", 2), ("2", 1), ("3", 1), (":input", 2)):
        assert layer(checkpoint, path).positions == (places,), path
    assert close(vectors(checkpoint, given, "1"), model[:2](given).mean(2))
    assert close(vectors(checkpoint, given, "3"), model(given).mean(1))


def test_a_parametrised_module_is_as_it_was(opened: Open) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(6, 5)))
    checkpoint = opened(model, reads=ev.Reads("tensors", (3, 4, 6)))
    given = torch.from_numpy(pictures(2, 3, 4, 6))
    assert close(vectors(checkpoint, given, "0"), model(given).mean((1, 2)))


def test_two_towers_are_two_models(opened: Open) -> None:
    texts, images = tiny("CLIPText"), tiny("CLIPVision")
    ids = token_ids(6, 3)
    checkpoint = opened(texts)
    found = vectors(checkpoint, ids, checkpoint.recommended.path)
    for row, each in enumerate(ids):
        with torch.no_grad():
            assert close(found[row], texts(torch.tensor([each])).last_hidden_state[0].mean(0))
    given = torch.from_numpy(pictures(2, 3, 32, 32))
    checkpoint = opened(images, reads=ev.Reads("tensors", (3, 32, 32)))
    blocks = [each.path for each in checkpoint.layers if each.role == "block" and not each.part]
    states = told(images, given, output_hidden_states=True).hidden_states
    for path, state in zip(blocks, states[1:], strict=True):
        assert layer(checkpoint, path).prefix == 1
        assert close(vectors(checkpoint, given, path), state[:, 1:].mean(1))
        assert close(vectors(checkpoint, given, path, "first"), state[:, 0])


def test_a_text_that_the_model_fills_up_is_refused(opened: Open) -> None:
    checkpoint = opened(tiny("Longformer"))
    # Every text of up to sixteen tokens becomes sixteen inside: the mean would be of what filled it up.
    assert why_not(checkpoint, "encoder.layer.0") == "filled up"
    assert why_not(checkpoint, "embeddings.word_embeddings") == "filled up"
    assert layer(checkpoint, "").capturable


def test_attention_weights_are_no_vectors(opened: Open) -> None:
    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.attention, self.weights = nn.MultiheadAttention(8, 2, batch_first=True), nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out, weights = self.attention(x, x, x)
            self.weights(weights)
            return out

    model = Attends()
    checkpoint = opened(model, reads=ev.Reads("tensors", (5, 8)))
    assert why_not(checkpoint, "weights") == "extra axes"
    with pytest.raises(ev.LayerError, match="no such layer"):
        ev.capture(checkpoint, pictures(2, 5, 8), ["attention:1"])
    given = torch.from_numpy(pictures(3, 5, 8))
    assert close(vectors(checkpoint, given, "attention"), model(given).mean(1))


def test_hand_made_heads_before_the_tokens(opened: Open) -> None:
    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.linear, self.split = nn.Linear(8, 8), nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.linear(x)
            return self.split(y.unflatten(2, (2, 4)).transpose(1, 2)).sum(1)

    model = Heads()
    checkpoint = opened(model, reads=ev.Reads("tensors", (None, 8)))
    assert layer(checkpoint, "split").shape == ("instances", 2, "steps", 4)
    given = torch.from_numpy(pictures(3, 7, 8))
    assert close(vectors(checkpoint, given, "split"), model.linear(given).mean(1))
    assert np.isfinite(vectors(checkpoint, given, "")).all()
