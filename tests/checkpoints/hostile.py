"""Uploads of a hostile sender, all of them harmless: each tries something, and at worst touches a marker file.

``HOSTILE`` names them. ``make(folder, marker)`` writes one below ``folder`` and returns the path that is given to the
app; a program in it would create ``marker``. ``SECRET`` is text in a file outside of the upload, which nothing may
show.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.checkpoints import hostile_files as files
from tests.checkpoints import hostile_settings as settings
from tests.checkpoints import hostile_tokenizers as tokenizers
from tests.checkpoints.test_archive import HOSTILE as ARCHIVES
from tests.checkpoints.test_pickles import HOSTILE as PICKLES
from tests.checkpoints.tiny import Maker


def _archive(make: Callable[[Path], Path]) -> Maker:
    def made(folder: Path, marker: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return make(folder / "upload")

    return made


HOSTILE: dict[str, Maker] = {
    **settings.CONFIGURATIONS,
    **settings.FAMILIES,
    **settings.FOLDERS,
    **tokenizers.TOKENIZERS,
    **files.PICKLED,
    **{f"pickle in torch: {name}": files.in_torch(data, "zip") for name, (data, _) in PICKLES.items()},
    **{f"pickle in legacy torch: {name}": files.in_torch(data, "legacy") for name, (data, _) in PICKLES.items()},
    **files.SAFETENSORS,
    **files.PROGRAMS,
    **files.GGUF,
    **files.ARCHIVED,
    **{f"archive: {name}": _archive(make) for name, (make, _) in ARCHIVES.items()},
}
OPENED: frozenset[str] = frozenset()
LIMITED: dict[str, tuple[str, ...]] = {}
