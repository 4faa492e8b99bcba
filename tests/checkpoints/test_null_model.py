"""The null model: the same architecture, other weights, the same ones for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

import embedviz as ev
from embedviz.checkpoints import Options
from embedviz.checkpoints.null_model import randomise
from tests.checkpoints.tiny import model

TEXTS = ["the cat", "a dog.", "cat, dog"]


def opened(folder: Path, seed: int) -> ev.Checkpoint:
    return ev.open_checkpoint(folder, options=Options(random_weights=seed))


def test_no_weight_is_the_trained_one(bundled: ev.Checkpoint) -> None:
    null = ev.bundled_checkpoint(options=Options(random_weights=1))
    trained, random = dict(bundled.model.named_parameters()), dict(null.model.named_parameters())
    assert trained.keys() == random.keys()
    matrices = [name for name, values in trained.items() if values.ndim == 2]
    assert len(matrices) == 40
    assert not [name for name in matrices if torch.isclose(trained[name], random[name]).float().mean() > 0.01]
    # transformers draws them with the deviation that the configuration names; the row of the padding is zero.
    spread = random["encoder.layer.3.attention.self.query.weight"].std().item()
    assert abs(spread - null.model.config.initializer_range) < 1e-3


def test_the_seed_decides(tmp_path: Path) -> None:
    folder = model(tmp_path / "tiny")
    before = torch.get_rng_state()
    one, same, other = (ev.capture(opened(folder, seed), TEXTS)["encoder.layer.1"].vectors for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert np.abs(one - other).max() > 0.1
    assert torch.equal(before, torch.get_rng_state())


def test_it_is_told_from_the_trained_model(tmp_path: Path) -> None:
    folder = model(tmp_path / "tiny")
    trained = ev.open_checkpoint(folder)
    null, other = opened(folder, 1), opened(folder, 2)
    assert len({trained.fingerprint, null.fingerprint, other.fingerprint}) == 3
    assert null.findings[0].code == "weights.null-model"
    assert "weights.null-model" not in [finding.code for finding in trained.findings]
    assert [layer.path for layer in null.layers] == [layer.path for layer in trained.layers]


def test_modules_of_other_makers_begin_anew() -> None:
    class Own(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Linear(4, 64)
            self.norm = torch.nn.BatchNorm1d(64)
            self.scale = torch.nn.Parameter(torch.arange(64.0))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.norm(self.first(x)) * self.scale
            return result

    module = Own()
    with torch.no_grad():
        module.first.weight.fill_(7)
    module.norm.running_mean.fill_(3)  # type: ignore[union-attr,operator]
    checkpoint = ev.open_module(module)
    randomise(checkpoint, 1)
    assert not (module.first.weight == 7).any()
    assert module.first.weight.abs().max() <= 0.5  # Linear draws from ±1/√4
    assert not module.norm.running_mean.any()  # type: ignore[union-attr,operator]
    assert sorted(module.scale.tolist()) == list(range(64))
    assert module.scale.tolist() != list(range(64))
