"""A pickled ``nn.Module`` made again where that is certain: a transformers model, or nothing but torch.nn's own parts.

Only classes of two fixed lists are made, by their real constructors, on the meta device and from plain numbers; then
the file's tensors are put in. What a class of one's own computes is not in its pickle.
"""

from __future__ import annotations

import inspect
from itertools import islice
from typing import TYPE_CHECKING, Any

from embedviz.checkpoints.config_values import safe_values
from embedviz.checkpoints.torch_save.module_stub import children, is_module, module_tree, part_of, state_dict_of, walk
from embedviz.checkpoints.torch_save.plain import plain
from embedviz.checkpoints.torch_save.stubs import Global, Stub
from embedviz.checkpoints.torch_save.tensor_refs import TensorRef
from embedviz.errors import CheckpointError

if TYPE_CHECKING:
    import torch

__all__ = ["is_module", "module_tree", "rebuild", "state_dict_of"]

#: Files of torch.nn.modules whose classes have their constructor's parameters as attributes.
_LEAVES = frozenset(
    (
        *("activation", "batchnorm", "channelshuffle", "conv", "distance", "dropout", "flatten", "fold"),
        *("instancenorm", "linear", "normalization", "padding", "pixelshuffle", "pooling", "rnn", "sparse"),
        "upsampling",
    )
)
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_PARALLEL = ("DataParallel", "DistributedDataParallel")
_MAX_DEPTH = 40
#: What constructors raise of settings that are not theirs.
_DAMAGE = (
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    ImportError,
)
#: Settings of a configuration that name code, or number types that the weights tell by themselves.
_LEFT_OUT = ("quantization_config", "dtype", "torch_dtype")


def rebuild(stub: Stub, part: str = "") -> torch.nn.Module:
    """The module in eval mode on the CPU, with the file's weights. ``part`` is the dotted path of one within.

    Raises CheckpointError "configuration.class-missing" where the class's code would be needed (``choices`` are parts
    that can be rebuilt by themselves), "configuration.damaged" where numbers and tensors do not fit.
    """
    module = dict(walk(stub)).get(part)
    if module is None or not is_module(module):
        raise CheckpointError(
            "There is no module of that name in this file",
            value=part[:100] or stub.path[:100],
            remedy="Choose one of its parts.",
            code="choice.no-such-part",
        )
    while module.name in _PARALLEL and module.module.startswith("torch.nn.parallel") and "module" in children(module):
        module = children(module)["module"]
    try:
        made = _transformer(module) if _is_transformer(module) else _built_in(module, _MAX_DEPTH)
        if not _is_transformer(module):
            _fill(made, module)
    except _Unknown as error:
        raise _class_missing(stub, error.module) from error
    except _DAMAGE as error:
        raise CheckpointError(
            f"The module in this file does not fit together ({str(error)[:200]})",
            value=module.path[:100],
            remedy="Load it where it was made, and save its state_dict() and its configuration.",
            code="configuration.damaged",
        ) from error
    return made.eval().requires_grad_(False)


class _Unknown(Exception):
    def __init__(self, module: Stub, why: str = "") -> None:
        super().__init__(why)
        self.module, self.why = module, why


def _class_missing(root: Stub, unknown: Stub) -> CheckpointError:
    named = (path for path, module in walk(root) if path and _is_transformer(module) and _model_class(module))
    parts: list[str] = []
    for path in islice(named, 20):
        # What lies within a model that can be chosen is left out.
        if not any(path.startswith(f"{part}.") for part in parts):
            parts.append(path)
    return CheckpointError(
        f"The code of the class {unknown.name[:60]!r} of the module {unknown.module[:60]!r} is not in this file",
        value=root.path[:120],
        remedy=(
            "Save the weights with `torch.save(model.state_dict(), path)`, and give the Python file with the class as "
            "an architecture file."
        ),
        code="configuration.class-missing",
        why="A pickled module keeps its weights and the names of its classes; what they compute is in the code alone.",
        choices=parts,
    )


# torch.nn's own parts.


