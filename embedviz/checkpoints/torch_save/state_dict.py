"""The weights in what was saved: unwrapped from whatever lies around them, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from embedviz.checkpoints.torch_save.module_stub import is_module, is_script_module, state_dict_of
from embedviz.checkpoints.torch_save.plain import describe, plain
from embedviz.checkpoints.torch_save.stubs import Stub
from embedviz.checkpoints.torch_save.tensor_refs import TensorRef, array_of
from embedviz.errors import CheckpointError

#: Names under which trainers put one whole model beside another.
WRAPPERS = frozenset(
    (
        *("state_dict", "model_state_dict", "model", "model_state", "module", "net", "network", "weights"),
        *("params", "params_ema", "ema", "ema_state_dict", "state_dict_ema", "model_ema", "student"),
        *("teacher", "generator", "discriminator", "encoder", "decoder"),
    )
)
_TRAINING = frozenset(
    (
        *("optimizer", "optimizers", "optimizer_state", "optimizer_states", "optimizer_state_dict", "optim"),
        *("opt", "lr_scheduler", "lr_schedulers", "scheduler", "scheduler_state_dict", "scaler"),
        *("grad_scaler", "amp", "callbacks", "loops", "random_state", "rng_state", "cuda_rng_state"),
        *("torch_rng_state", "hparams", "hyper_parameters", "args", "config", "native_amp_scaling_state"),
        *("metrics",),
    )
)
_LIGHTNING = "pytorch-lightning_version"
_DEPTH = 3
_MAX_TENSORS = 100_000
_MAX_EXTRAS = 50
_MAX_NAME = 500
#: Tensors may share their storages, but not so often that reading them all would fill the memory.
_SHARED, _FREE = 4, 256 * 2**20
_REMEDY = (
    "Give the file with the weights, often model.safetensors, pytorch_model.bin or the largest file beside this one."
)


@dataclass(frozen=True)
class StateDict:
    """The tensors of one model by name.

    ``wrapper`` is where they lay ("" at the top, "ema/module" two deep); ``extras`` describes what else was there;
    ``problems`` says of tensors that cannot be read why; ``hyper_parameters`` are Lightning's, as plain values.
    ``of`` is the pickled module they come from, if any, and ``named`` is False where the file had no names for them.
    """

    tensors: dict[str, TensorRef]
    wrapper: str = ""
    extras: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    hyper_parameters: dict[str, Any] = field(default_factory=dict)
    is_lightning: bool = False
    of: Stub | None = None
    named: bool = True

    @property
    def size(self) -> int:
        """Bytes of all tensors in memory."""
        return sum(tensor.size for tensor in self.tensors.values())


def is_lightning(root: Any) -> bool:
    """Whether PyTorch Lightning's trainer wrote it."""
    return isinstance(root, dict) and _LIGHTNING in root


def tensors_of(root: Any, part: str = "", name: str = "") -> StateDict:
    """The weights in ``root``. ``part`` chooses where there are several; ``name`` is the file's, for messages.

    Raises CheckpointError: "files.several-models" with its choices, "files.not-weights", "weights.bad-tensor".
    """
    kind = _training_state(root)
    found = {} if kind else _find(root)
    if part and part not in found:
        raise _several(f"There is no part named {part[:80]!r} in this file", found, name)
    if len(found) > 1 and not part:
        raise _several(f"This file holds {len(found)} models", found, name)
    if not found:
        raise CheckpointError(
            f"This file holds no weights: it is {kind or _what(root)}",
            value=name,
            remedy=_REMEDY,
            code="files.not-weights",
        )
    wrapper = part or next(iter(found))
    held = found[wrapper]
    tensors, problems = _sound(held.tensors, name)
    return StateDict(
        tensors,
        wrapper,
        _extras(root, wrapper),
        problems,
        _settings(root) if is_lightning(root) else {},
        is_lightning(root),
        held.of,
        held.named,
    )


@dataclass
class _Held:
    tensors: dict[str, TensorRef]
    of: Stub | None = None
    named: bool = True


