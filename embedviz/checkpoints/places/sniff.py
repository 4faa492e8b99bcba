"""What a file is, told from its bytes: a bounded part of its beginning and, for a zip, the names in its directory."""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from embedviz.checkpoints.places import protobuf, tar_stream
from embedviz.checkpoints.places.zip_directory import read_directory

HEAD = 8192
#: Names of a zip that are looked at; what tells one kind from another stands among the first.
_MAX_NAMES = 20_000

#: embedviz may open it · a trained model in a format that it does not open · holds other files · nothing of the kind
MODEL, FOREIGN, ARCHIVE, OTHER = "model", "foreign", "archive", "other"


@dataclass(frozen=True)
class Kind:
    """``name`` is stable, ``title`` completes "This is …", ``role`` is MODEL, FOREIGN, ARCHIVE or OTHER."""

    name: str
    title: str
    role: str


KINDS: dict[str, Kind] = {
    name: Kind(name, title, role)
    for name, title, role in (
        ("safetensors", "safetensors weights", MODEL),
        ("torch", "a file that torch.save wrote", MODEL),
        ("torch-legacy", "a file that torch.save wrote before PyTorch 1.6", MODEL),
        ("torchscript", "a TorchScript program", MODEL),
        ("exported-program", "a program that torch.export wrote", MODEL),
        ("keras", "a Keras model", MODEL),
        ("gguf", "a GGUF model", MODEL),
        ("zip", "a zip archive", ARCHIVE),
        ("tar", "a tar archive", ARCHIVE),
        ("gzip", "a gzip-compressed file", ARCHIVE),
        ("bzip2", "a bzip2-compressed file", ARCHIVE),
        ("xz", "an xz-compressed file", ARCHIVE),
        ("torch-tar", "a file that torch.save wrote before PyTorch 0.1.10", FOREIGN),
        ("torch-package", "a torch.package archive", FOREIGN),
        ("executorch", "an ExecuTorch program", FOREIGN),
        ("distcp", "a shard of a distributed PyTorch checkpoint", FOREIGN),
        ("distcp-metadata", "the metadata of a distributed PyTorch checkpoint", FOREIGN),
        ("ggml-old", "a GGML model from before GGUF", FOREIGN),
        ("hdf5", "an HDF5 file, as Keras and TensorFlow write their weights", FOREIGN),
        ("onnx", "an ONNX graph", FOREIGN),
        ("tensorflow", "a TensorFlow graph", FOREIGN),
        ("tflite", "a TensorFlow Lite model", FOREIGN),
        ("coreml", "a Core ML model", FOREIGN),
        ("msgpack", "a msgpack file, as Flax writes its weights", FOREIGN),
        ("sklearn", "a scikit-learn or joblib pickle", FOREIGN),
        ("pickle", "a Python pickle", FOREIGN),
        ("numpy", "a NumPy array", FOREIGN),
        ("npz", "a zip of NumPy arrays", FOREIGN),
        ("zstd", "a zstd-compressed file", OTHER),
        ("7z", "a 7-Zip archive", OTHER),
        ("rar", "a RAR archive", OTHER),
        ("lz4", "an lz4-compressed file", OTHER),
        ("zlib", "a zlib-compressed file", OTHER),
        ("lfs-pointer", "a Git LFS pointer, not the file itself", OTHER),
        ("xet-pointer", "a Git Xet pointer, not the file itself", OTHER),
        ("sentencepiece", "a SentencePiece vocabulary", OTHER),
        ("html", "a web page", OTHER),
        ("xml", "an XML document", OTHER),
        ("json", "a JSON file", OTHER),
        ("python", "Python source code", OTHER),
        ("table", "a table in text form", OTHER),
        ("text", "a text file", OTHER),
        ("parquet", "a Parquet table", OTHER),
        ("arrow", "an Arrow table", OTHER),
        ("sqlite", "an SQLite database", OTHER),
        ("image", "a picture", OTHER),
        ("media", "a sound or film", OTHER),
        ("pdf", "a PDF document", OTHER),
        ("office", "an office document", OTHER),
        ("program", "a program for a computer", OTHER),
        ("empty", "an empty file", OTHER),
        ("zeros", "a file of zeros", OTHER),
        ("folder", "a folder", OTHER),
        ("special", "a device, pipe or socket", OTHER),
        ("unreadable", "a file that cannot be read", OTHER),
        ("unknown", "nothing that embedviz knows", OTHER),
    )
}

