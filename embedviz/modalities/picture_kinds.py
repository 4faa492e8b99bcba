"""What a file is, told by how it begins."""

from __future__ import annotations

from embedviz.modalities.decoding import BINARY_FILES

#: Pillow's names of the kinds that are opened. TIFF and others have too many ways of hiding something.
KINDS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
#: Sizes of the header of a BMP, which starts with two letters that many texts start with.
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"II*\x00", "a TIFF picture: save it as PNG"),
    (b"MM\x00*", "a TIFF picture: save it as PNG"),
    (b"8BPS", "a Photoshop file: save it as PNG"),
    (b"<svg", "an SVG drawing: save it as PNG"),
)
_BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC", b"avif": "AVIF"}


def picture_kind(data: bytes) -> str:
    """One of KINDS, or "" for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    header = int.from_bytes(data[14:18], "little")
    return "BMP" if data.startswith(b"BM") and data[6:10] == b"\x00" * 4 and header in _BMP_HEADERS else ""


def is_picture(data: bytes) -> bool:
    return bool(picture_kind(data))


def is_zip(data: bytes) -> bool:
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def other_kind(data: bytes) -> str:
    """What a file is that is no picture to be opened: "a PDF document"."""
    if not data:
        return "empty"
    if data[4:8] == b"ftyp" and data[8:12] in _BRANDS:
        return f"a {_BRANDS[data[8:12]]} photo: save it as JPEG"
    known = (kind for start, kind in (*_OTHERS, *BINARY_FILES) if data.lstrip(b"\xef\xbb\xbf \r\n").startswith(start))
    kind = next(known, "no picture")
    return "a zip within a zip" if kind == "a ZIP archive" else kind
