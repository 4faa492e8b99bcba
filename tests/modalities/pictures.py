"""Pictures made on the spot, for the tests."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image

from embedviz.records import ImageItem


def saved(picture: Image.Image, kind: str = "PNG", **settings: object) -> bytes:
    written = io.BytesIO()
    picture.save(written, kind, **settings)
    return written.getvalue()


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def item(picture: Image.Image, kind: str = "PNG", **settings: object) -> ImageItem:
    return ImageItem(saved(picture, kind, **settings), f"picture.{kind.lower()}")


def packed(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", compression) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return written.getvalue()


def png_of(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A grey PNG that claims a size, whatever it holds."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def webp_of(width: int, height: int) -> bytes:
    """The beginning of a WebP that claims a size."""
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body)) + body
