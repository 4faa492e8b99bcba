"""What models read, found out by trying, and corrected by whoever knows better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import embedviz as ev
from embedviz.checkpoints.inputs import check_given


class Pools(nn.Module):
    """A network of convolutions for pictures of any size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.conv(x).mean((2, 3)))


class LastStep(nn.Module):
    def __init__(self, *, batch_first: bool) -> None:
        super().__init__()
        self.rnn, self.head = nn.LSTM(5, 4, batch_first=batch_first), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out, _ = self.rnn(x)
        return self.head(out[:, -1] if self.rnn.batch_first else out[-1])


class Bag(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.EmbeddingBag(30, 4), nn.Linear(4, 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.table(ids))


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(5, 4), nn.Linear(3, 4)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.one(x) + self.other(y)


def cnn(channels: int, side: int) -> nn.Sequential:
    inner = (side - 2) ** 2
    return nn.Sequential(nn.Conv2d(channels, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * inner, 3))


def encoder(*, batch_first: bool) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


class FewPositions(nn.Module):
    """An encoder with a table of twenty positions."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.positions = encoder(batch_first=True), nn.Parameter(torch.zeros(20, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1] > len(self.positions):
            raise ValueError("too long")
        return self.encoder(x + self.positions[: x.shape[1]])


FOUND: dict[str, tuple[Callable[[], nn.Module], tuple[Any, ...]]] = {
    "linear": (lambda: nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 2)), ("tensors", (7,), "float32", 0)),
    "linear of a picture": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 5), nn.Linear(5, 2)),
        ("tensors", (784,), "float32", 0),
    ),
    "normalised": (lambda: nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 2)), ("tensors", (6,), "float32", 0)),
    "28 × 28": (lambda: cnn(1, 28), ("images", (1, 28, 28), "float32", 0)),
    "32 × 32": (lambda: cnn(3, 32), ("images", (3, 32, 32), "float32", 0)),
    "five channels": (lambda: cnn(5, 16), ("tensors", (5, 16, 16), "float32", 0)),
    "any size": (Pools, ("images", (3, 32, 32), "float32", 0)),
    "one dimension": (
        lambda: nn.Sequential(nn.Conv1d(4, 6, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 2)),
        ("tensors", (4, None), "float32", 0),
    ),
    "one dimension, fixed": (
        lambda: nn.Sequential(nn.Conv1d(4, 6, 3), nn.Flatten(), nn.Linear(6 * 62, 2)),
        ("tensors", (4, 64), "float32", 0),
    ),
    "recurrent": (lambda: LastStep(batch_first=True), ("tensors", (None, 5), "float32", 0)),
    "recurrent, time first": (lambda: LastStep(batch_first=False), ("tensors", (None, 5), "float32", 1)),
    "bag of ids": (Bag, ("tensors", (None,), "int64", 0)),
    "encoder": (lambda: encoder(batch_first=True), ("tensors", (None, 8), "float32", 0)),
    "encoder, time first": (lambda: encoder(batch_first=False), ("tensors", (None, 8), "float32", 1)),
    "few positions": (FewPositions, ("tensors", (None, 8), "float32", 0)),
    "parametrised": (
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(7, 2)), nn.ReLU()),
        ("tensors", (7,), "float32", 0),
    ),
    "half precision": (lambda: nn.Sequential(nn.Linear(7, 2)).bfloat16(), ("tensors", (7,), "float32", 0)),
    "logarithms": (lambda: nn.Sequential(Logarithm(), nn.Linear(7, 2)), ("tensors", (7,), "float32", 0)),
}


class Logarithm(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.log()


def opened(model: nn.Module, **said: Any) -> ev.Checkpoint:
    checkpoint = ev.open_module(model)
    checkpoint.assumed_inputs = check_given(said)
    return checkpoint


def told(checkpoint: ev.Checkpoint) -> tuple[Any, ...]:
    reads = checkpoint.inputs
    return reads.modality, reads.shape, reads.dtype, reads.batch_axis


@pytest.mark.parametrize("name", FOUND)
def test_it_is_found_out(name: str) -> None:
    make, expected = FOUND[name]
    torch.manual_seed(0)
    model = make()
    checkpoint = opened(model)
    assert told(checkpoint) == expected
    assert checkpoint.inputs.why
    assert model.training
    assert any(layer.capturable for layer in checkpoint.layers)


def test_a_model_that_mixes_its_batch_is_not_given_ever_longer_inputs() -> None:
    class Mixes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.longest = nn.Linear(6, 4), 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.longest = max(self.longest, *x.shape)
            y = self.linear(x)
            if y.ndim == 2:
                raise ValueError("steps are needed")
            return y - y.mean((0, 1))

    model = Mixes()
    assert told(opened(model)) == ("tensors", (None, 6), "float32", 0)
    assert model.longest < 100


def test_two_inputs_are_not_found_out_and_it_says_why() -> None:
    checkpoint = opened(Two())
    reads = checkpoint.inputs
    assert reads.modality == "unknown inputs"
    assert "no input" in reads.why
    assert {layer.status for layer in checkpoint.layers} == {"not run"}
    assert all("could not be found out" in layer.why for layer in checkpoint.layers)
    with pytest.raises(ev.InstancesError, match="could not be found out"):
        ev.capture(checkpoint, [[1.0] * 5], ["one"])
    with pytest.raises(ev.LayerError, match="No layer"):
        _ = checkpoint.recommended


def test_a_shape_corrects_what_was_found() -> None:
    torch.manual_seed(0)
    checkpoint = opened(Pools(), shape=[3, 12, 20])
    assert told(checkpoint) == ("tensors", (3, 12, 20), "float32", 0)
    assert checkpoint.inputs.why == "given by you"
    assert ev.capture(checkpoint, torch.zeros(2, 3, 12, 20), ["conv"])["conv"].vectors.shape == (2, 4)


def test_a_modality_corrects_what_was_found() -> None:
    torch.manual_seed(0)
    assert told(opened(cnn(1, 28), modality="tensors")) == ("tensors", (1, 28, 28), "float32", 0)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
    assert told(opened(flat, modality="images", shape=[1, 28, 28]))[:2] == ("images", (1, 28, 28))
    assert opened(Bag(), modality="text").inputs.modality == "text"


def test_a_number_type_corrects_what_was_found() -> None:
    class Codes(nn.Module):
        """Whole numbers that a table is made of on the way."""

        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(5, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.is_floating_point():
                raise TypeError("codes are whole numbers")
            return self.linear(nn.functional.one_hot(x, 5).float().mean(1))

    assert opened(Codes()).inputs.modality == "unknown inputs"
    checkpoint = opened(Codes(), shape=[None], dtype="int64")
    assert told(checkpoint) == ("tensors", (None,), "int64", 0)
    assert ev.capture(checkpoint, [[1, 2, 3], [4, 0, 0]], ["linear"])["linear"].vectors.shape == (2, 2)


def test_a_batch_axis_corrects_what_was_found() -> None:
    torch.manual_seed(0)
    assert opened(encoder(batch_first=True)).inputs.batch_axis == 0
    assert opened(encoder(batch_first=True), shape=[None, 8], batch_axis=1).inputs.batch_axis == 1
    # Without a word about the axis it is still found out, by whether the instances stay apart.
    assert opened(encoder(batch_first=False), shape=[None, 8]).inputs.batch_axis == 1


def test_what_cannot_be_is_refused() -> None:
    for said in ({"shape": [0, 3]}, {"dtype": "float16"}, {"batch_axis": 7}, {"modality": "smells"}, {"sides": 3}):
        with pytest.raises(ev.CheckpointError, match="cannot be what a model reads"):
            opened(nn.Linear(3, 2), **said)
