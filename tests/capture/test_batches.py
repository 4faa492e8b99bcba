"""Vectors belong to their instance alone; where a model makes them depend on company, that is said."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import embedviz as ev
from embedviz.modalities import feed, text
from tests.capture.conftest import Open
from tests.capture.tiny import close, pictures, tiny, token_ids, vectors


@pytest.mark.parametrize("family", ["Bert", "Llama", "Mamba"])
def test_order_and_batch_size_do_not_matter(family: str, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = opened(tiny(family))
    ids = token_ids(5, 1, 17, 9, 30, 9)
    order = np.random.default_rng(0).permutation(len(ids))
    path = checkpoint.recommended.path
    together = ev.capture(checkpoint, ids, [path])[path]
    assert not together.notes
    shuffled = vectors(checkpoint, [ids[place] for place in order], path)
    assert np.allclose(shuffled, together.vectors[order], atol=2e-6)
    monkeypatch.setattr(text, "TOKEN_BUDGET", 1)
    assert np.allclose(vectors(checkpoint, ids, path), together.vectors, atol=2e-6)


def test_arrays_in_any_order_and_batch(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny("ConvNext")
    checkpoint = opened(model, reads=ev.Reads("tensors", (3, 32, 32)))
    given = pictures(7, 3, 32, 32)
    order = np.random.default_rng(0).permutation(7)
    together = vectors(checkpoint, given, "encoder.stages.1")
    assert np.allclose(vectors(checkpoint, given[order], "encoder.stages.1"), together[order], atol=2e-6)
    monkeypatch.setattr(feed, "_MOST_TOGETHER", 1)
    assert np.allclose(vectors(checkpoint, given, "encoder.stages.1"), together, atol=2e-6)


class Centres(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x - x.mean(0)


class Neighbours(nn.Module):
    """Each instance but the first and the last takes a little from the one after it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x.clone()
        y[1:-1] += 0.5 * x[2:]
        return y


class Drops(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(x, 0.5)


@pytest.mark.parametrize("mixes", [Centres, Neighbours, Drops, lambda: nn.BatchNorm1d(4, track_running_stats=False)])
def test_a_model_that_mixes_its_batch_says_so(mixes: Callable[[], nn.Module], opened: Open) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 4), mixes(), nn.Linear(4, 4))
    checkpoint = opened(model, reads=ev.Reads("tensors", (6,)))
    caught = ev.capture(checkpoint, pictures(9, 6), ["0", "1", "2"])
    for path in ("1", "2"):
        assert "depend on their batch" in caught[path].notes[0]
    # Layers before are right whatever comes later; that they are is not known where the check itself failed.
    assert all("could not be seen" in note for note in caught["0"].notes)
    assert close(caught["0"].vectors, model[0](torch.from_numpy(pictures(9, 6))))


def test_a_share_of_more_than_all_is_not_said(opened: Open) -> None:
    torch.manual_seed(0)
    checkpoint = opened(nn.Sequential(nn.Linear(6, 4), Centres()), reads=ev.Reads("tensors", (6,)))
    (note,) = ev.capture(checkpoint, pictures(5, 6), ["1"])["1"].notes
    assert "100%" in note


def test_texts_that_are_mixed_are_noted(opened: Open) -> None:
    class Mixes(nn.Module):
        """Reads what fills up its batch."""

        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.table, self.mean, self.out = nn.Embedding(100, 8), nn.Identity(), nn.Linear(8, 4)

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            return self.out(self.mean(self.table(input_ids).mean(1)))

    checkpoint = opened(Mixes(), reads=ev.Reads("text"))
    caught = ev.capture(checkpoint, token_ids(3, 9, 20), ["table", "mean", "out"])
    assert not caught["table"].notes
    assert "depend on their batch" in caught["mean"].notes[0]
    assert "depend on their batch" in caught["out"].notes[0]
    assert not ev.capture(checkpoint, token_ids(8, 8, 8), ["out"])["out"].notes