#: The first bytes that alone decide.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"GGUF", "gguf"),
    (b"lmgg", "ggml-old"),
    (b"fmgg", "ggml-old"),
    (b"tjgg", "ggml-old"),
    (b"algg", "ggml-old"),
    (b"\x93NUMPY", "numpy"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"version https://git-lfs", "lfs-pointer"),
    (b"# xet version", "xet-pointer"),
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"FEA1", "arrow"),
    (b"SQLite format 3\0", "sqlite"),
    (b"%PDF", "pdf"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"\xca\xfe\xba\xbe", "program"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"ID3", "media"),
    (b"fLaC", "media"),
    (b"OggS", "media"),
)
#: Bytes that decide further in: (where, which, kind).
_MAGIC_AT = ((4, b"TFL3", "tflite"), (4, b"ET12", "executorch"), (4, b"ftyp", "media"))
_HDF5 = b"\x89HDF\r\n\x1a\n"
_TORCH_LEGACY = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
_TORCH_TAR = {b"sys_info", b"pickle", b"storages", b"tensors"}


def kind_of(file: Path) -> Kind:
    """What ``file`` is. Its name plays no part, at most some megabytes are read, and no content makes it raise."""
    try:
        mode = file.stat().st_mode
        if stat.S_ISDIR(mode):
            return KINDS["folder"]
        if not stat.S_ISREG(mode):
            return KINDS["special"]
        # Without waiting: the file may have become a pipe since.
        with open(
            os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb"
        ) as opened:
            return _kind(opened)
    except (OSError, ValueError):
        return KINDS["unreadable"]


def _kind(opened: BinaryIO) -> Kind:
    head = opened.read(HEAD)
    size = opened.seek(0, 2)
    for looks in _LOOKS:
        if name := looks(head, size):
            return KINDS[name] if name != "zip" else KINDS[_zip(opened, head)]
    # A zip may have something else in front of it, as those that unpack themselves do.
    if read_directory(opened, 1) is not None:
        return KINDS[_zip(opened, head)]
    return replace(KINDS["unknown"], title=f"nothing that embedviz knows; its first bytes are {first_bytes(head)}")


def first_bytes(head: bytes) -> str:
    """ "80 4b 03 (.K.)": the first 16 bytes as numbers and, where they have any, as letters."""
    shown = head[:16]
    return f"{shown.hex(' ')} ({''.join(chr(byte) if 32 <= byte < 127 else '.' for byte in shown)})"


def _magic(head: bytes, size: int) -> str:
    if not head:
        return "empty"
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    for at, magic, name in _MAGIC_AT:
        if head.startswith(magic, at):
            return name
    if head[:4] == b"RIFF":
        return "image" if head[8:12] == b"WEBP" else "media"
    if head[:2] == b"BM" and int.from_bytes(head[2:6], "little") == size:
        return "image"
    if any(head.startswith(_HDF5, at) for at in (0, 512, 1024, 2048, 4096)):
        return "hdf5"
    return "zip" if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) else ""


def _safetensors(head: bytes, size: int) -> str:
    """Eight bytes of length, then a JSON object (https://github.com/huggingface/safetensors, "Format")."""
    counted = any(not 32 <= byte < 127 for byte in head[:8])  # else it is a text with a brace in the ninth place
    return "safetensors" if counted and re.match(rb'\{[ "}]', head[8:10]) else ""


def _tar(head: bytes, size: int) -> str:
    if tar_stream.is_header(head[: tar_stream.BLOCK]):
        return "torch-tar" if head[:100].split(b"\0")[0].strip(b"./") in _TORCH_TAR else "tar"
    return ""


