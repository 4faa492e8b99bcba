"""Bytes to text: encodings recognised by content, and files that are no text refused by name."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Callable, Iterator

from embedviz.errors import InstancesError

#: Gives the bytes of a file from its beginning, a block at a time.
Blocks = Callable[[], Iterator[bytes]]

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
    encoding, notes = find_encoding(lambda: iter([data]), name)
    return data.decode(encoding, "replace"), notes


def find_encoding(blocks: Blocks, name: str = "") -> tuple[str, tuple[str, ...]]:
    """The encoding of a file that is read a block at a time, once or a few times, and what had to be assumed.

    The first block decides what kind of file it is (it should hold some thousand bytes); every byte decides whether it
    is UTF-8. The text is then what decoding with "replace" gives. InstancesError for a file that is no text.
    """
    head = next(blocks(), b"")
    refuse_binary(head, name)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            damaged = 0 if _decodes(blocks(), encoding) else _damage(blocks(), encoding)[0]
            return encoding, (_replaced(damaged, encoding.removesuffix("-sig")),) if damaged else ()
    encoding = _wide(head) or ""
    notes: tuple[str, ...] = (f"Read as {encoding.upper()}, which the file does not say.",)
    if not encoding:
        encoding, notes = _narrow(blocks)
    text = head.decode(encoding, "replace")
    if len(_CONTROLS.findall(text)) > _MOST_CONTROLS * len(text):
        raise InstancesError(
            "This file is not text",
            value=name or None,
            remedy="Bring a CSV, TSV, JSONL, Parquet or TXT file, or paste the texts.",
        )
    return encoding, notes


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


def _narrow(blocks: Blocks) -> tuple[str, tuple[str, ...]]:
    """UTF-8, or where that fails the old Western encoding, or UTF-8 with a few damaged places."""
    if _decodes(blocks(), "utf-8"):
        return "utf-8", ()
    damaged, foreign = _damage(blocks(), "utf-8")
    # Accented letters of another encoding hardly ever form whole UTF-8 sequences by chance.
    if foreign - damaged > damaged:
        return "utf-8", (_replaced(damaged, "utf-8"),)
    encoding = "cp1252" if _decodes(blocks(), "cp1252") else "latin-1"
    return encoding, ("The file is not UTF-8; it was read as Windows-1252 (Western). Check that accents are right.",)


def _decodes(blocks: Iterator[bytes], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _damage(blocks: Iterator[bytes], encoding: str) -> tuple[int, int]:
    """How many places read as "\ufffd", and how many characters are not ASCII, these among them."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    damaged = foreign = 0
    for block in itertools.chain(blocks, [b""]):
        text = decoder.decode(block, final=not block)
        damaged += text.count("\ufffd")
        foreign += len(text) - len(text.encode("ascii", "ignore"))
    return damaged, foreign


def _replaced(count: int, encoding: str) -> str:
    return f"{count:,} damaged place{'s' if count != 1 else ''} in the {encoding.upper()} text read as “\ufffd”."
