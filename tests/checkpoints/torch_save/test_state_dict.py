"""The weights found in whatever trainers put around them, and what else a file can be, said by name."""

from __future__ import annotations

import argparse
import site
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from embedviz.checkpoints.torch_save.state_dict import StateDict, is_lightning, tensors_of
from embedviz.checkpoints.torch_save.torch_file import read_torch_file
from embedviz.errors import CheckpointError

PACKAGES = Path(site.getsitepackages()[0])


def model() -> torch.nn.Sequential:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))


def found(value: Any, tmp_path: Path, part: str = "") -> StateDict:
    torch.save(value, tmp_path / "a.pt")
    return tensors_of(read_torch_file(tmp_path / "a.pt").root, part, "a.pt")


def equal(ours: StateDict, theirs: dict[str, torch.Tensor]) -> bool:
    return list(ours.tensors) == list(theirs) and all(
        torch.equal(ours.tensors[key].read(), theirs[key]) for key in theirs
    )


def trained() -> dict[str, Any]:
    """A network after one step of Adam, with what a trainer keeps."""
    network = model()
    optimizer = torch.optim.Adam(network.parameters())
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    network(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    scheduler.step()
    return {"network": network, "optimizer": optimizer.state_dict(), "lr_scheduler": scheduler.state_dict()}


WRAPPED = {
    "": lambda state: state,
    **{
        name: (lambda state, name=name: {name: state, "epoch": 3, "char2idx": dict.fromkeys("abc", 1)})
        for name in ("state_dict", "model_state_dict", "model", "module", "net", "ema", "params", "weights", "anything")
    },
    "checkpoint/model": lambda state: {"checkpoint": {"model": state, "epoch": 3}},
}


@pytest.mark.parametrize("wrapper", WRAPPED)
def test_wrappers_are_taken_off(wrapper: str, tmp_path: Path) -> None:
    state = model().state_dict()
    ours = found(WRAPPED[wrapper](state), tmp_path)
    assert ours.wrapper == wrapper
    assert equal(ours, state)
    assert ours.size == sum(tensor.nbytes for tensor in state.values())
    if wrapper:
        assert ours.extras["epoch"] == "3"
    if wrapper and "/" not in wrapper:
        assert ours.extras["char2idx"] == "dict of 3"


def test_a_training_checkpoint(tmp_path: Path) -> None:
    parts = trained()
    state = parts["network"].state_dict()
    value = {**parts, "network": state, "loss": torch.tensor(0.5), "rng_state": torch.get_rng_state(), "epoch": 7}
    ours = found(value, tmp_path)
    assert equal(ours, state)
    assert ours.wrapper == "network"
    assert "optimizer (step, exp_avg, exp_avg_sq of 6 parameters)" in ours.extras["optimizer"]
    assert "scheduler (last_epoch=1)" in ours.extras["lr_scheduler"]


def test_several_models_are_a_choice(tmp_path: Path) -> None:
    state = model().state_dict()
    other = {name: tensor + 1 for name, tensor in state.items()}
    value = {"model": state, "model_ema": other, "epoch": 1}
    with pytest.raises(CheckpointError) as caught:
        found(value, tmp_path)
    assert caught.value.code == "files.several-models"
    assert caught.value.choices == ("model", "model_ema")
    assert equal(found(value, tmp_path, "model_ema"), other)
    with pytest.raises(CheckpointError, match="no part named 'x'") as unknown:
        found(value, tmp_path, "x")
    assert unknown.value.choices == ("model", "model_ema")
    nested = {"a": {"student": state, "teacher": other}}
    with pytest.raises(CheckpointError) as caught:
        found(nested, tmp_path)
    assert caught.value.choices == ("a/student", "a/teacher")
    assert equal(found(nested, tmp_path, "a/teacher"), other)


def test_lists_of_layers_and_dicts_of_dicts(tmp_path: Path) -> None:
    layers = [("Linear", layer.state_dict()) for layer in model()]
    assert equal(found(layers, tmp_path), dict(model().state_dict()))
    nested = {f"layer{index}": dict(layer.state_dict()) for index, layer in enumerate([*model(), *model()])}
    assert list(found(nested, tmp_path).tensors)[:2] == ["layer0.weight", "layer0.bias"]
    real = tensors_of(read_torch_file(PACKAGES / "fcd_torch/ChemNet_v0.13_pretrained.pt").root)
    assert list(real.tensors)[:2] == ["0.weight", "1.weight"]
    assert not real.named


def test_pickled_modules_and_numpy_arrays(tmp_path: Path) -> None:
    network = model()
    for value in (network, {"model": network, "epoch": 2}, torch.nn.DataParallel(network)):
        expected = value.state_dict() if isinstance(value, torch.nn.Module) else network.state_dict()
        ours = found(value, tmp_path)
        assert equal(ours, expected)
        assert ours.of is not None
    arrays = {name: tensor.numpy() for name, tensor in network.state_dict().items() if tensor.dim()}
    assert equal(found({"params": arrays}, tmp_path), {name: torch.from_numpy(array) for name, array in arrays.items()})


def test_buffers_that_are_not_saved_stay_out(tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 2)
    network.register_buffer("kept", torch.ones(1))
    network.register_buffer("passing", torch.ones(1), persistent=False)
    assert equal(found(network, tmp_path), network.state_dict())


def test_lightning(tmp_path: Path) -> None:
    state = {f"model.{name}": tensor for name, tensor in model().state_dict().items()}
    value = {
        **{"state_dict": state, "pytorch-lightning_version": "2.1.0", "epoch": 3, "global_step": 9, "callbacks": {}},
        **{
            "optimizer_states": [trained()["optimizer"]],
            "lr_schedulers": [],
            "loops": {"fit_loop": {"a": torch.ones(1)}},
        },
        "hyper_parameters": {
            "lr": np.float64(0.1),
            "args": argparse.Namespace(depth=2),
            "path": Path("a/b"),
            "fn": len,
        },
    }
    ours = found(value, tmp_path)
    assert equal(ours, state)
    assert ours.is_lightning
    assert ours.hyper_parameters["lr"] == 0.1
    assert ours.hyper_parameters["args"] == {"depth": 2}
    assert ours.hyper_parameters["path"] == "a/b"
    real = read_torch_file(PACKAGES / "pesto/weights/mir-1k_g7.ckpt")
    assert is_lightning(real.root)
    assert len(tensors_of(real.root).tensors) == 22


def rng_states() -> dict[str, Any]:
    import random

    return {"python": random.getstate(), "numpy": np.random.get_state(), "cpu": torch.get_rng_state(), "cuda": []}


OTHERS = {
    "optimizer (step, exp_avg, exp_avg_sq of 6": lambda: trained()["optimizer"],
    "learning-rate scheduler": lambda: trained()["lr_scheduler"],
    "random number generators": rng_states,
    "gradient scaler": lambda: torch.amp.GradScaler("cpu").state_dict(),
    "settings of a training run (TrainingArguments": lambda: transformers.TrainingArguments("x", use_cpu=True),
    "settings of a training run (Namespace of 1": lambda: argparse.Namespace(lr=1),
    "a single tensor without a name (shape (3, 4), float32)": lambda: torch.ones(3, 4),
    "5,056 bytes in a tensor": torch.get_rng_state,
    "a tuple of 2 tensors without names": lambda: (torch.ones(3, 4), torch.ones(3)),
    "a dict of 2 without tensors (a, b)": lambda: {"a": 1, "b": [2]},
    "a list of 3": lambda: [1, 2, 3],
    "class types.SimpleNamespace": lambda: SimpleNamespace(a=1),
    "empty": dict,
}


@pytest.mark.parametrize("what", OTHERS)
def test_files_without_weights_are_named(what: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        found(OTHERS[what](), tmp_path)
    assert caught.value.code == "files.not-weights"
    assert what in caught.value.what
    assert "model.safetensors" in caught.value.remedy


def test_the_settings_beside_a_real_model() -> None:
    root = read_torch_file(PACKAGES / "rxnfp/models/transformers/bert_ft_10k_25s/training_args.bin").root
    with pytest.raises(CheckpointError, match="settings of a training run"):
        tensors_of(root)


def test_hostile_names_stay_short(tmp_path: Path) -> None:
    value = {"<img onerror=x>" * 10_000: 1, "weight": torch.ones(1), 5: torch.ones(2)}
    ours = found(value, tmp_path)
    assert max(map(len, ours.extras)) <= 80
    assert list(ours.tensors) == ["weight", "5"]


def test_dicts_shared_over_and_over_end(tmp_path: Path) -> None:
    value: dict[str, Any] = {"w": torch.ones(1)}
    for _ in range(40):
        value = {str(index): value for index in range(10)}
    value["self"] = value
    with pytest.raises(CheckpointError) as caught:
        found(value, tmp_path)
    assert caught.value.code == "files.not-weights"
