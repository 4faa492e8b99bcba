"""Number types: half precision, sums that leave its range, double precision, and values that are not finite."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import embedviz as ev
from tests.capture.conftest import Open
from tests.capture.tiny import close, pictures, tiny, token_ids, vectors

GIVEN = pictures(5, 6)


def mlp(dtype: torch.dtype) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_models_of_other_number_types(dtype: torch.dtype, opened: Open) -> None:
    model = mlp(dtype)
    checkpoint = opened(model)
    assert checkpoint.dtype == str(dtype).removeprefix("torch.")
    found = vectors(checkpoint, GIVEN, "1")
    assert found.dtype == np.float32
    assert close(found, model[:2](torch.from_numpy(GIVEN).to(dtype)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_texts_in_other_number_types(dtype: torch.dtype, opened: Open) -> None:
    model = tiny("Bert").to(dtype)
    ids = token_ids(7, 7)
    found = vectors(opened(model), ids, "encoder.layer.0")
    with torch.no_grad():
        embedded = model.embeddings(torch.tensor(ids))
        expected = model.encoder.layer[0](embedded)
    expected = expected[0] if isinstance(expected, tuple) else expected
    assert close(found, expected.float().mean(1), 0.02 if dtype is torch.bfloat16 else 2e-6)


def test_sums_beyond_half_precision(opened: Open) -> None:
    class Large(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 3).half()
            nn.init.constant_(self.linear.weight, 0)
            nn.init.constant_(self.linear.bias, 30_000)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x)

    checkpoint = opened(Large(), reads=ev.Reads("tensors", (7, 2)))
    caught = ev.capture(checkpoint, pictures(3, 7, 2), ["linear"])["linear"]
    assert np.allclose(caught.vectors, 30_000, rtol=1e-6)
    assert not caught.notes
    # Texts are summed up without what fills up their batch.
    texts = nn.Sequential(nn.Embedding(100, 2), Large()).half()
    caught = ev.capture(opened(texts, reads=ev.Reads("text")), token_ids(3, 9, 40), ["1.linear"])["1.linear"]
    assert np.allclose(caught.vectors, 30_000, rtol=1e-6)


def test_what_is_not_finite_is_said(opened: Open) -> None:
    class Logs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(6, 6)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.log() + 0 * self.linear(x)

    caught = ev.capture(opened(Logs()), np.abs(GIVEN) * [[1], [1], [0], [1], [1]], [""])[""]
    assert caught.notes == ("1 instances hold values that are not finite, first 3",)
    double = mlp(torch.float64)
    with torch.no_grad():
        double[2].weight.fill_(1e300)
    assert "not finite" in ev.capture(opened(double), GIVEN, ["2"])["2"].notes[0]


def test_whole_numbers_are_given_as_they_are(opened: Open) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(30, 4), nn.Flatten(), nn.Linear(12, 2)).to(torch.float64)
    ids = torch.tensor([[1, 2, 3], [29, 0, 5]])
    checkpoint = opened(model, reads=ev.Reads("tensors", (3,), "int64"))
    assert close(vectors(checkpoint, ids, "2"), model(ids))