def _several(what: str, found: dict[str, _Held], name: str) -> CheckpointError:
    sizes = ", ".join(
        f"{part[:60] or 'the top'}: {len(held.tensors)} tensors" for part, held in list(found.items())[:6]
    )
    return CheckpointError(
        f"{what} ({sizes})",
        value=name,
        remedy="Choose one of them.",
        code="files.several-models",
        choices=[part for part in list(found)[:20] if part],
    )


def _find(root: Any) -> dict[str, _Held]:
    """Everything that may be a model, by where it lies."""
    if isinstance(root, list | tuple):
        layers = _flatten(root, _DEPTH + 1) if any(not isinstance(item, TensorRef) for item in root) else {}
        return {"": _Held(layers, named=False)} if layers else {}
    found: dict[str, _Held] = {}
    _look(root, "", _DEPTH, found)
    leaves = [held for held in found.values() if held.of is None and not any("." in key for key in held.tensors)]
    if len(found) > 3 and len(leaves) == len(found) and not any(path in WRAPPERS for path in found):
        # A model whose parts are dicts within dicts, one a layer.
        return {
            "": _Held(
                {f"{path}/{key}".replace("/", "."): t for path, h in found.items() for key, t in h.tensors.items()}
            )
        }
    return found


def _look(value: Any, path: str, depth: int, found: dict[str, _Held]) -> None:
    if is_module(value) or is_script_module(value):
        tensors = state_dict_of(value)
        if tensors:
            found[path] = _Held(tensors, value)
        return
    value = value.pairs if isinstance(value, Stub) else value
    if not isinstance(value, dict) or depth < 0 or (path and _training_state(value)) or len(found) > _MAX_EXTRAS:
        return
    direct = _direct(value)
    inner: dict[str, _Held] = {}
    for key, item in value.items():
        if isinstance(key, str) and key.lower() not in _TRAINING and isinstance(item, dict | Stub):
            _look(item, f"{path}/{key[:_MAX_NAME]}" if path else key[:_MAX_NAME], depth - 1, inner)
    largest = max((len(held.tensors) for held in inner.values()), default=0)
    if direct and len(direct) >= largest:
        found[path] = _Held(direct)
    else:
        found.update(inner)


def _direct(value: dict[Any, Any]) -> dict[str, TensorRef]:
    tensors: dict[str, TensorRef] = {}
    for key, item in value.items():
        tensor = _tensor(item)
        if tensor is not None and isinstance(key, str | int | bytes) and "rng_state" not in str(key):
            name = key.decode("latin-1") if isinstance(key, bytes) else str(key)
            tensors[name[:_MAX_NAME]] = tensor
    return tensors


def _tensor(value: Any) -> TensorRef | None:
    if isinstance(value, TensorRef):
        return value
    array = array_of(value)
    return array if array is not None and not (isinstance(value, Stub) and value.name == "scalar") else None


def _flatten(value: Any, depth: int) -> dict[str, TensorRef]:
    """Tensors in lists of layers: ``[("Linear", {"weight": …}), …]`` gives "0.weight"."""
    tensor = _tensor(value)
    if tensor is not None:
        return {"": tensor}
    if depth < 0 or not isinstance(value, dict | list | tuple) or len(value) > _MAX_TENSORS:
        return {}
    pairs: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    parts = {str(key)[:_MAX_NAME]: _flatten(item, depth - 1) for key, item in pairs if isinstance(key, str | int)}
    parts = {key: tensors for key, tensors in parts.items() if tensors}
    if isinstance(value, tuple) and len(parts) == 1:
        return next(iter(parts.values()))
    made: dict[str, TensorRef] = {}
    for key, tensors in parts.items():
        made.update({f"{key}.{name}" if name else key: tensor for name, tensor in tensors.items()})
        if len(made) > _MAX_TENSORS:
            return {}
    return made


