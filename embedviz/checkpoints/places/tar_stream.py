"""A tar read once from front to back in bounded memory and time.

Python's tarfile keeps whole extension headers in memory and takes quadratic time over some of them, both at the will
of whoever made the file. Layout: https://www.gnu.org/software/tar/manual/html_node/Standard.html and POSIX pax.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

BLOCK = 512
_MAX_EXTENSION = 2**16
#: Extension headers in front of one member: a global one, a pax one and two GNU ones, with room to spare.
_MAX_EXTENSIONS = 8
FILE, HARD_LINK, LINK, FOLDER = "file", "hard link", "link", "folder"
_KINDS = {b"0": FILE, b"\0": FILE, b"7": FILE, b"1": HARD_LINK, b"2": LINK, b"5": FOLDER}
_SPECIAL = {b"3": "device", b"4": "device", b"6": "pipe", b"S": "file with holes"}
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = b"L", b"K", b"x", b"g"


class Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class TarError(Exception):
    """The bytes are not those of a whole tar."""


@dataclass(frozen=True)
class Member:
    """``kind`` is "file", "hard link", "link", "folder", or the word for something that has no place in an archive."""

    name: str
    kind: str
    size: int
    target: str


def is_header(block: bytes) -> bool:
    """Does a tar begin with these bytes? The sum over the header has to be the one that it says."""
    if len(block) < BLOCK or not any(block[:100]):
        return False
    try:
        said = _number(block[148:156])
    except TarError:
        return False
    return said == sum(block[:148]) + 8 * ord(" ") + sum(block[156:BLOCK])


def members(stream: Stream) -> Iterator[tuple[Member, Content]]:
    """Each member with its bytes, which are skipped where they are not read before the next one is asked for."""
    said: dict[str, str] = {}
    extensions = 0
    while any(block := _exactly(stream, BLOCK, may_end=True)):
        if not is_header(block):
            raise TarError("a header's sum is wrong")
        kind, size = block[156:157], _number(block[124:136])
        if kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
            extensions += 1
            if size > _MAX_EXTENSION or extensions > _MAX_EXTENSIONS:
                raise TarError("its extension headers are longer than any real one")
            data = _exactly(stream, _padded(size))[:size]
            said.update(_extension(kind, data))
            continue
        if "GNU.sparse" in "".join(said):
            kind = b"S"
        size = _decimal(said["size"]) if "size" in said else size
        name = said.get("path") or _name(block)
        what = _KINDS.get(kind) or _SPECIAL.get(kind, f"member of type {kind!r}")
        if what == FILE and name.endswith("/"):
            what = FOLDER
        size = size if what == FILE else 0
        content = Content(stream, size)
        yield Member(name, what, size, said.get("linkpath") or _text(block[157:257])), content
        content.skip(_padded(size) - size)
        said, extensions = {}, 0


class Content:
    """The bytes of one member, to be read in pieces."""

    def __init__(self, stream: Stream, size: int) -> None:
        self.left, self._stream = size, stream

    def read(self, size: int) -> bytes:
        data = _exactly(self._stream, min(size, self.left))
        self.left -= len(data)
        return data

    def skip(self, padding: int) -> None:
        """Pass over what was not read and the ``padding`` bytes after it."""
        self.left += padding
        while self.left:
            self.read(2**20)


def _exactly(stream: Stream, size: int, *, may_end: bool = False) -> bytes:
    data = stream.read(size)
    while len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            if may_end and not data:
                return b""
            raise TarError("it ends in the middle")
        data += more
    return data


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _number(field: bytes) -> int:
    """An octal number, or one in base 256 where its first bit is set (large files)."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.replace(b"\0", b" ").strip()
    try:
        value = int(digits, 8) if digits else 0
    except ValueError as error:
        raise TarError("a number is none") from error
    if value < 0:
        raise TarError("a number is negative")
    return value


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise TarError("a size is not a number")
    return int(text)


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "replace")


def _name(block: bytes) -> str:
    name = _text(block[:100])
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _extension(kind: bytes, data: bytes) -> dict[str, str]:
    if kind == _LONG_NAME:
        return {"path": _text(data)}
    if kind == _LONG_LINK:
        return {"linkpath": _text(data)}
    # What a global header says of all members (a commit's id, as a rule) changes nothing here.
    return _records(data) if kind == _PAX else {}


def _records(data: bytes) -> dict[str, str]:
    """The "length key=value" lines of a pax header, whose lengths count the whole line."""
    records, position = {}, 0
    while position < len(data) and data[position]:
        space = data.find(b" ", position, position + 20)
        length = _decimal(data[position:space].decode("ascii", "replace")) if space > 0 else 0
        if length < space - position + 2 or position + length > len(data):
            raise TarError("a pax record has the wrong length")
        key, _, value = data[space + 1 : position + length - 1].partition(b"=")
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
        position += length
    return records
