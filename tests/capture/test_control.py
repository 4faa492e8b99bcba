"""The pass itself: where it ends, what fails in it, what it leaves behind, and who else uses the model meanwhile."""

from __future__ import annotations

import copy
import random
import threading
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import embedviz as ev
from embedviz.errors import Cancelled
from embedviz.modalities import text
from tests.capture.conftest import Open
from tests.capture.tiny import close, hidden_states, pictures, seen, tiny, token_ids, vectors
from tests.conftest import hook_count

GIVEN = torch.from_numpy(pictures(6, 6))


class Chain(nn.Module):
    """Three linear layers of width 6, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two, self.three = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.three(self.two(self.one(x)))


class Swallows(Chain):
    """Falls back on something else, whatever goes wrong."""

    swallowed: type[BaseException] = Exception

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        try:
            return super().forward(x)
        except self.swallowed:
            return self.fall_back(x)

    def fall_back(self, x: torch.Tensor) -> torch.Tensor:
        return self.three(self.two(x))


@pytest.mark.parametrize("swallowed", [Exception, BaseException])
def test_a_model_that_swallows_errors(swallowed: type[BaseException], opened: Open) -> None:
    model = Swallows()
    model.swallowed = swallowed
    checkpoint = opened(model)
    ran: list[int] = []
    handle = model.two.register_forward_hook(lambda *_: ran.append(1))
    try:
        assert close(vectors(checkpoint, GIVEN, "one"), model.one(GIVEN))
        ran.clear()
        vectors(checkpoint, GIVEN, "one")
    finally:
        handle.remove()
    # What ends the pass is no Exception; a model that swallows everything goes on, and nothing of it is caught.
    assert bool(ran) is (swallowed is BaseException)


def test_a_failure_that_the_model_swallows_is_still_one(opened: Open) -> None:
    class Cuts(nn.Module):
        width = 6

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, : self.width]

    class Avoids(Swallows):
        def fall_back(self, x: torch.Tensor) -> torch.Tensor:
            return self.three(x)

    model = Avoids()
    cuts = Cuts()
    model.two = nn.Sequential(cuts, nn.Linear(6, 6))
    checkpoint = opened(model)
    assert checkpoint.layers
    cuts.width = 4
    with pytest.raises(ev.CaptureError, match="changed its shape: 6 × 4"):
        ev.capture(checkpoint, GIVEN, ["two.0", "three"])


def test_hooks_of_the_users_own(opened: Open) -> None:
    model = Chain()
    calls: list[str] = []
    model.one.register_forward_pre_hook(lambda _module, given: (given[0] + 1,))
    model.one.register_forward_hook(lambda _module, _given, output: output * 2)
    model.two.register_forward_hook(lambda *_: calls.append("two"))
    before = [dict(module._forward_hooks) for module in model.modules()]
    checkpoint = opened(model)
    # What they change is what the model computes, and what is caught.
    caught = ev.capture(checkpoint, GIVEN, ["one", "one:input", "two"])
    with torch.no_grad():
        assert close(caught["one:input"].vectors, GIVEN + 1)
        assert close(caught["one"].vectors, model.one(GIVEN))
    assert calls
    assert [dict(module._forward_hooks) for module in model.modules()] == before


def test_a_users_hook_that_raises(opened: Open) -> None:
    def fail(*_: object) -> None:
        raise ValueError("my own mistake")

    model = Chain()
    checkpoint = opened(model)
    assert checkpoint.layers
    handle = model.two.register_forward_hook(fail)
    with pytest.raises(ev.CaptureError, match="my own mistake"):
        ev.capture(checkpoint, GIVEN, ["two"])
    assert hook_count(model) == 1
    # The layer before it is caught: the pass ends there.
    assert close(vectors(checkpoint, GIVEN, "one"), model.one(GIVEN))
    handle.remove()


def test_an_error_while_hooks_are_put_on(opened: Open) -> None:
    class Shy(nn.Linear):
        shy = False

        def register_forward_hook(self, *given: Any, **named: Any) -> Any:
            if self.shy:
                raise RuntimeError("no hooks, please")
            return super().register_forward_hook(*given, **named)

    model = Chain()
    model.two = Shy(6, 6)
    checkpoint = opened(model)
    assert checkpoint.layers
    model.two.shy = True
    with pytest.raises(RuntimeError, match="no hooks"):
        ev.capture(checkpoint, GIVEN, ["one", "one:input", "two"])
    assert hook_count(model) == 0
    assert model.training


def test_copies_carry_no_hooks(opened: Open) -> None:
    model = Chain()
    checkpoint = opened(model)
    copies: list[nn.Module] = []
    expected = vectors(checkpoint, GIVEN, "two")
    twin = copy.deepcopy(model)
    assert hook_count(twin) == 0
    assert np.array_equal(vectors(opened(twin), GIVEN, "two"), expected)
    # A copy made in the middle of a capture carries hooks that no longer do anything.
    ev.capture(checkpoint, GIVEN, ["two"], progress=lambda *_: copies.append(copy.deepcopy(model)))
    assert hook_count(copies[0]) > 0
    with torch.no_grad():
        assert torch.equal(copies[0](GIVEN), model(GIVEN))


def test_four_threads_on_one_model(opened: Open) -> None:
    model = tiny("Bert")
    ids = token_ids(*range(2, 30))
    paths = ["encoder.layer.0", "encoder.layer.1", "embeddings", "pooler"]
    first, second = opened(model), opened(model)
    serial = {path: vectors(first, ids, path) for path in paths}
    found: dict[str, list[np.ndarray]] = {path: [] for path in paths}
    stop = threading.Event()
    errors: list[BaseException] = []

    def one(place: int) -> None:
        for turn in range(3):
            path = paths[(place + turn) % 4]
            try:
                found[path].append(vectors(first if place % 2 else second, ids, path))
            except BaseException as error:  # noqa: BLE001 - told below
                errors.append(error)

    def bare() -> None:
        while not stop.is_set():
            with torch.no_grad():
                model(torch.tensor([[5, 6, 7]]))

    other = threading.Thread(target=bare)
    other.start()
    threads = [threading.Thread(target=one, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    other.join()
    assert not errors
    assert sorted(map(len, found.values())) == [3, 3, 3, 3]
    for path in paths:
        for each in found[path]:
            assert np.allclose(each, serial[path], atol=1e-6)
    assert torch.backends.mha.get_fastpath_enabled()


class Restless(nn.Module):
    """Draws from every generator, counts its calls in a buffer, and makes and replaces others."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.fail = nn.Linear(6, 6), False
        self.register_buffer("count", torch.zeros((), dtype=torch.long))
        self.register_buffer("seen", torch.tensor([0.0, float("nan")]))
        self.register_buffer("replaced", torch.zeros(2))
        self.register_buffer("empty", None)
        self.notes: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        self.seen += float("nan")
        self.replaced = self.replaced + 1
        self.empty = torch.ones(3)
        self.register_buffer("late", torch.ones(1))
        torch.rand(1), np.random.rand(), random.random()
        if self.fail:
            raise RuntimeError("it fails")
        return self.linear(x)


