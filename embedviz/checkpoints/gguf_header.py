"""The header of a GGUF file, checked within bounds before any library reads it.

Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md ("File structure"): counts, values by name, tensors.
"""

from __future__ import annotations

import math
import mmap
import struct
from pathlib import Path

#: Bytes of the value types by their number; 8 is a text, 9 an array.
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_TEXT, _ARRAY = 8, 9
_WHOLE = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 10: "<Q", 11: "<q"}
#: More than any model has: tensors, values, items in all arrays together (a vocabulary takes three or four), numbers.
_MAX_TENSORS, _MAX_VALUES, _MAX_ITEMS, _MAX_NUMBER = 100_000, 10_000, 4_000_000, 20_000_000
_SIZE_WORDS = ("_count", "_length", "_size", "_dim")


def parameters(file: Path) -> int:
    """How many numbers the tensors of ``file`` hold. ValueError, in words, for a header that cannot be one."""
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _Header(data).parameters()


class _Header:
    def __init__(self, data: mmap.mmap) -> None:
        self.data, self.at, self.items = data, 4, 0

    def number(self, layout: str = "<Q") -> int:
        size = struct.calcsize(layout)
        if self.at + size > len(self.data):
            raise ValueError("it ends within its header")
        value: int = struct.unpack_from(layout, self.data, self.at)[0]
        self.at += size
        return value

    def skip(self, size: int) -> int:
        """Where what is skipped begins."""
        start = self.at
        if size > len(self.data) - start:
            raise ValueError("it ends within its header")
        self.at += size
        return start

    def text(self) -> str:
        size = self.number()
        start = self.skip(size)
        return self.data[start : start + min(size, 200)].decode("utf-8", "replace")

    def parameters(self) -> int:
        version, tensors, values = self.number("<I"), self.number(), self.number()
        if version not in (2, 3):
            raise ValueError(f"it is of version {version}, and 2 and 3 are known")
        if tensors > _MAX_TENSORS or values > _MAX_VALUES:
            raise ValueError(f"it claims {tensors:,} tensors and {values:,} settings")
        for _ in range(values):
            self.value(self.text(), self.number("<I"), tensors)
        return sum(self.tensor() for _ in range(tensors))

    def value(self, name: str, kind: int, tensors: int) -> None:
        if kind == _TEXT:
            self.text()
        elif kind == _ARRAY:
            self.array()
        elif kind in _WHOLE:
            number = self.number(_WHOLE[kind])
            most = tensors if name.endswith("block_count") else _MAX_NUMBER
            if name.endswith(_SIZE_WORDS) and not 0 <= number <= most:
                raise ValueError(f"{name[:80]} = {number:,}")
            if name == "general.alignment" and (number < 8 or number % 8 or number > 2**16):
                raise ValueError(f"{name} = {number:,}")
        elif kind in _SIZES:
            self.skip(_SIZES[kind])
        else:
            raise ValueError(f"{name[:80]} is of type {kind:,}, which is none")

    def array(self) -> None:
        kind, count = self.number("<I"), self.number()
        self.items += count
        if self.items > _MAX_ITEMS:
            raise ValueError(f"it holds lists of more than {_MAX_ITEMS:,} items")
        if kind == _TEXT:
            for _ in range(count):
                self.skip(self.number())
        elif kind in _SIZES:
            self.skip(count * _SIZES[kind])
        else:
            raise ValueError(f"it holds a list of type {kind:,}, which is none")

    def tensor(self) -> int:
        name, axes = self.text(), self.number("<I")
        if axes > 8:
            raise ValueError(f"the tensor {name[:80]} has {axes:,} axes")
        count = math.prod([self.number() for _ in range(axes)])
        self.number("<I")
        start = self.number()
        # The smallest kinds take less than two bits a number.
        if start >= len(self.data) or count > 8 * len(self.data):
            raise ValueError(f"the tensor {name[:80]} does not lie in it")
        return count
