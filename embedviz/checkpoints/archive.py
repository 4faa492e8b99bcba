"""Zips of a model folder, unpacked so that a hostile one can neither leave its folder nor fill the disk."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path, PurePosixPath

from embedviz.errors import CheckpointError

MAX_ENTRIES = 5_000
MAX_BYTES = 40 * 2**30
#: Weights hardly compress, so a file that grows this much is a bomb and not a model.
MAX_RATIO = 200
_CHUNK = 2**20


def extract(archive: Path, into: Path) -> Path:
    """Unpack ``archive`` into the folder ``into`` and return it. Python files are left out: nothing here runs them.

    Raises CheckpointError for a damaged, encrypted, oversized or escaping archive; ``into`` may then be half filled.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            _check_size(archive, entries)
            for entry in entries:
                target = _target(entry, into)
                if target.suffix != ".py" and "__MACOSX" not in target.parts:
                    _write(opened, entry, target)
    except zipfile.BadZipFile as error:
        raise CheckpointError(
            "This zip is damaged or incomplete", value=archive.name, remedy="Pack the model's folder again."
        ) from error
    return into


def _check_size(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    if not entries:
        raise CheckpointError("This zip is empty", value=archive.name, remedy="Pack the model's folder again.")
    if len(entries) > MAX_ENTRIES:
        raise CheckpointError(
            f"This zip holds {len(entries):,} files, more than {MAX_ENTRIES:,}",
            value=archive.name,
            remedy="Pack only the model's own folder.",
        )
    total = sum(entry.file_size for entry in entries)
    if total > MAX_BYTES or total > MAX_RATIO * max(archive.stat().st_size, 2**20):
        raise CheckpointError(
            f"This zip would unpack to {total / 2**20:,.0f} MiB, which no model packed like this does",
            value=archive.name,
            remedy="Pack only the model's own folder.",
        )


def _target(entry: zipfile.ZipInfo, into: Path) -> Path:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
        raise CheckpointError(
            "This zip tries to write outside its own folder", value=entry.filename, remedy="Do not trust its sender."
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise CheckpointError(
            "This zip holds a link", value=entry.filename, remedy="Pack the files themselves (zip without -y)."
        )
    if entry.flag_bits & 0x1:
        raise CheckpointError(
            "This zip is protected by a password", value=entry.filename, remedy="Pack it without a password."
        )
    return into / name


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # The size in the directory may lie, so the bytes are counted as they come.
    left = entry.file_size
    with opened.open(entry) as source, target.open("wb") as out:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise CheckpointError(
                    "A file in this zip is larger than the zip says", value=entry.filename, remedy="Pack it again."
                )
            out.write(chunk)
