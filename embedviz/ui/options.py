"""What whoever started the server decided: the folders whose models everybody may open."""

from __future__ import annotations

import argparse
import os
import sys
from functools import cache
from pathlib import Path

from embedviz.checkpoints.places.place import candidates
from embedviz.checkpoints.request import Options
from embedviz.errors import CheckpointError
from embedviz.workers.model_worker import Source

#: Bytes of memory above which a person is asked before a checkpoint is loaded.
ASK_ABOVE = 4 * 10**9
_MOST = 500


@cache
def _given() -> argparse.Namespace:
    """What stands after ``--`` on Streamlit's command line."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--models", action="append", type=Path, default=[])
    parser.add_argument("--allow-code", action="store_true")
    return parser.parse_known_args(sys.argv[1:])[0]


def opening() -> Options:
    """How every checkpoint is opened here, before a person decides anything."""
    return Options(allow_code=_given().allow_code, ask_above=ASK_ABOVE)


@cache
def model_folders() -> tuple[Path, ...]:
    """The folders given as ``--models DIR`` after ``--`` on Streamlit's command line, or in EMBEDVIZ_MODELS."""
    given = _given()
    from_environment = [Path(part) for part in os.environ.get("EMBEDVIZ_MODELS", "").split(os.pathsep) if part]
    return tuple(folder.expanduser().resolve() for folder in [*given.models, *from_environment])


def offered() -> list[Source]:
    """The models found in those folders, by name: folders, lone files and archives."""
    found = [
        Source(root.name if name == "." else name, root / name, options=opening())
        for root in model_folders()
        for name in candidates(root)
    ]
    return found[:_MOST]


def allowed(path: str) -> Source:
    """The source at a path a person typed. CheckpointError unless it lies under one of the folders."""
    roots = model_folders()
    given = Path(path.strip()).expanduser()
    resolved = (given if given.is_absolute() or not roots else roots[0] / given).resolve()
    root = next((root for root in roots if resolved.is_relative_to(root)), None)
    if root is None:
        folders = ", ".join(str(root) for root in roots) or "none"
        raise CheckpointError(
            f"Only paths under the folders this server offers can be opened ({folders})",
            value=path,
            remedy="Upload the model, or have the server started with `--models` and its folder.",
        )
    if not resolved.exists():
        raise CheckpointError("There is nothing at this path", value=path, remedy="Check the spelling.")
    name = str(resolved.relative_to(root)) if resolved != root else root.name
    return Source(name, resolved, options=opening())
