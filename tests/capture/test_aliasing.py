"""Tensors that are changed in place after they were seen, and views that would keep a whole batch alive."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import torch
from torch import nn

import embedviz as ev
from embedviz.capture import Run
from tests.capture.conftest import Open
from tests.capture.tiny import close, pictures, tiny, token_ids, vectors

GIVEN = torch.from_numpy(pictures(4, 3, 8, 8))


def test_relu_in_place_does_not_reach_what_was_caught(opened: Open) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(4 * 36, 2))
    checkpoint = opened(model, reads=ev.Reads("tensors", (3, 8, 8)))
    with torch.no_grad():
        before = model[0](GIVEN)
    caught = ev.capture(checkpoint, GIVEN, ["0", "1", "1:input", "3"], "mean")
    assert close(caught["0"].vectors, before.mean((2, 3)))
    assert close(caught["1:input"].vectors, before.mean((2, 3)))
    assert close(caught["1"].vectors, before.relu().mean((2, 3)))
    assert (caught["0"].vectors < 0).any()


def test_a_residual_added_in_place_does_not_reach_what_was_caught(opened: Open) -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.one, self.two, self.end = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = self.one(x)
            identity = out
            out = self.two(out)
            out += identity
            identity.mul_(0)
            return self.end(out)

    model = Residual()
    given = torch.from_numpy(pictures(5, 6))
    caught = ev.capture(opened(model), given, ["one", "two", "end:input", "end"])
    with torch.no_grad():
        one = model.one(given)
        two = model.two(one)
    assert close(caught["one"].vectors, one)
    assert close(caught["two"].vectors, two)
    assert close(caught["end:input"].vectors, one + two)


def test_dropout_that_returns_what_it_was_given(opened: Open) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 6), nn.Dropout(), nn.ReLU(inplace=True)).train()
    given = torch.from_numpy(pictures(5, 6))
    caught = ev.capture(opened(model), given, ["0", "1", "2"])
    with torch.no_grad():
        expected = model[0](given)
    assert close(caught["0"].vectors, expected)
    assert close(caught["1"].vectors, expected)
    assert close(caught["2"].vectors, expected.relu())


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_what_is_kept_does_not_grow_with_the_length(
    pooling: str, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = opened(tiny("Bert", max_position_embeddings=512))
    kept: list[Run] = []
    original = Run.embeddings

    def spy(run: Run, *given: object) -> object:
        kept.append(run)
        return original(run, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Run, "embeddings", spy)
    sizes = []
    for length in (8, 400):
        kept.clear()
        vectors(checkpoint, token_ids(*[length] * 12), "encoder.layer.1", pooling)
        rows = kept[0].catches[0].rows[pooling]
        assert rows.base is None
        assert isinstance(rows, np.ndarray)
        sizes.append(rows.nbytes)
    assert sizes == [12 * 32 * 4] * 2


def test_no_tensor_outlives_its_batch(opened: Open) -> None:
    checkpoint = opened(tiny("Bert", max_position_embeddings=512))
    ids = token_ids(*[200] * 30)
    vectors(checkpoint, ids[:1], "encoder.layer.1", "first")

    def tensors() -> int:
        gc.collect()
        return sum(
            each.numel() for each in gc.get_objects() if type(each) is torch.Tensor and each.dtype is torch.float32
        )

    before = tensors()
    most = []
    caught = ev.capture(
        checkpoint, ids, ["encoder.layer.0", "encoder.layer.1"], "first", progress=lambda *_: most.append(tensors())
    )
    assert caught["encoder.layer.0"].vectors.shape == (30, 32)
    assert len(most) > 3
    assert max(most) <= before + 1_000
