"""A pickle's values, read by an interpreter of its own that can neither import nor call anything.

Python's unpickler looks a name up and calls it; this one has no such step. A name becomes a ``Global``, a call becomes
a ``Stub`` that remembers what it was handed, and a few harmless types (``inert.CONSTRUCTORS``) become plain values.
The C unpickler with stubs in place of classes would not do: it hashes whatever tuple a file uses as a key, which takes
for ever for ``t = (t, t)`` forty levels deep, and it cannot be stopped.
"""

from __future__ import annotations

import gc
import struct
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from mmap import mmap
from typing import Any

from embedviz.checkpoints.torch_save.instructions import INSTRUCTIONS
from embedviz.checkpoints.torch_save.stubs import Global, Stub
from embedviz.errors import CheckpointError

__all__ = ["Global", "Pickle", "Stub", "read_pickle"]

#: What a file may ask of us. Real checkpoints stay far below: some 25 instructions a tensor, 3 a word of a vocabulary.
MAX_INSTRUCTIONS = 2_000_000
MAX_SIZE = 128 * 2**20
MAX_GLOBALS = 20_000
_MAX_LINE = 10_000
#: Keys whose hashes a file can choose, so that a dict of them would take quadratic time.
_MAX_ODD_KEYS = 5_000

Data = bytes | mmap
Persistent = Callable[[Any], Any]
Spend = Callable[[int], None]
Constructor = Callable[[tuple[Any, ...], Spend], Any]


@dataclass(frozen=True)
class Pickle:
    """``end`` is where the pickle ends in its data; ``globals`` are the names in it, sorted."""

    root: Any
    globals: tuple[str, ...]
    end: int


def read_pickle(
    data: Data,
    start: int = 0,
    *,
    constructors: Mapping[str, Constructor],
    persistent: Persistent | None = None,
    name: str = "",
    instructions: int = MAX_INSTRUCTIONS,
    size: int = MAX_SIZE,
) -> Pickle:
    """Read the pickle that starts at ``start`` and may have up to ``size`` bytes and that many ``instructions``.

    ``persistent`` makes values of persistent ids (torch's storages). ``name`` is the file's, for what is said of it.
    Raises CheckpointError ("files.truncated", "files.corrupt", "files.too-large") and no other exception.
    """
    reader = Reader(data, start, min(len(data), start + size), constructors, persistent, name)
    # Searching for cycles among millions of new objects takes longer than making them.
    collecting = gc.isenabled()
    gc.disable()
    try:
        root = reader.run(instructions)
    finally:
        if collecting:
            gc.enable()
    return Pickle(root, tuple(sorted(reader.globals)), reader.at)