def _built_in(stub: Stub, depth: int) -> torch.nn.Module:
    """An empty module (on the meta device) like ``stub``."""
    import torch

    if not stub.module.startswith("torch.nn.modules.") or depth < 0 or "forward" in stub.attributes:
        raise _Unknown(stub)
    if any(stub.attributes.get(hooks) for hooks in _HOOKS):
        raise _Unknown(stub, "hooks change what it computes")
    if stub.name == "Sequential":
        inner = {name: _built_in(module, depth - 1) for name, module in children(stub).items()}
        made = torch.nn.Sequential()
        for name, module in inner.items():
            made.add_module(name, module)
        return made
    if stub.name in ("TransformerEncoderLayer", "TransformerEncoder"):
        return _encoder_layer(stub) if stub.name == "TransformerEncoderLayer" else _encoder(stub)
    return _leaf(stub)


def _leaf(stub: Stub) -> torch.nn.Module:
    import torch

    made_by: Any = getattr(torch.nn, stub.name, None) if stub.name.isidentifier() else None
    known = stub.module.removeprefix("torch.nn.modules.") in _LEAVES and not stub.name.startswith("Lazy")
    if not known or getattr(made_by, "__module__", "") != stub.module:
        raise _Unknown(stub)
    attributes, parameters = stub.attributes, part_of(stub, "_parameters")
    signature = inspect.signature(inspect.unwrap(made_by.__init__)).parameters
    names = list(signature) if "args" not in signature else list(_RECURRENT)
    settings = {name: plain(attributes[name]) for name in names if name in attributes}
    if "bias" in parameters and "bias" in names and stub.name not in ("LSTM", "GRU", "RNN"):
        settings["bias"] = parameters["bias"] is not None
    if stub.name == "MultiheadAttention":
        settings |= {
            "bias": parameters.get("in_proj_bias") is not None,
            "add_bias_kv": parameters.get("bias_k") is not None,
        }
    settings = {name: value for name, value in settings.items() if name not in ("device", "dtype", "self")}
    if not settings.get("proj_size"):
        settings.pop("proj_size", None)  # GRU and RNN do not take it, though they have it.
    layers = settings.get("num_layers", 1)
    if type(layers) is not int or layers > max(len(parameters), 1):
        raise ValueError(f"{layers} layers and {len(parameters)} parameters")
    with torch.device("meta"):
        made = made_by(**settings)
    if not isinstance(made, torch.nn.Module):
        raise _Unknown(stub)
    _agree(made, stub)
    return made


#: The recurrent layers' constructors hide their parameters behind ``*args``.
_RECURRENT = (
    *("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size"),
    "nonlinearity",
)


def _agree(made: torch.nn.Module, stub: Stub) -> None:
    """Every plain setting of the new instance is what the file says: no constructor left one out."""
    for name, value in vars(made).items():
        if name.startswith("_") or name == "training" or name not in stub.attributes:
            continue
        said = plain(stub.attributes[name])
        if isinstance(value, bool | int | float | str | tuple) and said != value:
            raise ValueError(f"{name} is {said!r:.60} in the file and {value!r:.60} in a new {stub.name}")


def _encoder_layer(stub: Stub) -> torch.nn.Module:
    import torch

    inner = children(stub)
    attention, first = inner["self_attn"].attributes, inner["linear1"]
    with torch.device("meta"):
        made = torch.nn.TransformerEncoderLayer(
            plain(attention["embed_dim"]),
            plain(attention["num_heads"]),
            plain(first.attributes["out_features"]),
            plain(inner["dropout"].attributes["p"]),
            _activation(stub),
            plain(inner["norm1"].attributes["eps"]),
            plain(attention["batch_first"]),
            plain(stub.attributes.get("norm_first", False)),
            part_of(first, "_parameters").get("bias") is not None,
        )
    for name, module in inner.items():
        if not hasattr(made, name):
            raise _Unknown(module)
        _agree(getattr(made, name), module)
    return made


