"""The formats that embedviz opens, one file each; the first that recognises a place opens it."""

from __future__ import annotations

from types import ModuleType

from embedviz.checkpoints.formats import (
    adapter,
    architecture_file,
    bare_weights,
    exported_program,
    gguf,
    hugging_face,
    keras,
    lightning,
    pickled_module,
    sentence_transformers,
    torchscript,
)

#: The first whose ``recognises(request)`` says yes opens it. A new format is a file here and a line.
FORMATS: dict[str, ModuleType] = {
    "architecture-file": architecture_file,
    "sentence-transformers": sentence_transformers,
    "adapter": adapter,
    "hugging-face": hugging_face,
    "lightning": lightning,
    "pickled-module": pickled_module,
    "bare-weights": bare_weights,
    "torchscript": torchscript,
    "exported-program": exported_program,
    "gguf": gguf,
    "keras": keras,
}
