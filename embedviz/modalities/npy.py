"""numpy's files, read without numpy.load: sizes are checked before anything is allocated, and nothing is unpickled.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
import zlib
from typing import Any

import numpy as np

from embedviz.checkpoints.places.zip_directory import read_directory
from embedviz.errors import InstancesError, first_line
from embedviz.modalities.fitting import Array

MAGIC = b"\x93NUMPY"
#: What may come out of an .npz, and how many arrays it may have.
MOST_BYTES, _MOST_ARRAYS = 512 * 2**20, 1_000
_LONGEST_HEADER, _MOST_AXES = 10_000, 32
_TYPE = re.compile(r"""['"]descr['"]\s*:\s*['"]([<>|=]?[a-zA-Z?]\d{0,9})['"]""")
_ORDER = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(((?:\s*\d{1,19}L?\s*,?)*)\s*\)""")
_AGAIN = "Save it again: numpy.save(file, array)."
#: What zipfile raises for bytes that make no sense.
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, IndexError, OverflowError,
    NotImplementedError, RuntimeError,
)  # fmt: skip


def read_npy(data: bytes, name: str = "") -> Array:
    """The array in an .npy file: numbers, or texts. InstancesError for anything else, and for a damaged file."""
    kind, fortran, shape, start = _header(data, name)
    needed = math.prod(shape) * kind.itemsize
    if needed != len(data) - start:
        raise InstancesError(
            "This .npy file is cut short" if needed > len(data) - start else "This .npy file is longer than its array",
            value=f"{name or 'array'}: {len(data) - start:,} bytes in place of {needed:,}",
            remedy=_AGAIN,
        )
    return np.frombuffer(data, dtype=kind, offset=start).reshape(shape, order="F" if fortran else "C")


def _header(data: bytes, name: str) -> tuple[np.dtype[Any], bool, tuple[int, ...], int]:
    """The dtype, whether the first axis runs fastest, the shape, and where the numbers start."""
    wide = data[6:7] != b"\x01"
    begin = 12 if wide else 10
    if not data.startswith(MAGIC) or len(data) < begin:
        raise InstancesError("This is not an .npy file", value=name or None, remedy=_AGAIN)
    (length,) = struct.unpack_from("<I" if wide else "<H", data, 8)
    text = data[begin : begin + min(length, _LONGEST_HEADER)].decode("latin-1")
    kind, order, shape = _TYPE.search(text), _ORDER.search(text), _SHAPE.search(text)
    if kind is None or order is None or shape is None or length > _LONGEST_HEADER:
        raise InstancesError(
            "This .npy file holds something else than one plain array",
            value=name or None,
            remedy="Save the numbers alone, not records of several fields: numpy.save(file, array).",
        )
    sizes = tuple(int(size) for size in re.findall(r"\d+", shape[1]))
    return _dtype(kind[1], name), order[1] == "True", _bounded(sizes, name), begin + length


def _dtype(text: str, name: str) -> np.dtype[Any]:
    if text[-1:] == "O" or text.lstrip("<>|=")[:1] == "O":
        raise InstancesError(
            "This .npy file holds Python objects, which would have to be unpickled",
            value=name or None,
            remedy="Save numbers only: numpy.save(file, array.astype('float32')). If the instances differ in length, "
            "give them as JSON.",
            code="instances.pickle",
            why="Unpickling can run whatever program the file's sender put into it.",
        )
    try:
        kind = np.dtype(text)
    except (TypeError, ValueError) as error:
        raise InstancesError("This type of number is not known", value=text, remedy=_AGAIN) from error
    if kind.kind not in "biufSU" or not kind.itemsize:
        raise InstancesError("This .npy file holds no real numbers", value=str(kind), remedy="Save it as float32.")
    return kind


def _bounded(sizes: tuple[int, ...], name: str) -> tuple[int, ...]:
    if len(sizes) > _MOST_AXES or math.prod(sizes) > MOST_BYTES:
        raise InstancesError(
            "This .npy file claims to be far too large",
            value=f"{name or 'array'}: {' × '.join(f'{size:,}' for size in sizes[:6])}",
            remedy="Bring fewer instances: a map of some thousand shows as much.",
        )
    return sizes


def read_npz(data: bytes, name: str = "") -> dict[str, bytes]:
    """The .npy files in an .npz by the names of their arrays, unpacked but not read. Bounded before it is unpacked."""
    directory = read_directory(io.BytesIO(data), _MOST_ARRAYS + 1)
    if directory is None:
        raise InstancesError("This .npz file is damaged", value=name or None, remedy="Save it again: numpy.savez.")
    if directory.more or len(directory.names) > _MOST_ARRAYS:
        raise InstancesError(
            f"This .npz file has more than {_MOST_ARRAYS:,} arrays",
            value=name or None,
            remedy="Put the instances into one array: numpy.stack.",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            entries = [entry for entry in opened.infolist() if entry.filename.endswith(".npy")]
            _check(entries, name)
            return {entry.filename.removesuffix(".npy"): _unpacked(opened, entry) for entry in entries}
    except _UNREADABLE as error:
        raise InstancesError(
            f"This .npz file is damaged ({first_line(error)})", value=name or None, remedy="Save it again: numpy.savez."
        ) from error


def _check(entries: list[zipfile.ZipInfo], name: str) -> None:
    total = sum(entry.file_size for entry in entries)
    if total > MOST_BYTES:
        raise InstancesError(
            f"More than {MOST_BYTES // 2**20:,} MiB would come out of this .npz file",
            value=f"{name or 'file'}: {total / 2**20:,.0f} MiB",
            remedy="Bring fewer instances: a map of some thousand shows as much.",
        )
    for entry in entries:
        # The other methods are rare, and zipfile lets them fill the memory.
        if entry.flag_bits & 0x1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InstancesError(
                "This .npz file is encrypted, or compressed in a way that numpy does not",
                value=entry.filename,
                remedy="Save it again: numpy.savez.",
            )


def _unpacked(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    # The size in the directory may lie, so no more than that is asked for.
    with opened.open(entry) as file:
        return file.read(entry.file_size)
