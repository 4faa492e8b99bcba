"""A pickled ``nn.Module`` that was not made: its tree and its tensors, by the dictionaries every module keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from embedviz.checkpoints.torch_save.stubs import Stub
from embedviz.checkpoints.torch_save.tensor_refs import TensorRef
from embedviz.errors import CheckpointError

_MAX_MODULES = 50_000
_MAX_PATH = 2_000


def is_module(value: Any) -> bool:
    """Whether ``value`` is a pickled ``nn.Module``."""
    return isinstance(value, Stub) and isinstance(value.state, dict) and isinstance(value.state.get("_modules"), _DICTS)


def is_script_module(value: Any) -> bool:
    """Whether ``value`` is an object of a TorchScript archive, whose attributes are its tensors and its parts."""
    return isinstance(value, Stub) and value.module.startswith("__torch__") and isinstance(value.state, dict)


def part_of(stub: Stub, kind: str) -> dict[str, Any]:
    """``_modules``, ``_parameters`` or ``_buffers`` of a module; an OrderedDict subclass has its entries apart."""
    entries = stub.attributes.get(kind)
    entries = entries.pairs if isinstance(entries, Stub) else entries
    entries = entries if isinstance(entries, dict) else {}
    return {name: value for name, value in entries.items() if isinstance(name, str)}


def children(stub: Stub) -> dict[str, Stub]:
    """The modules directly within."""
    if is_script_module(stub):
        return {name: value for name, value in stub.attributes.items() if is_script_module(value)}
    return {name: value for name, value in part_of(stub, "_modules").items() if isinstance(value, Stub)}


def walk(stub: Stub) -> Iterator[tuple[str, Stub]]:
    """Every module within, itself first under "", in torch's order (``named_modules``, shared ones each time).

    Raises CheckpointError where a module holds itself, or a few share each other so often that there is no end.
    """
    left = _MAX_MODULES
    waiting = [("", stub)]
    while waiting:
        path, module = waiting.pop()
        left -= 1
        if left < 0 or len(path) > _MAX_PATH:
            raise CheckpointError(
                "The modules of this file hold each other without end",
                remedy="Save the weights alone: `torch.save(model.state_dict(), path)`.",
                code="files.too-large",
            )
        yield path, module
        inner = children(module)
        waiting += [(f"{path}.{name}" if path else name, inner[name]) for name in reversed(inner)]


def module_tree(stub: Stub) -> dict[str, str]:
    """The class of every module by its dotted path: ``{"": "__main__.Net", "fc": "torch.nn…Linear"}``."""
    return {path: module.path for path, module in walk(stub)}


def state_dict_of(stub: Stub) -> dict[str, TensorRef]:
    """What the module's ``state_dict()`` would give, by the same names and in the same order."""
    tensors: dict[str, TensorRef] = {}
    for path, module in walk(stub):
        prefix = f"{path}." if path else ""
        for name, value in _own(module).items():
            if isinstance(value, TensorRef):
                tensors[prefix + name] = value
    return tensors


def _own(module: Stub) -> dict[str, Any]:
    if is_script_module(module):
        return module.attributes
    passing = module.attributes.get("_non_persistent_buffers_set")
    names = passing if isinstance(passing, set) else set()
    buffers = {name: value for name, value in part_of(module, "_buffers").items() if name not in names}
    return {**part_of(module, "_parameters"), **buffers}


_DICTS = (dict, Stub)
