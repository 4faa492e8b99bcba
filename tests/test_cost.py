"""What a capture will cost: the estimate grows with the work, ends with the pass, and says what to leave out."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

import embedviz as ev
from embedviz import cost
from tests.conftest import Save


def lines(count: int) -> list[str]:
    return [f"Sentence number {number} is about as long as all the others are." for number in range(count)]


@pytest.mark.slow
def test_the_estimate_is_of_the_order_of_what_it_takes(bundled: ev.Checkpoint) -> None:
    texts = lines(400)
    bundled.pace = None
    estimate = ev.estimate_cost(bundled, texts, ["encoder.layer.5"])
    started = time.perf_counter()
    ev.capture(bundled, texts, ["encoder.layer.5"])
    ratio = estimate.seconds / (time.perf_counter() - started)
    assert 1 / 40 < ratio < 40, "What else a machine does may slow either down tenfold; a hundredfold is no noise."


def test_it_grows_with_instances_layers_and_depth(bundled: ev.Checkpoint) -> None:
    def told(count: int, *layers: str) -> ev.Cost:
        return ev.estimate_cost(bundled, lines(count), list(layers))

    few, many = told(10, "encoder.layer.5"), told(200, "encoder.layer.5")
    assert 15 < many.work / few.work < 25
    assert many.seconds > 10 * few.seconds
    assert told(200, "encoder.layer.0").seconds < many.seconds / 2
    assert told(200, "encoder.layer.0", "encoder.layer.5").memory - many.memory == 4 * 200 * 384
    repeated = ev.estimate_cost(bundled, ["the same"] * 500, ["encoder.layer.5"])
    assert repeated.work < 10, "What comes again is computed once."


def test_it_says_what_to_leave_out(bundled: ev.Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ev.estimate_cost(bundled, lines(10)).advice == ""
    monkeypatch.setattr(bundled, "pace", 1.0)
    assert "take about a minute" in ev.estimate_cost(bundled, lines(100)).advice
    monkeypatch.setattr("embedviz.workers.limits.memory_left", lambda: 2**20)
    advice = ev.estimate_cost(bundled, lines(900), ["encoder.layer.4", "encoder.layer.5"]).advice
    assert "take fewer layers" in advice


def test_the_pace_is_measured_once(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = 0
    forward = cost.forward

    def count(*arguments: object) -> object:
        nonlocal passes
        passes += 1
        return forward(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cost, "forward", count)
    with ev.open_checkpoint(save("Bert")) as checkpoint:
        first = cost.pace(checkpoint)
        assert passes > 0
        before = passes
        assert cost.pace(checkpoint) == first
        assert passes == before


def test_tensors_cost_too(tmp_path: object) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "model.pt"
    torch.save(nn.Sequential(nn.Linear(64, 256), nn.Tanh(), nn.Linear(256, 8)), file)
    with ev.open_checkpoint(file) as checkpoint:
        estimate = ev.estimate_cost(checkpoint, torch.randn(50, 64))
        assert estimate.work == 50 * 64
        assert estimate.seconds > 0
