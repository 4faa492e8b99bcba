"""How plain torch and safetensors come to the tensors of a file."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from embedviz.checkpoints.places.sniff import kind_of
from embedviz.checkpoints.torch_save.state_dict import tensors_of
from embedviz.checkpoints.torch_save.stubs import Stub
from embedviz.checkpoints.torch_save.tensor_refs import TensorRef
from embedviz.checkpoints.torch_save.torch_file import TorchFile, read_torch_file
from embedviz.checkpoints.weights import Weights
from embedviz.errors import ExportError

#: What torch itself writes into the file of a state dict.
_PLAIN = ("torch._utils._rebuild_", "collections.OrderedDict")


def reading(file: Path, part: str, found: Weights) -> str:
    """The expression that reads the tensors, by name, of ``{file}``. ExportError where it takes more than that."""
    if kind_of(file).name == "safetensors":
        return "load_file({file})"
    opened = read_torch_file(file)
    held = tensors_of(opened.root, part, file.name)
    inside: Any = opened.root
    for key in held.wrapper.split("/") if held.wrapper else []:
        inside = inside.get(key) if isinstance(inside, dict) else None
    if held.of is not None or not _loads(opened) or not _named(inside, found):
        raise ExportError(
            "What torch.load reads from this file is no dictionary of tensors that a script could take as it is",
            value=file.name,
            remedy="Save a copy (`embedviz doctor … --save copy`), and make the script for the copy.",
        )
    keys = "".join(f"[{key!r}]" for key in held.wrapper.split("/") if key)
    whole = f"torch.load({{file}}, map_location='cpu', weights_only=True){_escaped(keys)}"
    if all(isinstance(value, TensorRef) for value in inside.values()):
        return whole
    return "{{name: value for name, value in " + whole + ".items() if isinstance(value, torch.Tensor)}}"


def _escaped(text: str) -> str:
    """For a template of ``str.format``."""
    return text.replace("{", "{{").replace("}", "}}")


def _loads(opened: TorchFile) -> bool:
    """Whether torch.load takes the file with weights only."""
    import torch

    if opened.container == "zip" and zipfile.is_zipfile(opened.path):
        return not torch.serialization.get_unsafe_globals_in_checkpoint(opened.path)
    plain = all(name.startswith(_PLAIN) or name.endswith("Storage") for name in opened.globals)
    return opened.container == "legacy" and plain


def _named(inside: Any, found: Weights) -> bool:
    """Whether the tensors stand in a plain dictionary under the names that embedviz has for them."""
    if not isinstance(inside, dict) or isinstance(inside, Stub):
        return False
    own = {name for name, value in inside.items() if isinstance(value, TensorRef)}
    return own <= set(found.shapes) and all(type(name) is str for name in own) and bool(own)
