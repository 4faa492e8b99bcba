"""What modules return beside a plain tensor, and which part of it is meant."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

import embedviz as ev
from tests.capture.conftest import Open
from tests.capture.tiny import close, layer, pictures, vectors, why_not


class Pair(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


@dataclasses.dataclass
class Record:
    note: str
    wide: torch.Tensor
    none: torch.Tensor | None = None


class Returns(nn.Module):
    """A linear layer whose output is wrapped by ``wrap``, inside a model that goes on with the bare tensor."""

    def __init__(self, wrap: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()

        class Inner(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                torch.manual_seed(0)
                self.linear = nn.Linear(5, 6)

            def forward(self, x: torch.Tensor) -> Any:
                return wrap(self.linear(x))

        self.inner = Inner()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.inner(x)
        return x.sum(1, keepdim=True)


def output(**fields: Any) -> Any:
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    return BaseModelOutputWithPooling(**fields)


GIVEN = torch.from_numpy(pictures(4, 5))

#: Name → what the inner module returns, and what each address must give, as a function of the linear layer's output.
SHAPES: dict[str, tuple[Callable[[torch.Tensor], Any], dict[str, Callable[[torch.Tensor], torch.Tensor]]]] = {
    "tuple with None": (
        lambda y: (None, y, None, y[:, :2]),
        {"inner": lambda y: y, "inner:3": lambda y: y[:, :2]},
    ),
    "list": (lambda y: [y * 2, y], {"inner": lambda y: y * 2, "inner:1": lambda y: y}),
    "nested dict": (
        lambda y: {"deep": {"a": [y + 1, (y,)]}, "flat": y * 3},
        {"inner": lambda y: y + 1, "inner:deep.a.1.0": lambda y: y, "inner:flat": lambda y: y * 3},
    ),
    "named tuple": (lambda y: Pair(y, -y), {"inner": lambda y: y, "inner:second": lambda y: -y}),
    "data class": (lambda y: Record("kept", y * 4), {"inner": lambda y: y * 4}),
    "model output": (
        lambda y: output(pooler_output=y[:, :1], last_hidden_state=y),
        {"inner": lambda y: y, "inner:pooler_output": lambda y: y[:, :1]},
    ),
    "whole numbers first": (lambda y: {"ids": y.long(), "x": y}, {"inner": lambda y: y}),
}


@pytest.mark.parametrize("name", SHAPES)
def test_each_part_has_its_address(name: str, opened: Open) -> None:
    wrap, parts = SHAPES[name]
    model = Returns(wrap)
    checkpoint = opened(model)
    own = {each.path for each in checkpoint.layers if each.module == "inner" and not each.part.startswith("input")}
    assert own == set(parts)
    with torch.no_grad():
        y = model.inner.linear(GIVEN)
    caught = ev.capture(checkpoint, GIVEN, list(parts))
    for path, expected in parts.items():
        assert close(caught[path].vectors, expected(y)), path


@pytest.mark.parametrize(
    ("wrap", "status"),
    [
        (lambda y: float(y.sum()), "no tensor"),
        (lambda y: None, "no tensor"),
        (lambda y: ("a", 3), "no tensor"),
        (lambda y: y.sum(), "no batch axis"),
        (lambda y: y.argmax(1), "non-float"),
        (lambda y: y > 0, "non-float"),
        (lambda y: y.to(torch.complex64), "non-float"),
        (lambda y: y @ y.T, "extra axes"),
    ],
)
def test_what_is_no_vector_says_why(wrap: Callable[[torch.Tensor], Any], status: str, opened: Open) -> None:
    checkpoint = opened(Returns(wrap))
    assert why_not(checkpoint, "inner") == status
    with pytest.raises(ev.LayerError, match="cannot be captured"):
        ev.capture(checkpoint, GIVEN, ["inner"])
    assert close(vectors(checkpoint, GIVEN, "inner.linear"), checkpoint.model.inner.linear(GIVEN))


def test_parts_never_take_the_address_of_something_else(opened: Open) -> None:
    model = Returns(lambda y: {"x": y, "input": y * 2, "input.x": y * 3, "head1": y * 4, "a:b": y * 5})
    checkpoint = opened(model)
    paths = [each.path for each in checkpoint.layers]
    assert len(set(paths)) == len(paths)
    assert close(vectors(checkpoint, GIVEN, "inner:input"), GIVEN)
    for path in ("inner:head1", "inner:input.x", "inner:a:b"):
        with pytest.raises(ev.LayerError, match="no such layer"):
            ev.capture(checkpoint, GIVEN, [path])


def test_what_is_changed_later_was_caught_before(opened: Open) -> None:
    class Cache(nn.Module):
        def forward(self, x: torch.Tensor) -> dict[str, Any]:
            return {"x": x * 2, "cache": [x + 1]}

    class Changes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.cache, self.last = nn.Linear(5, 5), Cache(), nn.Linear(5, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.linear(x)
            kept = self.cache(y)
            kept["x"].zero_()
            kept["cache"][0].fill_(7)
            kept["cache"].append(y)
            kept.clear()
            return self.last(y)

    model = Changes()
    checkpoint = opened(model)
    with torch.no_grad():
        y = model.linear(GIVEN)
    # The last layer too, so that the pass goes on and the changes come about.
    caught = ev.capture(checkpoint, GIVEN, ["cache", "cache:cache.0", "last"])
    assert close(caught["cache"].vectors, y * 2)
    assert close(caught["cache:cache.0"].vectors, y + 1)


def test_an_output_that_changes_its_shape_is_an_error(opened: Open) -> None:
    class Moody(nn.Module):
        width = 5

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, : self.width]

    model = nn.Sequential(nn.Linear(5, 5), Moody())
    checkpoint = opened(model)
    assert layer(checkpoint, "1").width == 5
    model[1].width = 3
    with pytest.raises(ev.CaptureError, match="changed its shape: 4 × 3 where the probe promised instances × 5"):
        ev.capture(checkpoint, GIVEN, ["1"])