def state(model: Restless) -> list[Any]:
    return [
        int(model.count),
        repr(model.seen),
        id(model.replaced),
        repr(model.replaced),
        model.empty,
        sorted(model._buffers),
        torch.get_rng_state().tolist(),
        repr(np.random.get_state()),
        random.getstate(),
    ]


@pytest.mark.parametrize("how", ["done", "failed", "cancelled"])
def test_numbers_and_buffers_are_put_back(how: str) -> None:
    model = Restless()
    checkpoint = ev.open_module(model)
    before = state(model)
    assert checkpoint.layers
    assert state(model) == before
    if how == "done":
        assert close(vectors(checkpoint, GIVEN, "linear"), model.linear(GIVEN))
    elif how == "failed":
        model.fail = True
        with pytest.raises(ev.CaptureError, match="it fails"):
            ev.capture(checkpoint, GIVEN)
    else:

        def stop(done: int, _total: int) -> None:
            if done:
                raise Cancelled("stopped")

        with pytest.raises(Cancelled):
            ev.capture(checkpoint, GIVEN, progress=stop)
    assert state(model) == before


def test_cancelling_keeps_what_was_done(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "TOKEN_BUDGET", 30)
    checkpoint = opened(tiny("Bert"))
    ids = token_ids(5, 12, 3, 20, 9, 5, 7, 2)
    ids.append(ids[3])
    whole = ev.capture(checkpoint, ids, ["encoder.layer.0"])["encoder.layer.0"]

    def stop(done: int, total: int) -> None:
        assert total == 9
        if done >= 4:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled) as caught:
        ev.capture(checkpoint, ids, ["encoder.layer.0"], progress=stop)
    kept = caught.value.kept["encoder.layer.0", "mean"]
    assert 4 <= len(kept) < 9
    # The longest go first, and a repeat comes with the instance that it repeats.
    assert {"4", "9"} <= set(kept.ids)
    for place, name in enumerate(kept.ids):
        assert np.array_equal(kept.vectors[place], whole.vectors[int(name) - 1])
    with pytest.raises(Cancelled) as caught:
        ev.capture(checkpoint, ids, ["encoder.layer.0"], progress=stop_at_once)
    assert caught.value.kept is None