class Reader:
    """The state of one reading; ``instructions`` work on it."""

    def __init__(
        self,
        data: Data,
        start: int,
        end: int,
        constructors: Mapping[str, Constructor],
        persistent: Persistent | None,
        name: str,
    ) -> None:
        self.data, self.at, self.length = data, start, end
        self.constructors, self.persistent, self.name = constructors, persistent, name
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.globals: dict[str, Global] = {}
        self.odd_keys = 0
        # What constructors may copy in all: each byte of the pickle once, so that no value is multiplied.
        self.allowance = self.length - start + 2**16

    def run(self, instructions: int) -> Any:
        data = self.data
        try:
            for _ in range(instructions):
                if self.at >= self.length:
                    raise self.truncated()
                code = data[self.at]
                self.at += 1
                if code == 0x2E:  # STOP
                    return self.stack.pop()
                INSTRUCTIONS[code](self)
        except (LookupError, ValueError, TypeError, AttributeError, OverflowError, struct.error) as error:
            raise self.corrupt(f"nothing sensible at byte {self.at:,}") from error
        except MemoryError as error:
            raise self.too_large("it does not fit into memory") from error
        raise self.too_large(f"more than {instructions:,} instructions")

    # What can be wrong.

    def truncated(self) -> CheckpointError:
        if self.length < len(self.data):
            return self.too_large(f"more than {MAX_SIZE / 2**20:,.0f} MiB")
        return CheckpointError(
            f"This file is cut off: it ends after {self.length:,} bytes, in the middle of its table of contents",
            value=self.name,
            remedy="Download or copy it again, and compare the size with the original's.",
            code="files.truncated",
        )

    def corrupt(self, why: str) -> CheckpointError:
        return CheckpointError(
            f"The table of contents of this file is damaged ({why})",
            value=self.name,
            remedy="Download or copy it again.",
            code="files.corrupt",
        )

    def too_large(self, why: str) -> CheckpointError:
        return CheckpointError(
            f"The table of contents of this file is larger than that of any model ({why})",
            value=self.name,
            remedy="Save only the weights: `torch.save(model.state_dict(), path)`.",
            code="files.too-large",
        )

    # What instructions are made of.

    def take(self, count: int) -> bytes:
        start, end = self.at, self.at + count
        if count < 0:
            raise self.corrupt("a negative length")
        if end > self.length:
            raise self.truncated()
        self.at = end
        return self.data[start:end]

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")

    def line(self) -> bytes:
        end = self.data.find(b"\n", self.at, self.at + _MAX_LINE)
        if end < 0:
            raise self.truncated() if self.at + _MAX_LINE >= self.length else self.corrupt("an overlong line")
        line = self.data[self.at : end]
        self.at = end + 1
        return line

    def pop_mark(self) -> list[Any]:
        mark = self.marks.pop()
        if mark > len(self.stack):
            raise self.corrupt("more was taken than there is")
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def spend(self, count: int) -> None:
        """Called by constructors before they copy ``count`` bytes or elements."""
        self.allowance -= count
        if self.allowance < 0:
            raise self.too_large("it copies the same values over and over")

    def key(self, key: Any) -> Any:
        """``key`` as a dict may have it, or something unequal to every other key where hashing could take for ever."""
        kind = type(key)
        if kind is str or (kind is int and -(2**60) < key < 2**60) or kind in _IDENTITIES:
            return key
        if kind is tuple and len(key) <= 16 and all(type(part) is str for part in key):
            return key
        self.odd_keys += 1
        if self.odd_keys > _MAX_ODD_KEYS:
            raise self.too_large("too many keys that are not text")
        simple = kind in _SCALARS or (kind is tuple and len(key) <= 16 and all(type(part) in _SCALARS for part in key))
        return key if simple else Stub(Global("builtins", "tuple"), (key,))

    def look_up(self, module: str, name: str) -> None:
        if (module, name) in NAME_MAPPING:
            module, name = NAME_MAPPING[(module, name)]
        module = IMPORT_MAPPING.get(module, module)
        path = f"{module}.{name}"
        if path not in self.globals:
            if len(self.globals) >= MAX_GLOBALS or len(path) > _MAX_LINE:
                raise self.too_large(f"more than {MAX_GLOBALS:,} names of classes")
            self.globals[path] = Global(module, name)
        self.stack.append(self.globals[path])

    def call(self, function: Any, args: Any, kwargs: Any = None) -> Any:
        args = args if type(args) is tuple else (args,)
        constructor = self.constructors.get(function.path) if type(function) is Global else None
        if constructor is not None and not kwargs:
            made = constructor(args, self.spend)
            if made is not NotImplemented:
                return made
        return Stub(function, args, kwargs if type(kwargs) is dict else None)

    def extend(self, target: Any, items: list[Any]) -> None:
        if type(target) is list:
            target.extend(items)
        elif type(target) is set:
            target.update([self.key(item) for item in items])
        elif type(target) is Stub:
            target.elements = target.elements or []
            target.elements.extend(items)
        else:
            raise self.corrupt("elements for something that holds none")

    def update(self, target: Any, items: list[Any]) -> None:
        if type(target) is Stub:
            target.pairs = target.pairs if target.pairs is not None else {}
            target = target.pairs
        if type(target) is not dict or len(items) % 2:
            raise self.corrupt("entries for something that has none")
        key = self.key
        for index in range(0, len(items), 2):
            target[key(items[index])] = items[index + 1]


_SCALARS = (int, float, bool, bytes, str, complex, type(None))
#: Types that are compared by identity (whatever else the constructors make is compared like that too).
_IDENTITIES = (Global, Stub, bool, type(None))
