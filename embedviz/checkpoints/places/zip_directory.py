"""The names in a zip, read from its central directory with bounds, however many entries it claims to have.

Python's zipfile keeps the whole directory as objects, which takes minutes for one of ten million entries. Layout:
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, section 4.3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

_END, _END64, _LOCATOR64, _ENTRY = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x01\x02"
_END_SIZE, _ENTRY_SIZE, _LOCATOR64_SIZE, _END64_SIZE = 22, 46, 20, 56
_LONGEST_COMMENT = 2**16 - 1
#: An entry takes 46 bytes, its name and what else it carries; more than this a piece is not a model's.
_BYTES_PER_ENTRY = 512


@dataclass(frozen=True)
class Directory:
    """``names`` in their order, the first so many; ``more`` where there are others. ``before`` is how many bytes stand
    in front of the zip (another file, or the zips before the last of a chain)."""

    names: tuple[str, ...]
    more: bool
    before: int


def read_directory(file: BinaryIO, most: int) -> Directory | None:
    """The first ``most`` names, or None where the end of the zip is missing or makes no sense."""
    size = file.seek(0, 2)
    found = _find(file, size)
    if found is None:
        return None
    start, length, offset = found
    file.seek(start)
    raw = file.read(min(length, most * _BYTES_PER_ENTRY))
    names: list[str] = []
    position = 0
    while len(names) < most and raw[position : position + 4] == _ENTRY and position + _ENTRY_SIZE <= len(raw):
        name, extra, comment = struct.unpack_from("<3H", raw, position + 28)
        begin = position + _ENTRY_SIZE
        names.append(raw[begin : begin + name].decode("utf-8", "replace"))
        position = begin + name + extra + comment
    if length and not names:
        return None
    return Directory(tuple(names), position < length, start - offset)


def _find(file: BinaryIO, size: int) -> tuple[int, int, int] | None:
    """(where the directory starts, its bytes, where the zip says that it starts), as zipfile works them out."""
    tail_size = min(size, _LONGEST_COMMENT + _END_SIZE)
    file.seek(size - tail_size)
    tail = file.read(tail_size)
    at = tail.rfind(_END)
    if at < 0 or at + _END_SIZE > len(tail):
        return None
    length, offset = struct.unpack_from("<2L", tail, at + 12)
    end = size - tail_size + at
    locator = end - _LOCATOR64_SIZE
    if locator >= _END64_SIZE:
        file.seek(locator - _END64_SIZE)
        block = file.read(_END64_SIZE + _LOCATOR64_SIZE)
        if block[_END64_SIZE:].startswith(_LOCATOR64) and block.startswith(_END64):
            length, offset = struct.unpack_from("<2Q", block, 40)
            end = locator - _END64_SIZE
    start = end - length
    return None if start < 0 or offset > start else (start, length, offset)
