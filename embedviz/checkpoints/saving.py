"""Writing an opened checkpoint as a folder of safetensors, with every repair in it."""

from __future__ import annotations

import shutil
from pathlib import Path

from embedviz.checkpoints.checkpoint import Checkpoint
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
        _copy_beside(checkpoint.origin, folder, deep=(checkpoint.origin / "modules.json").is_file())
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


def _copy_beside(origin: Path, folder: Path, *, deep: bool) -> None:
    """What stands beside the transformer, whose own files are written anew; ``deep``: in folders of their own too."""
    for file in sorted(origin.rglob("*") if deep else origin.iterdir()):
        inside = file.relative_to(origin)
        kept = file.suffix in _BESIDE or (len(inside.parts) > 1 and file.suffix == ".safetensors")
        if file.is_file() and not file.is_symlink() and kept and not file.name.endswith(".index.json"):
            (folder / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / inside)
