"""What fills up a batch is never read: not by a pooling, and not through the model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import embedviz as ev
from embedviz import pooling
from embedviz.checkpoints.bundled import tokenizer
from tests.capture.conftest import Open
from tests.capture.tiny import close, hidden_states, pictures, seen, tiny, token_ids, told, vectors

NAN = float("nan")
#: Right, left, with holes, all real, none.
MASK = torch.tensor([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [0, 1, 0, 1, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]]).bool()
BY_HAND: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "mean": lambda real: real.mean(0),
    "first": lambda real: real[0],
    "last": lambda real: real[-1],
    "maximum": lambda real: real.amax(0),
    "mean_sqrt_length": lambda real: real.sum(0) / len(real) ** 0.5,
}


@pytest.mark.parametrize("name", [*BY_HAND, "weighted_mean"])
@pytest.mark.parametrize("filler", [0.0, NAN, float("inf"), 1e30])
def test_poolings_read_what_is_real(name: str, filler: float) -> None:
    torch.manual_seed(0)
    hidden = torch.randn(5, 5, 3)
    hidden[~MASK] = filler
    pooled = getattr(pooling, name)(hidden, MASK)
    for row in range(4):
        real = hidden[row][MASK[row]]
        if name == "weighted_mean":
            weights = torch.arange(1, 6)[MASK[row]].float()
            expected = (real * weights[:, None]).sum(0) / weights.sum()
        else:
            expected = BY_HAND[name](real)
        assert torch.allclose(pooled[row], expected, atol=1e-6)
    # Without any real token there is no vector, and none is made up.
    assert not torch.isfinite(pooled[4]).any()


@pytest.mark.parametrize("family", ["Bert", "GPT2", "Llama", "Mixtral", "CLIPText"])
@pytest.mark.parametrize("pooling_name", ["mean", "last"])
def test_a_batch_of_many_lengths_is_as_each_alone(family: str, pooling_name: str, opened: Open) -> None:
    model = tiny(family)
    ids = token_ids(1, 30, 7, 12, 2, 30)
    checkpoint = opened(model)
    block = next(each.path for each in checkpoint.layers if each.role == "block")
    found = ev.capture(checkpoint, ids, [block], pooling_name)[block]
    assert not found.notes
    for row, states in enumerate(hidden_states(model, ids)):
        state = states[1][0]
        assert close(found.vectors[row], state.mean(0) if pooling_name == "mean" else state[-1])


def test_a_padding_token_that_ends_texts_too(opened: Open) -> None:
    words = tokenizer()
    words.pad_token = words.sep_token
    model = tiny("Bert", vocab_size=30_522)
    checkpoint = opened(model, words)
    texts = ["a river bank", "one", "in the evening the whole village walked to the harbour"]
    for name, pick in (("mean", lambda state: state.mean(0)), ("last", lambda state: state[-1])):
        found = vectors(checkpoint, texts, "encoder.layer.0", name)
        states = hidden_states(model, [words(each)["input_ids"] for each in texts])
        for row, each in enumerate(states):
            assert close(found[row], pick(each[1][0]))


class Masked(nn.Module):
    """An encoder of torch's own that is told where the padding is, as texts are given to it."""

    def __init__(self, *, masked: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.masked = nn.Embedding(30_522, 8), masked
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        padding = attention_mask == 0 if self.masked else None
        return self.encoder(self.table(input_ids), src_key_padding_mask=padding)


@pytest.mark.parametrize("masked", [True, False])
def test_the_encoder_of_torch(masked: bool, opened: Open) -> None:
    model = Masked(masked=masked).eval()
    words = tokenizer()
    checkpoint = opened(model, words)
    assert torch.backends.mha.get_fastpath_enabled()
    texts = ["a river bank", "one", "in the evening the whole village walked to the harbour"]
    paths = ["encoder.layers.0", "encoder.layers.1.linear2", "encoder"]
    caught = ev.capture(checkpoint, texts, paths)
    assert torch.backends.mha.get_fastpath_enabled()
    for row, text in enumerate(texts):
        ids = words([text], return_tensors="pt")
        for path in paths:
            (expected,) = seen(
                model, model.get_submodule(path), input_ids=ids["input_ids"], attention_mask=ids["attention_mask"]
            )
            if masked:
                assert close(caught[path].vectors[row], expected[0].mean(0))
    # A model that reads its padding gives vectors that follow their batch, and that is said.
    assert all(bool(caught[path].notes) is not masked for path in paths)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_nested_tensors_end_where_they_end(opened: Open) -> None:
    class Nested(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.table, self.nest, self.end = nn.Embedding(20, 4), Nest(), nn.Linear(4, 2)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            self.nest(self.table(ids), (ids > 0).sum(1).clamp(min=1))
            return self.end(self.table(ids[:, 0]))

    class Nest(nn.Module):
        def forward(self, x: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
            return torch.nested.nested_tensor([row[:end] for row, end in zip(x, ends.tolist(), strict=True)])

    model = Nested()
    ids = torch.tensor([[3, 4, 0, 0], [5, 6, 7, 8], [2, 0, 0, 0]])
    checkpoint = opened(model, reads=ev.Reads("tensors", (4,), "int64"))
    found = vectors(checkpoint, ids, "nest")
    for row, each in enumerate(ids):
        assert close(found[row], model.table(each[each > 0]).mean(0))


def test_an_encoder_that_is_given_no_texts(opened: Open) -> None:
    torch.manual_seed(0)
    for batch_first in (True, False):
        model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first), 2).eval()
        checkpoint = opened(model)
        assert checkpoint.inputs.batch_axis == (0 if batch_first else 1)
        given = pictures(4, 6, 8)
        caught = ev.capture(checkpoint, given, ["layers.0", "layers.1.norm2"])
        for row, one in enumerate(given):
            turned = torch.from_numpy(one).unsqueeze(0 if batch_first else 1)
            assert close(caught["layers.0"].vectors[row], model.layers[0](turned).reshape(6, 8).mean(0))
            assert close(caught["layers.1.norm2"].vectors[row], model(turned).reshape(6, 8).mean(0))


def test_the_encoder_of_t5(opened: Open) -> None:
    model = tiny("T5", "EncoderModel")
    checkpoint = opened(model)
    assert checkpoint.recommended.path == "encoder.final_layer_norm"
    ids = token_ids(9, 3, 14)
    caught = ev.capture(checkpoint, ids, ["encoder.block.0", "encoder.final_layer_norm"])
    for row, each in enumerate(ids):
        states = told(model, torch.tensor([each]), output_hidden_states=True)
        assert close(caught["encoder.block.0"].vectors[row], states.hidden_states[1][0].mean(0), 1e-5)
        assert close(caught["encoder.final_layer_norm"].vectors[row], states.last_hidden_state[0].mean(0), 1e-5)


def test_mamba_reads_from_left_to_right(opened: Open) -> None:
    model = tiny("Mamba")
    ids = token_ids(9, 3, 14)
    caught = ev.capture(opened(model), ids, ["layers.0", "norm_f"], "last")
    for row, each in enumerate(ids):
        states = told(model, torch.tensor([each]), output_hidden_states=True)
        # Mamba's states begin with what its first block makes.
        assert close(caught["layers.0"].vectors[row], states.hidden_states[0][0, -1], 1e-5)
        assert close(caught["norm_f"].vectors[row], states.last_hidden_state[0, -1], 1e-5)


def test_sound_of_any_length(opened: Open) -> None:
    model = tiny("Wav2Vec2")
    checkpoint = opened(model)
    assert checkpoint.inputs.modality == "tensors"
    given = [pictures(1, length)[0] for length in (2_000, 3_100, 2_000)]
    paths = ["encoder.layers.0", "encoder.pos_conv_embed.conv", "feature_extractor.conv_layers.0"]
    caught = ev.capture(checkpoint, given, paths)
    for row, each in enumerate(given):
        sound = torch.from_numpy(each)[None]
        states = told(model, sound, output_hidden_states=True)
        assert close(caught["encoder.layers.0"].vectors[row], states.hidden_states[1][0].mean(0), 1e-5)
        for path in paths[1:]:
            (output,) = seen(model, model.get_submodule(path), sound)
            assert close(caught[path].vectors[row], output[0].mean(1), 1e-5)
    assert np.abs(caught["encoder.layers.0"].vectors[0] - caught["encoder.layers.0"].vectors[1]).max() > 1e-3
