"""Pictures decoded and made small. Call it in a worker: the files are anybody's, and decoders are written in C."""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from embedviz.errors import InstancesError, first_line
from embedviz.modalities.picture_kinds import KINDS, picture_kind
from embedviz.records import ImageItem

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

#: 150 MB in three colours; the pictures of a telephone have some 12 to 50 million pixels.
MOST_PIXELS = 50_000_000
#: Longer than so many times its breadth, a picture grows without bounds when its shorter side is brought to a size.
_MOST_ASPECT = 32
#: What Pillow raises for bytes that make no sense, and for more pixels than it takes for a picture.
_UNREADABLE = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, AttributeError, OverflowError,
    RuntimeError, NotImplementedError, MemoryError, struct.error, zlib.error,
)  # fmt: skip


#: Why a picture is left out, by the code of the error.
_REASONS = {
    "picture.none": "no picture",
    "picture.damaged": "damaged or cut short",
    "picture.too-large": "of too many pixels",
    "picture.too-thin": "too long and thin",
}


def decode(item: ImageItem) -> Image:
    """The picture, upright, as mode "L" where it is grey and "RGB" otherwise; of a moving one the first frame.

    Transparency is left aside, as models are trained. InstancesError names a picture that is damaged, cut short, no
    picture at all, or too large to be decoded.
    """
    return _upright(_opened(item), item)


def check(items: Sequence[ImageItem]) -> list[str]:
    """Why each picture cannot be used, in a few words, "" where it can; each is decoded wholly."""
    return [_reason(item) for item in items]


def _reason(item: ImageItem) -> str:
    try:
        decode(item)
    except InstancesError as error:
        return reason(error)
    return ""


def reason(error: InstancesError) -> str:
    """Why a picture is left out, in a few words, from the error that decoding it raised."""
    return _REASONS[error.code]


def thumbnails(items: Sequence[ImageItem], size: int = 64) -> list[bytes]:
    """Each picture as a PNG file of at most ``size`` × ``size`` pixels; smaller ones keep their size."""
    return [_thumbnail(item, size) for item in items]


def _thumbnail(item: ImageItem, size: int) -> bytes:
    picture = _opened(item)
    picture.draft(None, (size * 2, size * 2))  # a JPEG is decoded small at once, which takes a fraction of the time
    small = _upright(picture, item)
    small.thumbnail((size, size))
    written = io.BytesIO()
    small.save(written, "PNG")
    return written.getvalue()


def _opened(item: ImageItem) -> Image:
    """The picture with its size known and its pixels not yet decoded."""
    from PIL import Image

    kind = picture_kind(item.data)
    if not kind:
        raise _refused(item, "This is no PNG, JPEG, WebP, GIF or BMP picture", "picture.none")
    if kind == "WEBP":  # libwebp makes room for the whole canvas when a file is opened
        _check_size(item, *_canvas(item.data))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(item.data), formats=KINDS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_large(item, first_line(error)) from error
    except _UNREADABLE as error:
        raise _refused(item, f"This picture is damaged ({first_line(error)})", "picture.damaged") from error
    _check_size(item, *picture.size)
    return picture


def _canvas(data: bytes) -> tuple[int, int]:
    """(width, height) that a WebP file says it has; (1, 1) where its reader will say what is wrong with it."""
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    return 1, 1


def _check_size(item: ImageItem, width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise _too_large(item, f"{width:,} × {height:,} pixels")
    if max(width, height) > _MOST_ASPECT * max(1, min(width, height)):
        raise InstancesError(
            f"This picture is more than {_MOST_ASPECT} times as long as it is broad",
            value=f"{item.name}: {width:,} × {height:,} pixels",
            remedy="Cut it into pieces.",
            code="picture.too-thin",
        )


def _too_large(item: ImageItem, size: str) -> InstancesError:
    return InstancesError(
        f"This picture has more than {MOST_PIXELS:,} pixels",
        value=f"{item.name}: {size}",
        remedy="Make it smaller: models read some hundred pixels a side.",
        code="picture.too-large",
    )


def _refused(item: ImageItem, what: str, code: str) -> InstancesError:
    return InstancesError(
        what,
        value=item.name,
        remedy="Save it again as PNG or JPEG, or leave it out.",
        code=code,
    )


def _upright(picture: Image, item: ImageItem) -> Image:
    """Decoded, of mode "L" or "RGB", and turned as its camera says."""
    from PIL import Image

    try:
        picture.load()
        turn = _turn(picture)
        plain = _plain(picture)
        return plain if turn is None else plain.transpose(Image.Transpose(turn))
    except _UNREADABLE as error:
        raise _refused(
            item, f"This picture is damaged or cut short ({first_line(error)})", "picture.damaged"
        ) from error


def _turn(picture: Image) -> int | None:
    """How to turn it upright, as a number of Pillow's; None where it stands, or does not say how in a readable way."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM, 5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270, 7: Transpose.TRANSVERSE, 8: Transpose.ROTATE_90,
    }  # fmt: skip
    try:
        return turns.get(picture.getexif().get(0x0112, 1))
    except _UNREADABLE:
        log.info("a picture's EXIF cannot be read; it is taken as it stands", exc_info=True)
        return None


def _plain(picture: Image) -> Image:
    from PIL import Image

    if picture.mode.startswith(("I", "F")):  # 16 bits of grey, of which Pillow would cut the upper half off
        wide = np.asarray(picture).astype(np.float64)
        return Image.fromarray((wide.clip(0, 65_535) / 257).round().astype(np.uint8))
    return picture.convert("L" if picture.mode in ("1", "L", "LA", "La") else "RGB")
