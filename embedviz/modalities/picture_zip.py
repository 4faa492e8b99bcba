"""The files in a zip, in memory and within bounds; nothing is written to disk, wherever their names lead."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

from embedviz.checkpoints.places.zip_directory import read_directory
from embedviz.errors import InstancesError, first_line
from embedviz.modalities.folder_labels import natural

Files = list[tuple[str, bytes]]
Refused = list[tuple[str, str]]

MOST_ENTRIES = 50_000
#: Pictures are compressed already, so a zip that grows this much is a bomb; small ones are let be.
_MOST_RATIO, _SMALL = 100, 2**20
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, IndexError, OverflowError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
_AGAIN = "Pack the pictures again, as an ordinary zip without a password."


def pictures_in(name: str, data: bytes, most_each: int, most: int) -> tuple[Files, Refused]:
    """The files of a zip, (path, bytes) each in the order of their names, and those left out with the reason.

    A file has at most ``most_each`` bytes, all together ``most``. InstancesError where the zip as a whole is refused.
    """
    directory = read_directory(io.BytesIO(data), MOST_ENTRIES + 1)
    if directory is None:
        raise InstancesError("This zip is damaged or incomplete", value=name, remedy=_AGAIN)
    if directory.more or len(directory.names) > MOST_ENTRIES:
        raise InstancesError(
            f"This zip has more than {MOST_ENTRIES:,} files", value=name, remedy="Pack fewer pictures: some thousand."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            _check_growth(entries, name, len(data), most)
            return _unpacked(opened, sorted(entries, key=lambda entry: natural(entry.filename)), most_each)
    except _UNREADABLE as error:
        raise InstancesError(
            f"This zip is damaged or incomplete ({first_line(error)})", value=name, remedy=_AGAIN
        ) from error


def _check_growth(entries: list[zipfile.ZipInfo], name: str, size: int, most: int) -> None:
    total = sum(entry.file_size for entry in entries)
    if total > most or total > _MOST_RATIO * max(size, _SMALL):
        raise InstancesError(
            "Too much would come out of this zip",
            value=f"{name}: {total / 2**20:,.0f} MiB from {size / 2**20:,.1f} MiB",
            remedy=f"Pack pictures of at most {most // 2**20:,} MiB, and nothing else.",
        )


def _unpacked(opened: zipfile.ZipFile, entries: list[zipfile.ZipInfo], most_each: int) -> tuple[Files, Refused]:
    files: Files = []
    refused: Refused = []
    for entry in entries:
        path = entry.filename.replace("\\", "/")
        why = _why_not(entry, path, most_each)
        if why:
            refused.append((path, why))
            continue
        try:
            # The size in the directory may lie, so no more than that is asked for; the checksum tells.
            with opened.open(entry) as file:
                files.append((path, file.read(entry.file_size)))
        except _UNREADABLE:
            refused.append((path, "damaged within the zip"))
    return files, refused


def _why_not(entry: zipfile.ZipInfo, path: str, most_each: int) -> str:
    if path.startswith("/") or ".." in PurePosixPath(path).parts or ":" in path.partition("/")[0]:
        return "named as if outside of the zip"
    if entry.flag_bits & 0x1:
        return "protected by a password"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "compressed in a way that embedviz does not read"
    return f"larger than {most_each // 2**20} MiB" if entry.file_size > most_each else ""
