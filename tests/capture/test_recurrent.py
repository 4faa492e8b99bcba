"""Recurrent layers: the axis of the instances, last states, packed sequences, cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import embedviz as ev
from tests.capture.conftest import Open
from tests.capture.tiny import close, layer, pictures, vectors


class Tagger(nn.Module):
    """A recurrent layer and a head on its last step."""

    def __init__(self, kind: type[nn.RNNBase], **settings: object) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.rnn = kind(5, 4, num_layers=2, bidirectional=True, **settings)
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out, _ = self.rnn(x)
        return self.head(out[:, -1] if self.rnn.batch_first else out[-1])


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_outputs_and_last_states(kind: type[nn.RNNBase], batch_first: bool, opened: Open) -> None:
    model = Tagger(kind, batch_first=batch_first)
    checkpoint = opened(model)
    assert checkpoint.inputs.batch_axis == (0 if batch_first else 1)
    given = pictures(6, 9, 5)
    with torch.no_grad():
        alone = [model.rnn(torch.from_numpy(one).unsqueeze(0 if batch_first else 1)) for one in given]
    names = ["h_n", "c_n"] if kind is nn.LSTM else ["h_n"]
    caught = ev.capture(checkpoint, given, ["rnn", *(f"rnn:{name}" for name in names)])
    for row, (out, last) in enumerate(alone):
        assert close(caught["rnn"].vectors[row], out.reshape(9, 8).mean(0))
        states = last if kind is nn.LSTM else (last,)
        for name, state in zip(names, states, strict=True):
            # (layers · directions, 1, width): all of them one after the other.
            assert close(caught[f"rnn:{name}"].vectors[row], state.reshape(-1))
    assert layer(checkpoint, "rnn:h_n").shape == (4, "instances", 4)
    last = vectors(checkpoint, given, "rnn", "last")
    assert close(last, np.stack([out.reshape(9, 8)[-1].numpy() for out, _ in alone]))
    assert not caught["rnn"].notes


def test_a_wrong_batch_axis_is_noted(opened: Open) -> None:
    model = Tagger(nn.LSTM, batch_first=False)
    checkpoint = opened(model, reads=ev.Reads("tensors", (None, 5), batch_axis=1))
    assert checkpoint.inputs.batch_axis == 1
    checkpoint = opened(model)
    checkpoint.assumed_inputs = {"batch_axis": 0, "shape": (None, 5)}
    found = ev.capture(checkpoint, pictures(6, 9, 5), ["rnn"])["rnn"]
    assert "depend on their batch" in found.notes[0]


class Packs(nn.Module):
    """Ids of which 0 fills up the end; the recurrent layer is given the real ones only."""

    def __init__(self, *, sort: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.rnn, self.sort = nn.Embedding(20, 5, padding_idx=0), nn.LSTM(5, 4, batch_first=True), sort
        self.head = nn.Linear(4, 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        lengths = (ids > 0).sum(1).clamp(min=1)
        order = lengths.argsort(descending=True, stable=True) if self.sort else torch.arange(len(ids))
        packed = pack_padded_sequence(self.table(ids)[order], lengths[order], True, enforce_sorted=self.sort)
        out, _ = self.rnn(packed)
        padded, ends = pad_packed_sequence(out, batch_first=True)
        last = padded[torch.arange(len(ids)), ends - 1]
        return self.head(last[order.argsort()])


IDS = torch.tensor([[3, 4, 0, 0, 0], [5, 6, 7, 8, 9], [2, 0, 0, 0, 0], [9, 8, 7, 0, 0]])


def test_packed_sequences_end_where_they_end(opened: Open) -> None:
    model = Packs(sort=False)
    checkpoint = opened(model)
    caught = ev.capture(checkpoint, IDS, ["rnn", "rnn:h_n", "rnn:input"])
    last = ev.capture(checkpoint, IDS, ["rnn"], "last")["rnn"].vectors
    for row, ids in enumerate(IDS):
        real = ids[ids > 0]
        with torch.no_grad():
            table = model.table(real)
            out, (h_n, _) = model.rnn(table)
        assert close(caught["rnn:input"].vectors[row], table.mean(0))
        assert close(caught["rnn"].vectors[row], out.mean(0))
        assert close(caught["rnn:h_n"].vectors[row], h_n.reshape(-1))
        assert close(last[row], out[-1])


def test_packed_sequences_in_an_order_of_the_models_own_are_refused(opened: Open) -> None:
    model = Packs(sort=True)
    checkpoint = opened(model)
    for path in ("rnn", "rnn:h_n", "rnn:input"):
        with pytest.raises(ev.CaptureError, match="order of the model's own"):
            ev.capture(checkpoint, IDS, [path])
    # Before and after, the instances are in their places.
    with torch.no_grad():
        assert close(vectors(checkpoint, IDS, "head"), model(IDS))
        assert close(vectors(checkpoint, IDS, "table"), model.table(IDS).mean(1))


def test_an_order_of_the_models_own_is_noted(opened: Open) -> None:
    class Sorts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.inside, self.after = nn.Linear(5, 4), nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            order = x[:, 0].argsort()
            return self.after(self.inside(x[order])[order.argsort()])

    caught = ev.capture(opened(Sorts()), pictures(9, 5), ["inside", "after"])
    assert "depend on their batch" in caught["inside"].notes[0]
    assert not caught["after"].notes


def test_cells_are_called_step_by_step(opened: Open) -> None:
    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.cell = nn.LSTMCell(5, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            state = None
            for step in x.unbind(1):
                state = self.cell(step, state)
            return state[0]

    model = Steps()
    checkpoint = opened(model, reads=ev.Reads("tensors", (3, 5)))
    given = torch.from_numpy(pictures(6, 3, 5))
    caught = ev.capture(checkpoint, given, ["cell", "cell#2", "cell#3:1", "cell#mean"])
    with torch.no_grad():
        states = [model.cell(given[:, 0])]
        for step in (1, 2):
            states.append(model.cell(given[:, step], states[-1]))
    assert close(caught["cell"].vectors, states[0][0])
    assert close(caught["cell#2"].vectors, states[1][0])
    assert close(caught["cell#3:1"].vectors, states[2][1])
    assert close(caught["cell#mean"].vectors, torch.stack([hidden for hidden, _ in states]).mean(0))
