"""Where a model runs and in which precision: as asked, or it is said."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import embedviz as ev
from embedviz import devices, threads
from embedviz.devices import Placed, choose_device
from embedviz.threads import Threads

TEXTS = ["A river bank covered with reeds.", "The bank raised its rates.", "Cats sleep most of the day."]


def test_auto_takes_the_first_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == "cuda"
    assert choose_device("cpu").type == "cpu"
    assert choose_device("cuda:1") == torch.device("cuda", 1)


def test_a_device_that_is_not_there_is_refused(bundled: ev.Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ev.CaptureError, match="no such device") as raised:
        ev.capture(bundled, TEXTS, device="cuda")
    assert "cpu" in raised.value.remedy
    with pytest.raises(ev.CaptureError, match="no such precision"):
        ev.capture(bundled, TEXTS, precision="float8")


def test_half_precision_is_said(bundled: ev.Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ev.capture(bundled, TEXTS)["encoder.layer.5"]
    assert whole.notes == ()
    monkeypatch.setattr(devices, "half_type", lambda _device: torch.bfloat16)
    half = ev.capture(bundled, TEXTS, precision="half")["encoder.layer.5"]
    assert half.vectors.dtype == np.float32
    assert not np.array_equal(half.vectors, whole.vectors)
    assert np.abs(half.vectors - whole.vectors).max() < 0.05
    assert "bfloat16" in half.notes[0]
    assert next(bundled.model.parameters()).dtype == torch.float32


def test_half_precision_that_is_not_there_is_said_too(bundled: ev.Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "half_type", lambda _device: None)
    asked = ev.capture(bundled, TEXTS, precision="half")["encoder.layer.5"]
    assert np.array_equal(asked.vectors, ev.capture(bundled, TEXTS)["encoder.layer.5"].vectors)
    assert "has none" in asked.notes[0]


def test_a_model_goes_home_after_a_run() -> None:
    class Traveller(torch.nn.Linear):
        """Notes where it is sent; there is no other device here to go to."""

        def to(self, device: torch.device) -> Traveller:  # type: ignore[override]
            went.append(device.type)
            return self

    went: list[str] = []
    placed = Placed(Traveller(2, 2), "cpu")
    with placed:
        assert went == [], "It is there already."
    placed.device = torch.device("cuda")
    with contextlib.suppress(ValueError), placed:
        assert went == ["cuda"]
        raise ValueError("a run that fails")
    assert went == ["cuda", "cpu"]


class Clock:
    """A clock that runs ``pace[threads]`` for each look at it."""

    def __init__(self, pace: dict[int, float]) -> None:
        self.pace, self.now = pace, 0.0

    def perf_counter(self) -> float:
        self.now += self.pace[torch.get_num_threads()]
        return self.now


@pytest.mark.parametrize(("pace", "chosen"), [({1: 1.0, 2: 3.0}, 1), ({1: 3.0, 2: 1.0}, 2), ({1: 0.99, 2: 1.0}, 2)])
def test_the_first_batches_choose_the_number_of_threads(
    pace: dict[int, float], chosen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    checkpoint = SimpleNamespace(threads=None)
    monkeypatch.setattr(threads.time, "perf_counter", Clock(pace).perf_counter)
    try:
        with Threads(checkpoint, 10) as measured:  # type: ignore[arg-type]
            for _ in range(10):
                with measured.timed(100):
                    pass
            assert torch.get_num_threads() == chosen
        assert checkpoint.threads == chosen
        assert torch.get_num_threads() == 2
        few = SimpleNamespace(threads=None)
        with Threads(few, 3) as measured, measured.timed(1):  # type: ignore[arg-type]
            assert torch.get_num_threads() == 2
        assert few.threads is None, "Few batches tell nothing."
    finally:
        torch.set_num_threads(before)
