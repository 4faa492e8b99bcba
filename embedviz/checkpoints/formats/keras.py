"""A Keras 3 archive (.keras), opened as PyTorch modules."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedviz.checkpoints.checkpoint import Checkpoint
from embedviz.checkpoints.fingerprint import fingerprint
from embedviz.checkpoints.loading import check_memory
from embedviz.checkpoints.request import Request
from embedviz.errors import CheckpointError, first_line
from embedviz.records import Reads

#: Only what Keras itself defines may be built; a Lambda holds a program, and these wrap other code.
_MODULES = ("keras", "builtins")
_CODE = {"Lambda", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer", "__lambda__", "function", "__typespec__"}
_MAX_CONFIG = 20 * 2**20
#: Keras takes a millisecond or more for each.
_MAX_LAYERS = 3_000


def recognises(request: Request) -> bool:
    return request.place.file is not None and request.place.kind == "keras"


def open_place(request: Request) -> Checkpoint:
    """Open the archive with Keras on PyTorch. Needs the package keras."""
    request.require_package("keras", "Keras archives")
    assert request.place.file is not None
    file = request.place.file
    _check(file)
    check_memory(file.stat().st_size // 4, file.stat().st_size, request)
    request.say("opening with Keras")
    os.environ["KERAS_BACKEND"] = "torch"
    # Where it writes its settings when it is imported; else that is the person's home.
    os.environ.setdefault("KERAS_HOME", str(request.scratch))
    try:
        import keras

        loaded = keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:
        raise CheckpointError(
            f"Keras cannot open this archive ({first_line(error)})",
            value=file.name,
            remedy="Save it again with Keras 3: `model.save('model.keras')`.",
            code="files.keras",
        ) from error
    return Checkpoint(
        name=request.name,
        format="Keras archive",
        model=_as_module(loaded),
        tokenizer=None,
        max_tokens=512,
        fingerprint=fingerprint(request),
        size=file.stat().st_size,
        dtype="float32",
        reads="tensors",
        hint=_hint(loaded),
    )


def _hint(loaded: Any) -> Reads | None:
    """What the model's one input layer says it takes; None where there are several, or none was built."""
    inputs = getattr(loaded, "inputs", None) or []
    if len(inputs) != 1:
        return None
    dtype = "int64" if str(inputs[0].dtype).startswith("int") else "float32"
    return Reads("tensors", tuple(inputs[0].shape[1:]), dtype, why="its input layer says so")


def _check(file: Path) -> None:
    """Refuse a configuration that names anything but Keras' own parts (it is imported by name)."""
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.getinfo("config.json").file_size > _MAX_CONFIG:
                raise ValueError("its config.json is far too large")
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, OSError) as error:
        raise CheckpointError(
            f"This Keras archive is damaged ({first_line(error)})",
            value=file.name,
            remedy="Save it again: `model.save('model.keras')`.",
            code="files.keras",
        ) from error
    count = sum(len(_layers(part)) for part in _parts(config))
    if count > _MAX_LAYERS:
        raise CheckpointError(
            "This Keras archive has more layers than any model",
            value=f"{count:,}",
            remedy="Save it again: `model.save('model.keras')`.",
            code="files.keras",
        )
    for part in _parts(config):
        module, name = part.get("module"), part.get("class_name")
        foreign = isinstance(module, str) and module.partition(".")[0] not in _MODULES
        if name in _CODE or foreign or part.get("registered_name") not in (None, name):
            raise CheckpointError(
                "This Keras archive asks for program code of its own, which embedviz does not run",
                value=f"{module}.{name}",
                remedy="Use a model made of Keras' own layers, without Lambda layers or custom classes.",
                code="files.keras-code",
                why="Such code could do whatever the person who started the server can do.",
            )


def _layers(part: dict[str, Any]) -> list[Any]:
    config = part.get("config")
    layers = config.get("layers") if isinstance(config, dict) else None
    return layers if isinstance(layers, list) else []


def _parts(config: Any) -> Iterator[dict[str, Any]]:
    """All dictionaries in a JSON value that name a class; no recursion that its depth could exhaust."""
    stack = [config]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)


def _as_module(loaded: Any) -> Any:
    """A module whose children are the model's layers by their names: PyTorch does not see a functional model's."""
    import torch

    whole = torch.nn.Module()
    for layer in loaded._flatten_layers(include_self=False):
        name = str(layer.name)
        if isinstance(layer, torch.nn.Module) and name.isidentifier():
            whole.add_module(name, layer)
    whole.forward = lambda *inputs, **named: loaded(*inputs, training=False, **named)
    return whole.eval()