def _sound(tensors: dict[str, TensorRef], name: str) -> tuple[dict[str, TensorRef], dict[str, str]]:
    """Those that can be read, and the reason for each of the others."""
    if len(tensors) > _MAX_TENSORS:
        raise CheckpointError(
            f"This file holds {len(tensors):,} tensors, more than any model",
            value=name,
            remedy="Save only the weights: `torch.save(model.state_dict(), path)`.",
            code="files.too-large",
        )
    problems = {key: tensor.problem for key, tensor in tensors.items() if tensor.problem}
    good = {key: tensor for key, tensor in tensors.items() if key not in problems}
    if problems and not good:
        key, why = next(iter(problems.items()))
        raise CheckpointError(
            f"No tensor of this file can be read: {why}",
            value=key[:80],
            remedy="Save the weights again as plain tensors: `torch.save(model.state_dict(), path)`.",
            code="weights.bad-tensor",
        )
    storages = {id(tensor.storage): tensor.storage.size for tensor in good.values() if tensor.storage is not None}
    total, there = sum(tensor.size for tensor in good.values()), sum(storages.values())
    if total > _SHARED * there + _FREE:
        raise CheckpointError(
            f"The tensors of this file would take {total / 2**20:,.0f} MiB, and it holds {there / 2**20:,.1f} MiB",
            value=name,
            remedy="Save the weights again, each tensor `.clone()`d.",
            code="weights.bad-tensor",
        )
    return good, problems


def _extras(root: Any, wrapper: str) -> dict[str, str]:
    """What lies beside the weights at each level on the way to them, without the tensors."""
    extras: dict[str, str] = {}
    value, way = root, wrapper.split("/") if wrapper else []
    for step in [*way, None]:
        value = value.pairs if isinstance(value, Stub) else value
        if not isinstance(value, dict):
            break
        for key, item in value.items():
            if key != step and len(extras) < _MAX_EXTRAS and _tensor(item) is None:
                extras[str(key)[:80]] = _training_state(item) or describe(item)
        value = value.get(step)
    return extras


def _settings(root: dict[Any, Any]) -> dict[str, Any]:
    settings = plain(root.get("hyper_parameters"))
    return {str(key): value for key, value in settings.items()} if isinstance(settings, dict) else {}


def _training_state(value: Any) -> str:
    """What a training run's own state is, in words; "" for anything else."""
    if not isinstance(value, dict):
        return ""
    keys = {key for key in value if isinstance(key, str)}
    if {"state", "param_groups"} <= keys:
        state = value["state"]
        first = next(iter(state.values()), None) if isinstance(state, dict) else None
        kept = ", ".join(str(key)[:30] for key in list(first)[:3]) if isinstance(first, dict) else "nothing yet"
        return f"the state of an optimizer ({kept} of {len(state) if isinstance(state, dict) else 0} parameters)"
    if {"last_epoch", "_step_count"} & keys and not any(isinstance(item, TensorRef) for item in value.values()):
        return f"the state of a learning-rate scheduler (last_epoch={describe(value.get('last_epoch'))})"
    if {"growth_factor", "backoff_factor"} <= keys:
        return "the state of a gradient scaler for mixed precision"
    if {"python", "numpy"} <= keys <= {"python", "numpy", "cpu", "cuda", "torch", "npu", "mlu", "musa", "xpu", "mps"}:
        return "the state of random number generators"
    return ""


def _what(root: Any) -> str:
    """What a file without weights is, in words."""
    if isinstance(root, Stub):
        if root.name.endswith("TrainingArguments") or root.path == "argparse.Namespace":
            names = ", ".join(name[:30] for name in list(root.attributes)[:4])
            return f"the settings of a training run ({root.name[:60]} of {len(root.attributes)}: {names}…)"
        return f"an object of the class {root.path[:100] or 'that another call made'}"
    if isinstance(root, TensorRef):
        if root.dtype == "uint8" and len(root.shape) == 1:
            return f"{root.elements:,} bytes in a tensor, such as a random number generator's state"
        return f"a single tensor without a name (shape {root.shape}, {root.dtype[:40]})"
    if isinstance(root, dict) and root:
        return f"a dict of {len(root):,} without tensors ({', '.join(str(key)[:30] for key in list(root)[:5])})"
    if isinstance(root, list | tuple) and any(isinstance(item, TensorRef) for item in root):
        return f"a {type(root).__name__} of {len(root):,} tensors without names, such as a data set"
    return "empty" if root in ({}, [], (), None) else f"a {describe(root)}"
