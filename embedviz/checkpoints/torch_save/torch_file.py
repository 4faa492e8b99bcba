"""Files that ``torch.save`` or ``torch.jit.save`` wrote, read without torch.load: structure now, weights when asked.

Three containers: a zip with ``data.pkl`` (since torch 1.6), the legacy file (five pickles, then each storage's length
and bytes: torch/serialization.py, ``_legacy_load``), and a plain pickle with legacy files within it.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedviz.checkpoints.torch_save.inert import CONSTRUCTORS, danger
from embedviz.checkpoints.torch_save.pickles import (
    MAX_INSTRUCTIONS,
    MAX_SIZE,
    Constructor,
    Data,
    Pickle,
    Spend,
    read_pickle,
)
from embedviz.checkpoints.torch_save.tensor_refs import REBUILD, Storage, storage_of
from embedviz.checkpoints.torch_save.zip_records import (
    FileRange,
    MemoryBytes,
    Source,
    checksums_are_right,
    corrupt,
    read_records,
    truncated,
)
from embedviz.errors import CheckpointError

_MAGIC = 0x1950A86A20F9469CFC6C
_ALL: dict[str, Constructor] = {**CONSTRUCTORS, **REBUILD}
#: Pickles of other libraries, by what their files always name near the start.
_OTHERS = {
    b"joblib.numpy_pickle": "a joblib file (most often of scikit-learn)",
    b"sklearn.": "a scikit-learn model",
    b"xgboost.": "an XGBoost model",
    b"lightgbm.": "a LightGBM model",
    b"pandas.core": "a pandas table",
}
_PLAIN_SIZE = 512 * 2**20
_MAX_EMBEDDED = 5_000
_TAR_PARTS = (b"sys_info", b"pickle", b"tensors", b"storages")


@dataclass(frozen=True)
class TorchFile:
    """``root`` is what was saved: plain Python values, TensorRefs, and Stubs in place of every other object.

    ``container`` is "zip", "legacy", "torchscript" or "pickle"; ``globals`` are the names of classes and functions in
    the file; ``size`` is in bytes; ``notes`` are remarks for a person.
    """

    path: Path
    container: str
    root: Any
    globals: tuple[str, ...]
    size: int
    notes: tuple[str, ...] = ()


def read_torch_file(path: Path) -> TorchFile:
    """What the file holds. No code of it runs and no weights are read. Raises CheckpointError and nothing else."""
    try:
        file = _read(path)
    except OSError as error:
        raise CheckpointError(
            f"This file cannot be read ({error.strerror or error})",
            value=path.name,
            remedy="Check its permissions.",
            code="files.unreadable",
        ) from error
    dangerous = {name: danger(name) for name in file.globals if danger(name)}
    if dangerous:
        raise CheckpointError(
            f"This file {next(iter(dangerous.values()))} of its sender's choice when it is loaded the usual way; "
            "nothing of it was run",
            value=f"{path.name} calls " + ", ".join(name[:100] for name in list(dangerous)[:5]),
            remedy="Delete it, and do not open it with torch.load or pickle. Ask for the weights as safetensors.",
            code="files.hostile",
            why="No model needs these functions, and whoever loads the file would call them.",
        )
    return file


def _read(path: Path) -> TorchFile:
    size = path.stat().st_size
    if not size:
        raise CheckpointError(
            "This file is empty", value=path.name, remedy="Download or copy it again.", code="files.empty"
        )
    with path.open("rb") as file:
        head = file.read(512)
        if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            return _read_zip(path, size)
        if head[257:262] == b"ustar":
            raise _tar(path, head)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if _starts_legacy(data):
                return _read_legacy(path, data, size)
            if head[:1] == b"\x80" or (head[:1] in b"(c]}" and b"\n" in head):
                return _read_plain(path, data, size)
    raise _not_torch(path, f"it starts with {head[:8]!r}")


def _not_torch(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"This file was not written by torch.save: {why}",
        value=path.name,
        remedy="Give the file or folder that the model was saved to, with PyTorch or transformers.",
        code="files.not-torch",
    )


def _tar(path: Path, head: bytes) -> CheckpointError:
    if head[:100].rstrip(b"\0") not in _TAR_PARTS:
        return _not_torch(path, "it is a tar archive")
    return CheckpointError(
        "This file has the tar format that PyTorch used before 0.1.10, which embedviz does not read",
        value=path.name,
        remedy="Load it once with an old PyTorch where you trust it, and save its state_dict() again.",
        code="files.old-tar",
    )


# The zip container.


def _read_zip(path: Path, size: int) -> TorchFile:
    records = read_records(path)
    tops = sorted({name.removesuffix("data.pkl") for name in records if name.split("/")[1:] == ["data.pkl"]})
    if not tops and "data.pkl" in records:
        tops = [""]
    if len(tops) != 1:
        what = f"it is a zip with {len(tops)} parts named data.pkl" if tops else "it is a zip without a data.pkl"
        raise _not_torch(path, f"{what} ({', '.join(name[:40] for name in list(records)[:4])})")
    top, notes = tops[0], []
    if not checksums_are_right(path, records.values()):
        notes.append("This file was saved without checksums, so damage to its numbers cannot be noticed.")
        for record in records.values():
            if isinstance(record, FileRange):
                record.crc = None
    if records[f"{top}data.pkl"].size > MAX_SIZE:
        raise CheckpointError(
            f"The table of contents of this file has {records[f'{top}data.pkl'].size / 2**20:,.0f} MiB",
            value=path.name,
            remedy="Save only the weights, as tensors: `torch.save(model.state_dict(), path)`.",
            code="files.too-large",
        )
    swapped = _content(records, f"{top}byteorder") == b"big"
    storages: dict[tuple[str, str], Storage] = {}

    def persistent(parts: Any) -> Storage:
        if type(parts) is not tuple or len(parts) != 5 or parts[0] != "storage":
            raise corrupt(path, f"{top}data.pkl", "it points at data of an unknown kind")
        storage = storage_of(parts[1], parts[2], parts[4])
        record = f"{top}data/{storage.key}"
        if record not in records:
            raise corrupt(path, record, "a record that its table of contents names is missing")
        storage.source, storage.swapped = records[record], swapped
        return storages.setdefault((storage.key, storage.dtype), storage)

    read = read_pickle(_content(records, f"{top}data.pkl"), constructors=_ALL, persistent=persistent, name=path.name)
    script = f"{top}constants.pkl" in records
    return TorchFile(path, "torchscript" if script else "zip", read.root, read.globals, size, tuple(notes))


def _content(records: dict[str, Source], name: str) -> bytes:
    record = records.get(name)
    return record.read(0, record.size).tobytes() if record is not None and record.size else b""


# The legacy container.


def _starts_legacy(data: Data) -> bool:
    try:
        return bool(read_pickle(data, constructors={}, instructions=10, size=100).root == _MAGIC)
    except CheckpointError:
        return False


def _read_legacy(path: Path, data: Data, size: int) -> TorchFile:
    legacy = _Legacy(path.name, data, _ALL, MAX_INSTRUCTIONS)
    read, end = legacy.read(lambda start, count: FileRange(path, start, count), path)
    notes = []
    if end < size:
        notes.append(
            f"{size - end:,} bytes follow what was saved first (several were saved into one file); only that is read."
        )
    return TorchFile(path, "legacy", read.root, read.globals, size, tuple(notes))


class _Legacy:
    """A legacy file: magic number, protocol, system, the object, the list of storages, and then those."""

    def __init__(self, name: str, data: Data, constructors: dict[str, Constructor], instructions: int) -> None:
        self.name, self.data, self.constructors, self.instructions = name, data, constructors, instructions
        self.storages: dict[Any, Storage] = {}
        self.views: dict[Any, Storage] = {}

    def read(self, source: Callable[[int, int], Source], path: Path) -> tuple[Pickle, int]:
        """The object and where the file ends. ``source(start, size)`` stands for bytes of it."""
        end, little = 0, True
        for part in range(3):
            small = read_pickle(self.data, end, constructors=CONSTRUCTORS, name=self.name, instructions=200)
            end = small.end
            if part == 2 and isinstance(small.root, dict):
                little = small.root.get("little_endian", True) is not False
        read = read_pickle(
            self.data,
            end,
            constructors=self.constructors,
            persistent=self.persistent,
            name=self.name,
            instructions=self.instructions,
        )
        keys = read_pickle(
            self.data, read.end, constructors=CONSTRUCTORS, name=self.name, instructions=self.instructions
        )
        if type(keys.root) is not list:
            raise corrupt(path, "list of storages", "it is no list")
        return read, self.place(keys.root, keys.end, source, path, little)

    def persistent(self, parts: Any) -> Any:
        kind = parts[0] if type(parts) is tuple and parts else ""
        if kind in ("module", b"module") and len(parts) > 1:
            return parts[1]
        if kind not in ("storage", b"storage") or len(parts) != 6 or type(parts[2]) not in (str, bytes, int):
            raise ValueError("an unknown kind of data")
        storage = self.storages.setdefault(parts[2], storage_of(parts[1], parts[2], parts[4]))
        if parts[5] is None:
            return storage
        key, offset, elements = parts[5]
        view = storage_of(parts[1], key, elements)
        if type(offset) is not int or not 0 <= offset < 2**60 or type(key) not in (str, bytes, int):
            raise ValueError("an impossible part of a storage")
        view.parent, view.start = storage, offset * view.itemsize
        return self.views.setdefault(key, view)

    def place(self, keys: list[Any], at: int, source: Callable[[int, int], Source], path: Path, little: bool) -> int:
        """Say where each storage lies, from ``at`` on; the end of the last."""
        order = "<q" if little else ">q"
        needed = at + sum(
            8 + self.storages[key].elements * self.storages[key].itemsize for key in self._known(keys, path)
        )
        if needed > len(self.data):
            raise truncated(path, needed, len(self.data))
        for key in keys:
            storage = self.storages[key]
            if struct.unpack_from(order, self.data, at)[0] != storage.elements:
                raise corrupt(path, f"storage {key!s:.40}", "a storage has two different lengths")
            storage.source = source(at + 8, storage.elements * storage.itemsize)
            storage.swapped = not little
            at += 8 + storage.source.size
        return at

    def _known(self, keys: list[Any], path: Path) -> list[Any]:
        if any(type(key) not in (str, bytes, int) or key not in self.storages for key in keys):
            raise corrupt(path, "list of storages", "it names one that nothing uses")
        return keys


# Plain pickles.


def _read_plain(path: Path, data: mmap.mmap, size: int) -> TorchFile:
    start = data[: 2**16]
    other = next((what for mark, what in _OTHERS.items() if mark in start), "")
    left = [_MAX_EMBEDDED]

    def embedded(args: tuple[Any, ...], spend: Spend) -> Any:
        """``torch.storage._load_from_bytes(bytes)``: how pickle itself saves a tensor's storage."""
        left[0] -= 1
        if len(args) != 1 or type(args[0]) is not bytes or left[0] < 0 or not _starts_legacy(args[0]):
            return NotImplemented
        spend(len(args[0]))
        within = args[0]
        legacy = _Legacy(path.name, within, _ALL, 300)
        return legacy.read(lambda at, count: MemoryBytes(within[at : at + count]), path)[0].root

    constructors = {**_ALL, "torch.storage._load_from_bytes": embedded}
    try:
        read = read_pickle(data, constructors=constructors, name=path.name, size=_PLAIN_SIZE)
    except CheckpointError as error:
        if other and error.code in ("files.corrupt", "files.truncated"):
            raise _not_torch(path, f"it is {other}") from error
        raise
    if other and not any(danger(name) for name in read.globals):
        raise _not_torch(path, f"it is {other}")
    return TorchFile(path, "pickle", read.root, read.globals, size, ("This is a plain pickle, not torch.save's.",))
