"""The records of a zip that torch wrote: where each lies in the file, read and checked without unpacking the rest."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embedviz.checkpoints.places.zip_directory import read_directory
from embedviz.errors import CheckpointError

Bytes = npt.NDArray[np.uint8]

#: Python's zipfile takes about 10 µs a record.
_MAX_RECORDS = 150_000
#: torch stores its records as they are. What was packed again may shrink, but weights do not shrink like this.
MAX_RATIO = 100
_MAX_INFLATED = 512 * 2**20
_CHUNK = 2**18
_AGAIN = "Download or copy it again, and compare the size with the original's."


@dataclass(eq=False)
class FileRange:
    """``size`` bytes of ``path`` from ``start`` on. ``crc`` None: there is no checksum (legacy files have none)."""

    path: Path
    start: int
    size: int
    crc: int | None = None
    name: str = ""

    def read(self, start: int, count: int) -> Bytes:
        """``count`` bytes from ``start`` on, in memory of their own. The first read checks the whole record."""
        if self.crc is not None and (start or count != self.size):
            if not self.sound():
                raise corrupt(self.path, self.name)
            self.crc = None
        raw = _empty(count)
        if self.crc is None:
            deque(self._chunks(start, raw, count, count), maxlen=0)
        elif sum_of(self._chunks(start, raw, count)) != self.crc:
            raise corrupt(self.path, self.name)
        self.crc = None
        return raw

    def sound(self) -> bool:
        """Whether the checksum beside it, if there is one, is that of its bytes."""
        buffer = np.empty(min(_CHUNK, self.size), np.uint8)
        return self.crc is None or sum_of(self._chunks(0, buffer, self.size)) == self.crc

    def _chunks(self, start: int, into: Bytes, count: int, piece: int = _CHUNK) -> Iterator[memoryview]:
        """Fill ``into`` from ``start`` on, over and over where it is smaller than ``count``, a piece at a time."""
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.start + start)
            done = 0
            while done < count:
                at = done % len(into)
                part = into[at : at + min(piece, count - done)].data
                got = file.readinto(part)
                if not got:
                    raise truncated(self.path, self.start + start + count, self.path.stat().st_size)
                yield part[:got]
                done += got


def sum_of(pieces: Iterable[memoryview]) -> int:
    """The checksum of bytes as they come, while they are still in the processor's cache."""
    crc = 0
    for piece in pieces:
        crc = zlib.crc32(piece, crc)
    return crc


def _empty(count: int) -> Bytes:
    """Memory as torch aligns it: numpy's gives other last digits in some of its kernels."""
    import torch

    return torch.empty(count, dtype=torch.uint8).numpy()


@dataclass(eq=False)
class MemoryBytes:
    """Bytes that are in memory already: numpy arrays within a pickle, records that were packed tighter."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, start: int, count: int) -> Bytes:
        raw = _empty(count)
        raw[:] = np.frombuffer(self.data, np.uint8, count, start)
        return raw


Source = FileRange | MemoryBytes


def truncated(path: Path, expected: int, size: int) -> CheckpointError:
    return CheckpointError(
        f"This file is cut off: {size:,} bytes of {expected:,}", value=path.name, remedy=_AGAIN, code="files.truncated"
    )


def corrupt(path: Path, record: str, why: str = "its checksum is not the one written beside it") -> CheckpointError:
    return CheckpointError(
        f"This file is damaged: {why}",
        value=f"{path.name}, record {record[:200]!r}",
        remedy="Download or copy it again.",
        code="files.corrupt",
    )


def read_records(path: Path) -> dict[str, Source]:
    """Every record of the zip by its name, none of them read. CheckpointError where the directory is lying."""
    _require_directory(path)
    try:
        with zipfile.ZipFile(path) as opened:
            entries = opened.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, struct.error, NotImplementedError, IndexError) as error:
        raise corrupt(path, "directory", "its table of records cannot be read") from error
    records: dict[str, Source] = {}
    budget = [_MAX_INFLATED]
    size = path.stat().st_size
    with path.open("rb") as file:
        for entry in entries:
            if entry.filename in records:
                raise corrupt(path, entry.filename, "a record is there twice")
            file.seek(max(entry.header_offset, 0))
            head = file.read(30)
            if len(head) < 30 or head[:4] != b"PK\x03\x04" or entry.header_offset < 0:
                raise corrupt(path, entry.filename, "a record is not where its table says")
            start = entry.header_offset + 30 + sum(struct.unpack("<HH", head[26:30]))
            if start + entry.compress_size > size:
                raise truncated(path, start + entry.compress_size, size)
            records[entry.filename] = _record(path, entry, start, budget)
    return records


def _record(path: Path, entry: zipfile.ZipInfo, start: int, budget: list[int]) -> Source:
    if entry.flag_bits & 0x1:
        raise CheckpointError(
            "This file is protected by a password",
            value=path.name,
            remedy="Save it without one.",
            code="files.encrypted",
        )
    if entry.compress_type == zipfile.ZIP_STORED:
        if entry.file_size != entry.compress_size:
            raise corrupt(path, entry.filename, "a record has two different sizes")
        return FileRange(path, start, entry.file_size, entry.CRC, entry.filename)
    if entry.filename.endswith("/") or "/code/" in entry.filename or entry.filename.endswith(".debug_pkl"):
        return MemoryBytes(b"")
    return MemoryBytes(_inflate(path, entry, start, budget))


def _inflate(path: Path, entry: zipfile.ZipInfo, start: int, budget: list[int]) -> bytes:
    """A deflated record, whole. Bounded by what it says it is, by the ratio, and by all such records together."""
    budget[0] -= entry.file_size
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 1_024) or budget[0] < 0:
        raise CheckpointError(
            f"A record of this file would unpack to {entry.file_size / 2**20:,.0f} MiB, which no weights packed do",
            value=path.name,
            remedy="Save it again with `torch.save(torch.load(path), path)`, which does not pack.",
            code="files.too-large",
        )
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        raise corrupt(path, entry.filename, "a record is packed in a way that torch does not use")
    with path.open("rb") as file:
        file.seek(start)
        packed = file.read(entry.compress_size)
    try:
        data = zlib.decompressobj(-15).decompress(packed, entry.file_size + 1)
    except zlib.error as error:
        raise corrupt(path, entry.filename, "a record cannot be unpacked") from error
    if len(data) != entry.file_size or zlib.crc32(data) != entry.CRC:
        raise corrupt(path, entry.filename)
    return data


def _require_directory(path: Path) -> None:
    """The end of a zip points at its table of records; without it (a download that stopped) there is nothing."""
    with path.open("rb") as file:
        directory = read_directory(file, _MAX_RECORDS)
    if directory is None:
        raise CheckpointError(
            "This file is cut off or damaged: its end, which lists its records, is missing",
            value=f"{path.name}, {path.stat().st_size:,} bytes",
            remedy=_AGAIN,
            code="files.truncated",
            why="torch says of this: failed finding central directory",
        )
    if directory.more:
        raise CheckpointError(
            f"This file holds more than {_MAX_RECORDS:,} records, more than any model",
            value=path.name,
            remedy="Save only the weights: `torch.save(model.state_dict(), path)`.",
            code="files.too-large",
        )


def checksums_are_right(path: Path, records: Iterable[Source]) -> bool:
    """Whether any of the small ``records`` has the checksum written beside it.

    ``torch.serialization.set_crc32_options(False)`` writes wrong ones everywhere: then none says anything.
    """
    return any(record.sound() for record in records if isinstance(record, FileRange) and record.size < 4_096)
