"""What whoever started the server decided: the folders whose models everybody may open."""

from __future__ import annotations

import argparse
import os
import sys
from functools import cache
from pathlib import Path

from embedviz.checkpoints.folder import MARKS
from embedviz.errors import CheckpointError
from embedviz.workers.pool import Source

_DEPTH = 4
_MOST = 500


@cache
def model_folders() -> tuple[Path, ...]:
    """The folders given as ``--models DIR`` after ``--`` on Streamlit's command line, or in EMBEDVIZ_MODELS."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--models", action="append", type=Path, default=[])
    given, _ = parser.parse_known_args(sys.argv[1:])
    from_environment = [Path(part) for part in os.environ.get("EMBEDVIZ_MODELS", "").split(os.pathsep) if part]
    return tuple(folder.expanduser().resolve() for folder in [*given.models, *from_environment])


def offered() -> list[Source]:
    """The models found in those folders, by name; zips of models too."""
    found: list[Source] = []
    for root in model_folders():
        for folder, children, files in os.walk(root):
            here = Path(folder)
            children[:] = sorted(name for name in children if not name.startswith("."))
            if any(mark in files for mark in MARKS):
                found.append(Source(str(here.relative_to(root)) if here != root else root.name, here))
                children.clear()
            elif len(here.relative_to(root).parts) >= _DEPTH:
                children.clear()
            found += [Source(name, here / name) for name in sorted(files) if name.endswith(".zip")]
            if len(found) >= _MOST:
                return found
    return found


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
    return Source(str(resolved.relative_to(root)) if resolved != root else root.name, resolved)
