"""A model of some kilobytes, as files in memory: quick to write, quick to open, and easy to spoil."""

from __future__ import annotations

import functools
import json
import string
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase, "the", "cat", "dog", ".", ",")
VOCABULARY = (*WORDS, *(f"##{letter}" for letter in string.ascii_lowercase))
SIZES = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}


@functools.cache
def tiny() -> Mapping[str, bytes]:
    """The files of a random BERT of two layers and of its tokenizer, by name."""
    import torch
    import transformers

    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "vocab.txt").write_text("\n".join(VOCABULARY))
        transformers.BertTokenizer.from_pretrained(folder).save_pretrained(folder)
        transformers.BertModel(transformers.BertConfig(**SIZES)).save_pretrained(folder)
        return {file.name: file.read_bytes() for file in sorted(Path(folder).iterdir())}


def model(folder: Path, **files: Any) -> Path:
    """The tiny model in ``folder``; ``files`` by name replace its own: bytes, JSON values, None to leave one out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {**tiny(), **files}.items():
        if content is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return folder


def settings(name: str, **changes: Any) -> dict[str, Any]:
    """A JSON file of the tiny model with some values changed.

    None takes a value out; a function is called for its value, so that large ones are made only when they are wanted.
    """
    values = {**json.loads(tiny()[name]), **changes}
    return {key: value() if callable(value) else value for key, value in values.items() if value is not None}


def tensors() -> dict[str, Any]:
    """The tiny model's state dict."""
    from safetensors.torch import load

    return load(tiny()["model.safetensors"])


#: Writes a file that attacks, below a folder, and returns the path to give to the app. A program in it would create
#: the second path.
Maker = Callable[[Path, Path], Path]
SECRET = "the secret of the host"


def code(marker: Path) -> bytes:
    """A Python module that leaves a mark when it is imported."""
    return f"open({str(marker)!r}, 'w').close()\n".encode()


def secret(folder: Path) -> Path:
    """A file beside the upload that belongs to somebody else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "secret.txt").write_text(SECRET)
    return folder / "secret.txt"
