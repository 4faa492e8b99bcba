"""What modules are given, and single heads of attention."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import embedviz as ev
from embedviz.layers import find, variants
from tests.capture.conftest import Open
from tests.capture.tiny import close, layer, pictures, tiny, token_ids, vectors

IDS = token_ids(7, 3, 12)


@pytest.mark.parametrize(
    ("family", "kind", "inside", "before"),
    [
        ("Bert", "Model", "encoder.layer.1", "encoder.layer.0"),
        ("GPT2", "Model", "h.1", "h.0"),
        ("T5", "EncoderModel", "encoder.block.1", "encoder.block.0"),
        ("Llama", "Model", "layers.1", "layers.0"),
        ("Mixtral", "Model", "layers.1", "layers.0"),
        ("Mamba", "Model", "layers.1", "layers.0"),
    ],
)
def test_a_block_is_given_what_the_one_before_made(
    family: str, kind: str, inside: str, before: str, opened: Open
) -> None:
    caught = ev.capture(opened(tiny(family, kind)), IDS, [f"{inside}:input", before])
    assert np.array_equal(caught[f"{inside}:input"].vectors, caught[before].vectors)


def test_what_is_given_by_name(opened: Open) -> None:
    # The attention of Llama is called by keywords only.
    model = tiny("Llama")
    checkpoint = opened(model)
    caught = ev.capture(checkpoint, IDS, ["layers.0.self_attn:input", "layers.0.input_layernorm"])
    assert np.array_equal(caught["layers.0.self_attn:input"].vectors, caught["layers.0.input_layernorm"].vectors)

    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x, other=x * 2, hidden_states=x * 3, scale=2.0)

    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(6, 2)

        def forward(
            self, x: torch.Tensor, *, other: torch.Tensor, hidden_states: torch.Tensor, scale: float
        ) -> torch.Tensor:
            return self.linear(x + other + hidden_states) * scale

    given = torch.from_numpy(pictures(4, 6))
    checkpoint = opened(Named())
    caught = ev.capture(checkpoint, given, ["inner:input", "inner:input.other", "inner:input.0"])
    assert close(caught["inner:input"].vectors, given * 3)
    assert close(caught["inner:input.other"].vectors, given * 2)
    assert close(caught["inner:input.0"].vectors, given)


def heads(checkpoint: ev.Checkpoint, path: str) -> list[np.ndarray]:
    count = layer(checkpoint, path).heads
    paths = [f"{path}:head{number}" for number in range(1, count + 1)]
    caught = ev.capture(checkpoint, IDS, paths)
    return [caught[each].vectors for each in paths]


@pytest.mark.parametrize(
    ("family", "kind", "path", "count"),
    [
        ("Bert", "Model", "encoder.layer.0.attention.self.query", 4),
        ("Bert", "Model", "encoder.layer.0.attention.self.value", 4),
        ("Bert", "Model", "encoder.layer.0.attention.output.dense:input", 4),
        ("T5", "EncoderModel", "encoder.block.0.layer.0.SelfAttention.k", 4),
        ("GPT2", "Model", "h.0.attn.c_proj:input", 4),
        # Grouped queries: four heads ask, two answer.
        ("Llama", "Model", "layers.0.self_attn.q_proj", 4),
        ("Llama", "Model", "layers.0.self_attn.k_proj", 2),
        ("Llama", "Model", "layers.0.self_attn.v_proj", 2),
        ("Llama", "Model", "layers.0.self_attn.o_proj:input", 4),
    ],
)
def test_all_heads_are_the_whole(family: str, kind: str, path: str, count: int, opened: Open) -> None:
    checkpoint = opened(tiny(family, kind))
    whole = vectors(checkpoint, IDS, path)
    split = heads(checkpoint, path)
    assert [each.shape for each in split] == [(3, whole.shape[1] // count)] * count
    assert close(np.concatenate(split, axis=1), whole)
    second = vectors(checkpoint, IDS, f"{path}:head2")
    width = whole.shape[1] // count
    assert close(second, whole[:, width : 2 * width])


def test_a_head_is_what_attention_makes_of_it(opened: Open) -> None:
    model = tiny("Bert")
    checkpoint = opened(model)
    attention = model.encoder.layer[0].attention.self
    found = vectors(checkpoint, IDS[:1], "encoder.layer.0.attention.output.dense:input:head3", "last")
    with torch.no_grad():
        x = model.embeddings(torch.tensor(IDS[:1]))
        query, key, value = (each(x)[..., 16:24] for each in (attention.query, attention.key, attention.value))
        expected = (query @ key.mT / 8**0.5).softmax(-1) @ value
    assert close(found[0], expected[0, -1])


@pytest.mark.parametrize(
    "path",
    [
        "encoder.layer.0.intermediate.dense",
        "encoder.layer.0.output.dense:input",
        "encoder.layer.0.attention.output.dense",
        "pooler.dense",
        "pooler.dense:input",
    ],
)
def test_other_layers_have_no_heads(path: str, opened: Open) -> None:
    checkpoint = opened(tiny("Bert"))
    assert layer(checkpoint, path).heads == 0
    with pytest.raises(ev.LayerError, match="no such layer"):
        find(checkpoint.layers, f"{path}:head1")


def test_there_are_no_more_heads_than_there_are(opened: Open) -> None:
    checkpoint = opened(tiny("Bert"))
    path = "encoder.layer.0.attention.self.query"
    for number in (0, 5):
        with pytest.raises(ev.LayerError, match="no such layer"):
            find(checkpoint.layers, f"{path}:head{number}")
    ways = [each.path for each in variants(checkpoint.layers, layer(checkpoint, path))]
    assert ways == [path, f"{path}:input", *(f"{path}:head{number}" for number in range(1, 5))]


def test_groups_are_told_by_the_configuration_where_the_module_is_silent(opened: Open) -> None:
    model = tiny("Llama")
    for block in model.layers:
        block.self_attn.num_heads = 4  # as older attention modules say it, of the queries alone
    checkpoint = opened(model)
    assert layer(checkpoint, "layers.0.self_attn.k_proj").heads == 2
    assert layer(checkpoint, "layers.0.self_attn.q_proj").heads == 4


def test_a_head_of_another_batch_is_not_taken(opened: Open) -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.q_proj, self.num_heads, self.take = nn.Linear(8, 8), 2, None

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.q_proj(x[: self.take])

    class Narrow(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x)[..., :6]

    model = nn.Sequential(Attention())
    checkpoint = opened(model, reads=ev.Reads("tensors", (None, 8)))
    given = pictures(3, 5, 8)
    assert vectors(checkpoint, given, "0.q_proj:head2").shape == (3, 4)
    model[0].take = 1
    with pytest.raises(ev.CaptureError, match="changed its shape"):
        ev.capture(checkpoint, given, ["0.q_proj:head2"])
    model[0].take, model[0].q_proj.__class__ = None, Narrow
    with pytest.raises(ev.CaptureError, match="changed its shape"):
        ev.capture(checkpoint, given, ["0.q_proj:head2"])
