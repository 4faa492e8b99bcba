"""Live modules are opened here through a fixture that looks afterwards whether they are as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

import embedviz as ev
from tests.conftest import hook_count

Open = Callable[..., ev.Checkpoint]


def state(model: torch.nn.Module) -> tuple[Any, ...]:
    """What a capture must leave alone: hooks, training flags, weights, and which objects the buffers are."""
    return (
        hook_count(model),
        [module.training for module in model.modules()],
        ev.open_module(model).fingerprint,
        {name: id(buffer) for name, buffer in model.named_buffers()},
    )


@pytest.fixture
def opened() -> Iterator[Open]:
    """``opened(model, …)`` is ``ev.open_module(model, …)``; the model must be as it was when the test is over."""
    kept: list[tuple[torch.nn.Module, tuple[Any, ...]]] = []

    def open_module(model: torch.nn.Module, *given: Any, **named: Any) -> ev.Checkpoint:
        checkpoint = ev.open_module(model, *given, **named)
        kept.append((checkpoint.model, state(checkpoint.model)))
        return checkpoint

    yield open_module
    for model, before in kept:
        assert state(model) == before