def _activation(stub: Stub) -> str:
    """The activation is a function's name in the pickle (or a module, in layers made with one)."""
    function = stub.attributes.get("activation")
    names = {"torch.nn.functional.relu": "relu", "torch._C._nn.gelu": "gelu", "torch.nn.functional.gelu": "gelu"}
    if not isinstance(function, Global) or function.path not in names:
        raise _Unknown(stub, "its activation is not known")
    return names[function.path]


def _encoder(stub: Stub) -> torch.nn.Module:
    import torch

    inner = children(stub)
    layers: list[Any] = [_built_in(layer, 1) for layer in children(inner["layers"]).values()]
    norm = _leaf(inner["norm"]) if "norm" in inner else None
    nested = bool(stub.attributes.get("enable_nested_tensor", True))
    made = torch.nn.TransformerEncoder(layers[0], 1, norm, nested, bool(stub.attributes.get("mask_check", True)))
    made.layers = torch.nn.ModuleList(layers)
    made.num_layers = len(layers)
    return made


def _fill(made: torch.nn.Module, stub: Stub) -> None:
    """Put the file's tensors in place of the empty ones; shapes are compared before anything is read."""
    tensors = state_dict_of(stub)
    expected = {name: tuple(value.shape) for name, value in made.state_dict().items()}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if expected != found:
        wrong = next(name for name in {**expected, **found} if expected.get(name) != found.get(name))
        raise ValueError(f"{wrong:.80} has the shape {found.get(wrong)} and {expected.get(wrong)} is expected")
    made.load_state_dict(_read(tensors), strict=True, assign=True)
    if any(tensor.is_meta for tensor in [*made.parameters(), *made.buffers()]):
        raise ValueError("some of its numbers are not in the file")


def _read(tensors: dict[str, TensorRef]) -> dict[str, torch.Tensor]:
    """Read each tensor; the same one under two names is read once, so that tied weights stay tied."""
    seen: dict[Any, torch.Tensor] = {}
    made = {}
    for name, tensor in tensors.items():
        key = (id(tensor.storage), tensor.offset, tensor.shape, tensor.stride, tensor.dtype)
        if key not in seen:
            seen[key] = tensor.read()
        made[name] = seen[key]
    return made


# transformers.


def _is_transformer(stub: Stub) -> bool:
    """Whether it names a model class of transformers and has a configuration with it."""
    return stub.module.startswith("transformers.") and isinstance(stub.attributes.get("config"), Stub)


def _model_class(stub: Stub) -> Any:
    """The class of that name where it is one of transformers' models, else None."""
    import transformers

    found = getattr(transformers, stub.name, None) if stub.name.isidentifier() else None
    return found if transformers.PreTrainedModel in getattr(found, "__mro__", ()) else None


def _transformer(stub: Stub) -> torch.nn.Module:
    import torch
    from huggingface_hub.errors import StrictDataclassError

    made_by = _model_class(stub)
    if made_by is None:
        raise _Unknown(stub)
    tensors = state_dict_of(stub)
    settings = safe_values(plain(stub.attributes["config"]))
    settings = {key: value for key, value in settings.items() if isinstance(key, str) and key not in _LEFT_OUT}
    for key, value in settings.items():
        if "layers" in key and type(value) is int and value > len(tensors):
            raise ValueError(f"its configuration says {key}={value} and there are {len(tensors)} tensors")
    try:
        config = made_by.config_class.from_dict(settings)
    except StrictDataclassError as error:
        raise ValueError(str(error)) from error
    with torch.device("meta"):
        empty = made_by(config).state_dict()
    wrong = [name for name, tensor in tensors.items() if name in empty and tuple(empty[name].shape) != tensor.shape]
    if wrong:
        raise ValueError(f"{wrong[0]:.80} has the shape {tensors[wrong[0]].shape}, not {tuple(empty[wrong[0]].shape)}")
    made, report = made_by.from_pretrained(
        None, config=config, state_dict=_read(tensors), output_loading_info=True, dtype="auto"
    )
    if report["missing_keys"]:
        raise ValueError(f"{len(report['missing_keys'])} tensors are missing, such as {min(report['missing_keys'])}")
    module: torch.nn.Module = made
    return module
