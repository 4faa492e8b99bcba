"""Bytes to text: encodings recognised by content, and files that are no text refused by name."""

from __future__ import annotations

import codecs
import re

from embedviz.errors import InstancesError

#: How other kinds of files begin, and what to tell the person who brought one.
BINARY_FILES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"ARROW1", "an Arrow file"),
    (b"\x7fELF", "a program"),
    (b"RIFF", "a sound or film"),
    (b"OggS", "a sound"),
    (b"ID3", "a sound"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
)
#: UTF-32 before UTF-16, whose mark its own begins with.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
#: A text may have a stray control character; among so many it is none.
_MOST_CONTROLS = 0.01


def refuse_binary(data: bytes, name: str) -> None:
    """Say what a file is that is plainly no table of text."""
    for start, kind in BINARY_FILES:
        if data.startswith(start):
            office = kind == "a ZIP archive" and any(
                part in data[:4096] for part in (b"xl/", b"word/", b"[Content_Types]")
            )
            raise InstancesError(
                f"This file is {'an Excel or Word document' if office else kind}, not a table of text",
                value=name or None,
                remedy="Save it as CSV and open that, or paste the texts."
                if office
                else "Bring a CSV, TSV, JSONL, Parquet or TXT file, or paste the texts.",
            )


def decode(data: bytes, name: str = "") -> tuple[str, tuple[str, ...]]:
    """The text in ``data``, and what had to be assumed to read it."""
    refuse_binary(data, name)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _marked(data, encoding)
    wide = _wide(data)
    if wide:
        text = data.decode(wide, "replace")
        notes: tuple[str, ...] = (f"Read as {wide.upper()}, which the file does not say.",)
    else:
        text, notes = _narrow(data)
    if len(_CONTROLS.findall(text)) > _MOST_CONTROLS * len(text):
        raise InstancesError(
            "This file is not text",
            value=name or None,
            remedy="Bring a CSV, TSV, JSONL, Parquet or TXT file, or paste the texts.",
        )
    return text, notes


def _marked(data: bytes, encoding: str) -> tuple[str, tuple[str, ...]]:
    try:
        return data.decode(encoding), ()
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
        return text, (_replaced(text.count("\ufffd"), encoding.removesuffix("-sig")),)


def _wide(data: bytes) -> str | None:
    """UTF-16 without its mark shows as a zero in every other byte."""
    sample = data[:4096]
    if len(sample) < 4 or b"\x00" not in sample:
        return None
    half = len(sample) // 2
    even, odd = sample[0::2].count(0) / half, sample[1::2].count(0) / half
    if odd > 0.4 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.1 else None


def _narrow(data: bytes) -> tuple[str, tuple[str, ...]]:
    """UTF-8, or where that fails the old Western encoding, or UTF-8 with a few damaged places."""
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError:
        pass
    repaired = data.decode("utf-8", "replace")
    damaged = repaired.count("\ufffd")
    # Accented letters of another encoding hardly ever form whole UTF-8 sequences by chance.
    if sum(mark > "\x7f" for mark in repaired) - damaged > damaged:
        return repaired, (_replaced(damaged, "utf-8"),)
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text, ("The file is not UTF-8; it was read as Windows-1252 (Western). Check that accents are right.",)


def _replaced(count: int, encoding: str) -> str:
    return f"{count:,} damaged place{'s' if count != 1 else ''} in the {encoding.upper()} text read as “\ufffd”."
