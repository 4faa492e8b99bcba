"""What goes into a module or comes out of it, as tensors with names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

#: Outputs hold few tensors; one that holds a whole list of states is cut here.
_MOST, _DEEPEST = 64, 4
#: torch.nn's recurrent layers return plain tuples; these are the names in their documentation.
_RECURRENT = {"LSTM": ("output", "h_n", "c_n"), "GRU": ("output", "h_n"), "RNN": ("output", "h_n")}
#: What a model's own code calls the tensor that a person means.
_FIRST = ("last_hidden_state", "hidden_states", "x", "input", "inputs")


def parts(value: Any, module: Any = None) -> dict[str, torch.Tensor]:
    """All tensors in ``value``, by name: "" alone, else a key, a field, or a place ("1", "hidden_states.3").

    What a recurrent layer of torch.nn returns has the names of its documentation. Packed and nested tensors are padded
    with zeros, the instances first; ``lengths`` says how much of each is real.
    """
    named = _RECURRENT.get(type(module).__name__)
    if named and isinstance(value, tuple):
        return dict(zip(named, (tensor for _, tensor in _walk(value, "", 0)), strict=False))
    found: dict[str, torch.Tensor] = {}
    for name, tensor in _walk(value, "", 0):
        found[name] = tensor
        if len(found) == _MOST:
            break
    return found


def _walk(value: Any, name: str, depth: int) -> Iterator[tuple[str, torch.Tensor]]:
    tensor = _dense(value)
    if tensor is not None:
        yield name, tensor
    elif depth < _DEEPEST:
        for key, inner in _children(value):
            yield from _walk(inner, f"{name}.{key}" if name else str(key), depth + 1)


def _dense(value: Any) -> torch.Tensor | None:
    import torch

    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        padded, _ = torch.nn.utils.rnn.pad_packed_sequence(value, batch_first=True)
        return padded
    if isinstance(value, torch.Tensor):
        return torch.nested.to_padded_tensor(value, 0.0) if value.is_nested else value
    return None


def lengths(value: Any) -> list[int] | None:
    """How many steps of each instance are real, where ``value`` or its first part is packed or nested; else None.

    Raises ValueError for packed sequences that do not say whose they are: the model has put them in order itself.
    """
    import torch

    first = value
    while isinstance(first, tuple | list) and not isinstance(first, torch.nn.utils.rnn.PackedSequence) and first:
        first = first[0]
    if isinstance(first, torch.nn.utils.rnn.PackedSequence):
        _, found = torch.nn.utils.rnn.pad_packed_sequence(first)
        told = [int(length) for length in found]
        if first.unsorted_indices is None and len(set(told)) > 1:
            raise ValueError("packed sequences in an order of the model's own (enforce_sorted=True)")
        return told
    if isinstance(first, torch.Tensor) and first.is_nested:
        return [len(each) for each in first.unbind()]
    return None


def _children(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from zip(value._fields, value, strict=True)
    elif isinstance(value, tuple | list):
        yield from enumerate(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))


def main_name(found: Mapping[str, torch.Tensor]) -> str | None:
    """The name of the tensor that a person means by "the output" or "the input"; None where there is no tensor."""
    known = next((name for name in _FIRST if name in found), None)
    return known if known is not None else next(iter(found), None)


def main_tensor(value: Any, module: Any = None) -> torch.Tensor | None:
    """The tensor a person means by "the output": itself, a last hidden state, or the first of several."""
    found = parts(value, module)
    name = main_name(found)
    return None if name is None else found[name]


def inputs(given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The tensors a module is called with, by place or by keyword."""
    return parts({**{str(place): value for place, value in enumerate(given)}, **named})