def _pickle(head: bytes, size: int) -> str:
    if _TORCH_LEGACY in head[:32]:
        return "torch-legacy"
    binary = re.match(rb"\x80[\2-\5].", head, re.DOTALL)
    if not binary and not re.match(rb"\(?[dl]p?\d*\n|\(?c[\w.]+\n[\w.]+\n|\(i[\w.]+\n[\w.]+\n", head):
        return ""
    if b"torch.distributed.checkpoint.metadata" in head:
        return "distcp-metadata"
    return "sklearn" if re.search(rb"\b(sklearn|joblib|xgboost|lightgbm)\.", head) else "pickle"


def _msgpack(head: bytes, size: int) -> str:
    """A map whose first key is a text (https://github.com/msgpack/msgpack/blob/master/spec.md)."""
    key = rb"([\xa1-\xbf]|\xd9.)[ -~]"
    return "msgpack" if re.match(rb"([\x81-\x8f]|\xde..|\xdf....)" + key, head, re.DOTALL) else ""


def _text(head: bytes, size: int) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) and len(head) % 2 == 0:
        return "text"
    if not head.strip(b"\0"):
        return "zeros"
    if re.search(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]", head):
        return ""
    try:
        # The last character may be cut in two.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=len(head) >= size)
    except UnicodeDecodeError:
        return ""
    return _text_kind(text.lstrip())


def _text_kind(text: str) -> str:
    if text.startswith("<"):
        return "xml" if text[:5].lower() in ("<?xml", "<svg ") else "html"
    if re.match(r'\{\s*("|\}|$)|\[\s*([\[{"\d\]-]|true|false|null)', text):
        return "json"
    if "```" not in text and re.search(
        r"^(import \w|from [\w.]+ import |def \w+\(|class \w+[(:]|#!.*python)", text, re.MULTILINE
    ):
        return "python"
    lines = text.splitlines()[:5]
    if len(lines) > 2 and any(
        len({line.count(mark) for line in lines[:-1]} - {0}) == 1 and mark in lines[0] for mark in ",;\t"
    ):
        return "table"
    return "text"


def _zlib(head: bytes, size: int) -> str:
    return "zlib" if head[:2] in (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda") else ""


#: Asked in this order; the first that gives a name decides.
_LOOKS: tuple[Callable[[bytes, int], str], ...] = (
    _magic,
    _safetensors,
    _tar,
    _pickle,
    _msgpack,
    protobuf.kind,
    _text,
    _zlib,
)


def _zip(opened: BinaryIO, head: bytes) -> str:
    """Which of the many formats that are zips: torch.save's, TorchScript, torch.export's, Keras', NumPy's, none."""
    directory = read_directory(opened, _MAX_NAMES)
    if directory is None:
        # Cut off: the first entry may still tell whose it was.
        length = int.from_bytes(head[26:28], "little")
        first = head[30 : 30 + length]
        return "torch" if re.fullmatch(rb"[^/]+/(data\.pkl|\.format_version|\.data/.*|byteorder)", first) else "zip"
    names = set(directory.names)
    # PyTorch puts everything under a folder with the name of the file.
    inner = {name.partition("/")[2] for name in names}
    if {"archive_format", "archive_version"} <= inner or "serialized_exported_program.json" in names | inner:
        return "exported-program"
    if "data.pkl" in inner and ({"version", ".data/version"} & inner or directory.more):
        if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
            return "torchscript"
        return "distcp" if directory.before and head.startswith(b"PK") else "torch"
    for mark, name in _ZIPS:
        if mark <= names or mark <= inner:
            return name
    if any("com.apple.CoreML/" in name for name in names):
        return "coreml"
    return "npz" if names and all(name.endswith(".npy") for name in names) else "zip"


_ZIPS: tuple[tuple[set[str], str], ...] = (
    ({"metadata.json", "config.json", "model.weights.h5"}, "keras"),
    ({".data/extern_modules"}, "torch-package"),
    ({"[Content_Types].xml"}, "office"),
)
