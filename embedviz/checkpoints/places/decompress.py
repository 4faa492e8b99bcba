"""gzip, bzip2 and xz read in bounded memory, up to a bound of bytes."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from types import TracebackType
from typing import BinaryIO, Protocol

_CHUNK = 2**18
#: An xz file says how much memory its reader must set aside; `xz -9` needs 65 MiB.
_MAX_XZ_MEMORY = 2**28


class TooMuch(Exception):
    """More bytes came out than may."""


class DecompressError(Exception):
    """The bytes are damaged or end too early."""


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Gzip:
    """zlib's decoder with the manners of the other two: it keeps the input that it has not come to."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def needs_input(self) -> bool:
        return not self._decoder.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)


_DECODERS: dict[str, tuple[bytes, Callable[[], _Decoder]]] = {
    "gzip": (b"\x1f\x8b", _Gzip),
    "bzip2": (b"BZh", bz2.BZ2Decompressor),
    "xz": (b"\xfd7zXZ", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_XZ_MEMORY)),
}


class Decompressed:
    """Read ``file`` decompressed. TooMuch once more than ``most`` bytes came out, DecompressError for damage."""

    def __init__(self, file: BinaryIO, kind: str, most: int) -> None:
        self._file, self._left = file, most
        self._magic, self._make = _DECODERS[kind]
        self._decoder = self._make()
        self._ahead = b""

    def __enter__(self) -> Decompressed:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ahead = b""

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes, or all there are, which the next read gives again."""
        self._ahead = self.read(size)
        return self._ahead

    def read(self, size: int, /) -> bytes:
        """``size`` bytes, fewer only at the end."""
        pieces = [self._ahead[:size]]
        self._ahead = self._ahead[size:]
        wanted = size - len(pieces[0])
        while wanted and (piece := self._piece(wanted)):
            pieces.append(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def _piece(self, size: int) -> bytes:
        while True:
            if self._decoder.eof and not self._next_stream():
                return b""
            data = self._file.read(_CHUNK) if self._decoder.needs_input else b""
            if self._decoder.needs_input and not data:
                raise DecompressError("it ends too early")
            try:
                piece = self._decoder.decompress(data, size)
            except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError, MemoryError) as error:
                raise DecompressError(str(error)) from error
            self._left -= len(piece)
            if self._left < 0:
                raise TooMuch
            if piece:
                return piece

    def _next_stream(self) -> bool:
        """Compressed files may be written one after the other; anything else after the end is padding."""
        rest = self._decoder.unused_data or self._file.read(_CHUNK)
        if not rest.startswith(self._magic):
            return False
        self._file.seek(-len(rest), 1)
        self._decoder = self._make()
        return True