def stop_at_once(_done: int, _total: int) -> None:
    raise Cancelled("stopped")


class Hungry(nn.Module):
    """Has memory for so many rows at a time."""

    def __init__(self, most: int, error: BaseException) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(6, 6), nn.Linear(6, 3)
        self.most, self.error, self.batches = most, error, list[int]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.first(x)
        if len(x) > self.most:
            raise self.error
        self.batches.append(len(x))
        return self.last(y)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        torch.OutOfMemoryError("allocation on device failed"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_a_batch_too_large_is_halved(error: BaseException, opened: Open) -> None:
    model = Hungry(99, error)
    checkpoint = opened(model)
    given = torch.from_numpy(pictures(13, 6))
    expected = ev.capture(checkpoint, given, ["first", "last"])
    model.most = 3
    model.batches.clear()
    caught = ev.capture(checkpoint, given, ["first", "last"])
    assert max(model.batches) <= 3
    for path in ("first", "last"):
        assert np.allclose(caught[path].vectors, expected[path].vectors, atol=1e-6)
        assert not caught[path].notes
    model.most = 0
    with pytest.raises(ev.CaptureError, match="not enough memory for 1 instances of 6, one alone"):
        ev.capture(checkpoint, given, ["last"])


def test_want_of_memory_in_a_mean_of_calls(opened: Open) -> None:
    class Twice(Hungry):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(self.first(x))

    model = Twice(99, MemoryError())
    checkpoint = opened(model)
    assert checkpoint.layers
    model.most = 3
    given = torch.from_numpy(pictures(8, 6))
    model.most = 8
    expected = torch.stack(seen(model, model.first, given)).mean(0)
    model.most = 3
    assert close(vectors(checkpoint, given, "first#mean"), expected)


def test_a_model_that_is_stopped_early_gives_the_same(opened: Open) -> None:
    model = tiny("Bert")
    ids = token_ids(4, 9)
    checkpoint = opened(model)
    ran: list[int] = []
    handle = model.encoder.layer[1].register_forward_hook(lambda *_: ran.append(1))
    found = vectors(checkpoint, ids, "encoder.layer.0")
    assert checkpoint.layers
    ran.clear()
    assert np.array_equal(vectors(checkpoint, ids, "encoder.layer.0"), found)
    handle.remove()
    assert not ran
    for row, states in enumerate(hidden_states(model, ids)):
        assert close(found[row], states[1][0].mean(0))
