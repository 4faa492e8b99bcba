"""A live module is opened as it stands: unwrapped, refused where hooks cannot work, never copied."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import embedviz as ev
from embedviz.checkpoints.bundled import tokenizer
from tests.capture.conftest import Open
from tests.capture.tiny import close, pictures, tiny, token_ids, vectors, why_not


def mlp() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3))


def test_the_model_itself_is_opened(opened: Open) -> None:
    model = mlp()
    checkpoint = opened(model)
    assert checkpoint.model is model
    assert checkpoint.name == "Sequential"
    assert (checkpoint.dtype, checkpoint.size) == ("float32", 4 * (5 * 7 + 7 + 7 * 3 + 3))
    given = pictures(4, 5)
    assert close(vectors(checkpoint, given, "1"), model[:2](torch.from_numpy(given)))
    assert ev.open_module(model, name="mine").name == "mine"


def test_the_fingerprint_is_that_of_the_weights() -> None:
    model = mlp()
    first = ev.open_module(model).fingerprint
    assert ev.open_module(mlp()).fingerprint == first
    found = {first}
    with torch.no_grad():
        model[0].weight[0, 0] += 1
    found.add(ev.open_module(model).fingerprint)
    found.add(ev.open_module(model.to(torch.bfloat16)).fingerprint)
    found.add(ev.open_module(nn.Sequential(nn.Identity(), *model)).fingerprint)
    assert len(found) == 4


def test_wrappers_are_taken_off() -> None:
    model = mlp()
    for wrapped in (nn.DataParallel(model), torch.compile(model), torch.compile(nn.DataParallel(model))):
        assert ev.open_module(wrapped).model is model


def test_what_is_text_is_told() -> None:
    assert ev.open_module(tiny("Bert")).inputs.modality == "text"
    assert ev.open_module(nn.Embedding(30_522, 4), tokenizer()).inputs.modality == "text"
    assert ev.open_module(nn.Embedding(30_522, 4)).inputs.modality == "tensors"
    given = ev.Reads("tensors", (2, 5))
    assert ev.open_module(mlp(), reads=given).inputs == given


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_scripts_are_refused() -> None:
    with pytest.raises(ev.CheckpointError, match="TorchScript") as caught:
        ev.open_module(torch.jit.trace(mlp(), torch.zeros(1, 5)))
    assert caught.value.value
    assert "compiled from" in caught.value.remedy


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_script_inside_a_model_is_listed_with_its_reason(opened: Open) -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.before = nn.Linear(5, 5)
            self.script = torch.jit.script(nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6)))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.script(self.before(x))

    model = Mixed().eval()
    checkpoint = opened(model)
    for path in ("script", "script.0"):
        assert why_not(checkpoint, path) == "script"
    given = pictures(3, 5)
    assert close(vectors(checkpoint, given, "before"), model.before(torch.from_numpy(given)))
    assert close(vectors(checkpoint, given, ""), model(torch.from_numpy(given)))


def test_weights_that_are_not_there_are_refused() -> None:
    with torch.device("meta"):
        empty = mlp()
    with pytest.raises(ev.CheckpointError, match="meta") as caught:
        ev.open_module(empty)
    assert (caught.value.value, bool(caught.value.remedy)) == ("0.weight", True)
    with pytest.raises(ev.CheckpointError, match="no shape before") as caught:
        ev.open_module(nn.Sequential(nn.LazyLinear(3)))
    assert (caught.value.value, bool(caught.value.remedy)) == ("0.weight", True)
    with pytest.raises(ev.CheckpointError, match=r"no torch\.nn\.Module"):
        ev.open_module("model.pt")  # type: ignore[arg-type]


@pytest.mark.parametrize("before", [True, False])
def test_a_compiled_part_fires_its_hooks(before: bool, opened: Open) -> None:
    model, plain = mlp(), mlp()
    given = pictures(4, 5)
    model[0] = torch.compile(model[0], backend="eager")
    if before:
        model(torch.from_numpy(given))
    checkpoint = opened(model)
    expected = plain[0](torch.from_numpy(given))
    assert close(vectors(checkpoint, given, "0"), expected)
    assert close(vectors(checkpoint, given, "0._orig_mod"), expected)
    assert close(model(torch.from_numpy(given)).detach().numpy(), plain(torch.from_numpy(given)))


def test_a_model_compiled_in_place_fires_its_hooks(opened: Open) -> None:
    model = mlp()
    model.compile(backend="eager")
    given = torch.from_numpy(pictures(4, 5))
    model(given)
    assert close(vectors(opened(model), given, "1"), mlp()[:2](given))


def test_parametrised_weights_are_used(opened: Open) -> None:
    model = mlp()
    nn.utils.parametrizations.weight_norm(model[0])
    with torch.no_grad():
        model[0].parametrizations.weight.original0 *= 2
    checkpoint = opened(model)
    given = torch.from_numpy(pictures(4, 5))
    assert close(vectors(checkpoint, given, "0"), model[0](given))
    assert why_not(checkpoint, "0.parametrizations.weight") == "no batch axis"


def test_ids_need_no_tokenizer_and_texts_do() -> None:
    checkpoint = ev.open_module(tiny("Bert"))
    assert vectors(checkpoint, token_ids(3, 5), "embeddings").shape == (2, 32)
    with pytest.raises(ev.InstancesError, match="no tokenizer"):
        ev.capture(checkpoint, ["a text"])
    with pytest.raises(ev.InstancesError, match="no tokenizer"):
        ev.capture(checkpoint, [[3, 4], "a text"])


def test_training_goes_on_after_a_capture(opened: Open) -> None:
    class Caches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.scale = nn.Linear(5, 3), None

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.scale is None:
                self.scale = torch.full((5,), 2.0)
            return self.linear(x * self.scale)

    model = Caches().train()
    ev.capture(opened(model), pictures(3, 5))
    assert model.training
    model(torch.ones(2, 5, requires_grad=True)).sum().backward()
    assert model.linear.weight.grad is not None
