"""Writing an opened checkpoint as a folder of safetensors, with every repair in it."""

from __future__ import annotations

import shutil
from pathlib import Path

from embedviz.checkpoints.checkpoint import Checkpoint
from embedviz.checkpoints.weights import NAMES, of_files
from embedviz.errors import CheckpointError, first_line

#: Of a folder, files that are neither weights nor written anew; code is left out.
_BESIDE = {".json", ".txt", ".md", ".model", ".jinja"}


def save(checkpoint: Checkpoint, folder: Path) -> list[str]:
    """Write ``checkpoint`` to ``folder``, which must be empty or not be there; the names of the files written.

    Raises CheckpointError where the folder holds something, or where the model cannot be written as safetensors.
    """
    if folder.exists() and any(folder.iterdir()):
        raise CheckpointError(
            "The folder for the copy is not empty",
            value=folder,
            remedy="Give the name of a folder that is not there yet.",
            code="files.not-empty",
        )
    folder.mkdir(parents=True, exist_ok=True)
    inside = folder / checkpoint.inside
    inside.mkdir(parents=True, exist_ok=True)
    if checkpoint.origin is not None:
        _copy_beside(checkpoint.origin, folder)
        if (checkpoint.origin / "modules.json").is_file():
            _copy_parts(checkpoint.origin, folder, inside)
    try:
        _write(checkpoint, inside)
    except Exception as error:
        raise CheckpointError(
            f"This model cannot be written as safetensors ({first_line(error)})",
            value=checkpoint.name,
            remedy="Save it where it was made.",
            code="files.unwritable",
        ) from error
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def _write(checkpoint: Checkpoint, folder: Path) -> None:
    import transformers
    from safetensors.torch import save_model

    if isinstance(checkpoint.model, transformers.PreTrainedModel):
        checkpoint.model.save_pretrained(folder)
    else:
        save_model(checkpoint.model, str(folder / "model.safetensors"))
    if checkpoint.tokenizer is not None:
        checkpoint.tokenizer.save_pretrained(folder)


def _copy_beside(origin: Path, folder: Path) -> None:
    """What stands beside the weights: configurations, notes, vocabularies."""
    for file in sorted(origin.iterdir()):
        kept = file.suffix in _BESIDE and not file.name.endswith(".index.json")
        if kept and file.is_file() and not file.is_symlink():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / file.name)


def _copy_parts(origin: Path, folder: Path, transformer: Path) -> None:
    """The other parts of a sentence-transformers folder (pooling, dense), their weights as safetensors."""
    from safetensors.torch import save_file

    for part in sorted(origin.iterdir()):
        if not part.is_dir() or folder / part.name == transformer or not (part / "config.json").is_file():
            continue
        _copy_beside(part, folder / part.name)
        weights = next((part / name for name in NAMES if (part / name).is_file()), None)
        if weights is not None:
            save_file(of_files([weights]).load(), folder / part.name / NAMES[0])
