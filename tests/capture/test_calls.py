"""Modules that are called several times, never, past their hooks, or not always."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import embedviz as ev
from tests.capture.conftest import Open
from tests.capture.tiny import close, hidden_states, layer, pictures, seen, tiny, token_ids, vectors, why_not


class Trap(nn.Module):
    """Two linear layers of width 6 and one activation, for forwards that do odd things with them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two, self.act = nn.Linear(6, 6), nn.Linear(6, 6), nn.Tanh()


def test_the_calls_of_albert(opened: Open) -> None:
    model = tiny("Albert")
    checkpoint = opened(model)
    path = "encoder.albert_layer_groups.0.albert_layers.0"
    ids = token_ids(9, 4, 12)
    addresses = [path, f"{path}#2", f"{path}#3"]
    assert [each.path for each in checkpoint.layers if each.module == path and not each.part] == [
        *addresses,
        f"{path}#mean",
    ]
    caught = ev.capture(checkpoint, ids, [*addresses, f"{path}#mean"])
    for row, states in enumerate(hidden_states(model, ids)):
        pooled = [state[0].mean(0).numpy() for state in states[1:]]
        for address, expected in zip(addresses, pooled, strict=True):
            assert close(caught[address].vectors[row], expected)
        assert close(caught[f"{path}#mean"].vectors[row], np.mean(pooled, axis=0))


def test_a_shared_activation_has_a_call_for_each_of_its_places(opened: Open) -> None:
    class Shared(Trap):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.act(self.two(self.act(self.one(x))))

    model = Shared()
    checkpoint = opened(model)
    given = torch.from_numpy(pictures(5, 6))
    first, second = seen(model, model.act, given)
    caught = ev.capture(checkpoint, given, ["act", "act#2", "act#mean"])
    assert close(caught["act"].vectors, first)
    assert close(caught["act#2"].vectors, second)
    assert close(caught["act#mean"].vectors, (first + second) / 2)


def test_calls_of_different_width_have_no_mean(opened: Open) -> None:
    shared = nn.ReLU()
    checkpoint = opened(nn.Sequential(nn.Linear(6, 4), shared, nn.Linear(4, 3), shared))
    assert [each.path for each in checkpoint.layers if each.module == "1" and not each.part] == ["1", "1#2"]
    assert [vectors(checkpoint, pictures(2, 6), path).shape[1] for path in ("1", "1#2")] == [4, 3]


def test_a_tied_module_is_chosen_by_its_first_name(opened: Open) -> None:
    model = Trap()
    model.two = model.one
    model.forward = lambda x: model.two(model.act(model.one(x)))  # type: ignore[method-assign]
    checkpoint = opened(model)
    assert why_not(checkpoint, "two") == "alias"
    assert "one" in layer(checkpoint, "two").why
    given = torch.from_numpy(pictures(4, 6))
    first, second = seen(model, model.one, given)
    assert close(vectors(checkpoint, given, "one"), first)
    assert close(vectors(checkpoint, given, "one#2"), second)


def test_tied_weights_are_two_modules(opened: Open) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.table, self.head = nn.Embedding(20, 6), nn.Linear(6, 20, bias=False)
            self.head.weight = self.table.weight

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.head(self.table(ids))

    model = Tied()
    ids = torch.arange(12).reshape(3, 4)
    checkpoint = opened(model)
    assert close(vectors(checkpoint, ids, "table"), model.table(ids).mean(1))
    assert close(vectors(checkpoint, ids, "head"), model(ids).mean(1))


def test_what_no_hook_sees_is_never_called(opened: Open) -> None:
    class Past(Trap):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.linear(self.one.forward(x), self.two.weight)

    checkpoint = opened(Past())
    for path in ("one", "two", "act"):
        assert why_not(checkpoint, path) == "never called"
        with pytest.raises(ev.LayerError, match="did not run it"):
            ev.capture(checkpoint, pictures(2, 6), [path])
    attention = opened(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval())
    assert why_not(attention, "self_attn.out_proj") == "never called"


class Skips(Trap):
    """Leaves out its second layer for some of the batches, as LayerDrop would."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.one(x)
        return self.two(x) if bool(x.sum() > self.limit) else x

    limit = -1e9


def test_a_layer_that_a_batch_passes_by_is_not_invented(opened: Open) -> None:
    model = Skips()
    checkpoint = opened(model)
    given = torch.from_numpy(pictures(5, 6))
    assert close(vectors(checkpoint, given, "two"), model(given))
    model.limit = 1e9
    with pytest.raises(ev.CaptureError, match="did not run this layer"):
        ev.capture(checkpoint, given, ["two"])
    assert close(vectors(checkpoint, given, "one"), model(given))


def test_calls_that_follow_the_input_are_unstable(opened: Open) -> None:
    class Loops(Trap):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.one(x)
            for _ in range(x.shape[1]):
                x = self.act(x)
            return self.two(x)

    model = Loops()
    checkpoint = opened(model, reads=ev.Reads("tensors", (None, 6)))
    assert why_not(checkpoint, "act") == "unstable calls"
    given = torch.from_numpy(pictures(3, 4, 6))
    assert close(vectors(checkpoint, given, "two"), model(given).mean(1))


def test_a_loop_that_comes_back_to_a_layer(opened: Open) -> None:
    class Back(Trap):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for module in (self.one, self.two, self.one, self.act, self.one):
                x = module(x)
            return x

    model = Back()
    checkpoint = opened(model)
    given = torch.from_numpy(pictures(4, 6))
    expected = seen(model, model.one, given)
    paths = ["one", "one#2", "one#3", "two"]
    # Wanted in any order, and the pass goes on as far as the last of them.
    caught = ev.capture(checkpoint, given, paths[::-1])
    for path, each in zip(paths, [*expected, *seen(model, model.two, given)], strict=True):
        assert close(caught[path].vectors, each)


def test_a_mean_is_of_all_calls_or_refused(opened: Open) -> None:
    class Often(Trap):
        times = 2

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for _ in range(self.times):
                x = self.one(x)
            return x

    model = Often()
    checkpoint = opened(model)
    given = torch.from_numpy(pictures(3, 6))
    assert close(vectors(checkpoint, given, "one#mean"), torch.stack(seen(model, model.one, given)).mean(0))
    model.times = 3
    with pytest.raises(ev.CaptureError, match="3 times"):
        ev.capture(checkpoint, given, ["one#mean"])


def test_paths_that_would_be_read_otherwise_are_listed_with_a_reason(opened: Open) -> None:
    inner = nn.Sequential(nn.Linear(6, 6))
    model = nn.ModuleDict({"a:b": inner, "a": nn.Linear(6, 6)})
    model.forward = lambda x: model["a"](model["a:b"](x))  # type: ignore[method-assign]
    checkpoint = opened(model)
    for path in ("a:b", "a:b.0"):
        assert why_not(checkpoint, path) == "odd name"
    given = torch.from_numpy(pictures(2, 6))
    assert close(vectors(checkpoint, given, "a"), model(given))
