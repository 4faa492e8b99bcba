"""The JSON and the arrays of a session file, unpacked within bounds."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from typing import Any, BinaryIO

import numpy as np

from embedviz.checkpoints.places.zip_directory import read_directory
from embedviz.errors import ExportError, InstancesError
from embedviz.modalities.npy import read_npy
from embedviz.sessions.checking import Malformed
from embedviz.sessions.session import FORMAT, INDEX

#: Bytes that may come out of a file, of them as JSON; and how many arrays there may be.
MOST_BYTES, _MOST_JSON, _MOST_MEMBERS = 1_000_000_000, 200_000_000, 100
_AGAIN = "Save the session again under “Take away”, or ask its sender for it."
#: What zipfile raises for bytes that make no sense.
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, IndexError, OverflowError,
    NotImplementedError, RuntimeError,
)  # fmt: skip


def damaged(where: str) -> ExportError:
    return ExportError("This session file is damaged", value=where, remedy=_AGAIN)


def names_in(file: BinaryIO) -> tuple[str, ...]:
    """The names of a zip's members, a bounded number; none where it is no zip."""
    directory = read_directory(file, _MOST_MEMBERS)
    return directory.names if directory is not None and not directory.more else ()


class Unpacked:
    """What is in the file: ``told`` is the JSON. ExportError for what is no session, is too large, or is newer."""

    def __init__(self, data: bytes) -> None:
        if INDEX not in names_in(io.BytesIO(data)):
            raise ExportError(
                "This is no session of embedviz",
                value=f"{len(data):,} bytes",
                remedy="Whatever its name, it was not saved by “Session” under “Take away”.",
            )
        try:
            self._members = _members(data)
            self.told: dict[str, Any] = _json(self._members[INDEX])
        except (*_UNREADABLE, KeyError, RecursionError) as error:
            raise damaged(INDEX) from error
        _check_format(self.told)

    def has(self, name: str) -> bool:
        return f"{name}.npy" in self._members

    def array(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> Any:
        """An array of this type and shape (None: any size). Malformed where it is another, or is not there."""
        if not self.has(name):
            raise Malformed(name)
        try:
            found = read_npy(self._members[f"{name}.npy"], name)
        except InstancesError as error:
            raise Malformed(name) from error
        fits = len(found.shape) == len(shape)
        fits = fits and all(want in (None, have) for want, have in zip(shape, found.shape, strict=True))
        if not fits or found.dtype != np.dtype(dtype):
            raise Malformed(f"{name}: {found.dtype}, {found.shape}")
        return np.ascontiguousarray(found)


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        entries = opened.infolist()
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise ExportError(
                f"More than {MOST_BYTES / 1e6:,.0f} MB would come out of this session file",
                value=f"{sum(entry.file_size for entry in entries) / 1e6:,.0f} MB",
                remedy="Save a session of fewer instances.",
            )
        found = {}
        for entry in entries:
            # The other methods are rare, and zipfile lets them fill the memory.
            usual = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            if entry.flag_bits & 0x1 or not usual or entry.filename in found:
                raise zipfile.BadZipFile(entry.filename)
            if entry.filename == INDEX and entry.file_size > _MOST_JSON:
                raise zipfile.BadZipFile(entry.filename)
            # The size in the directory may lie, so no more than that is asked for.
            with opened.open(entry) as file:
                found[entry.filename] = file.read(entry.file_size)
        return found


def _json(data: bytes) -> dict[str, Any]:
    told = json.loads(data)
    if not isinstance(told, dict):
        raise ValueError("no object")
    return told


def _check_format(told: dict[str, Any]) -> None:
    made = told.get("embedviz")
    number = made.get("format") if isinstance(made, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise damaged("its format")
    if number > FORMAT:
        raise ExportError(
            "This session was saved by a newer embedviz",
            value=str(made.get("version")) if isinstance(made, dict) else None,
            remedy="Open it with that version, or a later one.",
        )
