"""Tensors that are described by a file and not read yet, and torch's functions that stand for them in a pickle."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from embedviz.checkpoints.torch_save.pickles import Constructor, Spend
from embedviz.checkpoints.torch_save.stubs import Global, Stub
from embedviz.checkpoints.torch_save.zip_records import Bytes, MemoryBytes, Source
from embedviz.errors import CheckpointError

if TYPE_CHECKING:
    import torch

#: Bytes an element.
DTYPES = {
    **dict.fromkeys(("float64", "int64", "uint64", "complex64"), 8),
    **dict.fromkeys(("float32", "int32", "uint32", "complex32"), 4),
    **dict.fromkeys(("float16", "bfloat16", "int16", "uint16"), 2),
    **dict.fromkeys(("uint8", "int8", "bool"), 1),
    **dict.fromkeys(("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"), 1),
    "complex128": 16,
}
_STORAGES = {
    **{"DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16"},
    **{"LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8"},
    **{"ByteStorage": "uint8", "BoolStorage": "bool", "UntypedStorage": "uint8"},
    **{"ComplexDoubleStorage": "complex128", "ComplexFloatStorage": "complex64"},
}
_QUANTISED = {"QInt8Storage": 1, "QUInt8Storage": 1, "QInt32Storage": 4, "QUInt4x2Storage": 1, "QUInt2x4Storage": 1}
_MAX_DIMENSIONS = 64
#: A tensor that repeats its elements (``expand``) may be larger than what is stored, up to this many bytes.
_EXPANDED = 16 * 2**20


@dataclass(eq=False, slots=True)
class Storage:
    """Where elements lie. ``elements`` is what the pickle declares, ``source`` what is there (None: nothing is).

    ``start`` is in bytes. ``dtype`` is "" for quantised elements, of ``itemsize`` bytes all the same.
    """

    dtype: str
    itemsize: int
    key: str
    elements: int
    source: Source | None = None
    start: int = 0
    swapped: bool = False
    parent: Storage | None = None

    @property
    def size(self) -> int:
        """Bytes that are really there."""
        if self.parent is not None:
            return max(0, min(self.parent.size - self.start, self.elements * self.itemsize))
        return 0 if self.source is None else self.source.size

    def read(self, start: int, count: int) -> Bytes:
        if self.parent is not None:
            return self.parent.read(self.start + start, count)
        if self.source is None:
            raise ValueError("no data")
        return self.source.read(start, count)

    @property
    def big_endian(self) -> bool:
        return self.parent.big_endian if self.parent is not None else self.swapped


@dataclass(eq=False, slots=True)
class TensorRef:
    """A tensor in a file: ``shape``, ``stride`` and ``offset`` in elements. ``read`` brings it into memory.

    ``problem`` says why it cannot be read ("" where it can).
    """

    shape: tuple[int, ...]
    dtype: str
    stride: tuple[int, ...] = ()
    offset: int = 0
    storage: Storage | None = None
    parameter: bool = False
    conjugate: bool = False
    negative: bool = False
    refused: str = ""
    _known: str | None = field(default=None, repr=False)

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self.elements * DTYPES.get(self.dtype, 1)

    @property
    def extent(self) -> int:
        """Elements of the storage from the tensor's first to its last, both included."""
        steps = zip(self.shape, self.stride, strict=True)
        return 1 + sum((size - 1) * stride for size, stride in steps) if self.elements else 0

    @property
    def problem(self) -> str:
        if self._known is None:
            self._known = self.refused or self._find_problem()
        return self._known

    def _find_problem(self) -> str:
        numbers = (*self.shape, *self.stride, self.offset)
        if self.storage is None:
            return "it has no data"
        if len(self.shape) > _MAX_DIMENSIONS or len(self.shape) != len(self.stride):
            return "its shape and its strides do not fit together"
        if any(type(number) is not int or not 0 <= number < 2**62 for number in numbers):
            return "its shape is impossible"
        if self.dtype not in DTYPES:
            return f"its number type {self.dtype[:40]} is not one of a plain tensor"
        there, needed = self.storage.size, (self.offset + self.extent) * DTYPES[self.dtype]
        if self.elements and needed > there:
            return f"it needs {needed:,} bytes and the file holds {there:,} for it"
        if self.size > max(there, _EXPANDED):
            return f"it would take {self.size:,} bytes and the file holds {there:,} for it"
        return ""

    def read(self) -> torch.Tensor:
        """The tensor, contiguous, on the CPU, in memory of its own. CheckpointError where that fails."""
        import torch

        if self.problem or self.storage is None:
            raise CheckpointError(
                f"A tensor of this file cannot be used: {self.problem}",
                value=f"shape {self.shape}, {self.dtype}",
                remedy="Save the weights again as plain tensors: `torch.save(model.state_dict(), path)`.",
                code="weights.bad-tensor",
            )
        dtype, size = getattr(torch, self.dtype), DTYPES[self.dtype]
        if not self.elements:
            return torch.empty(self.shape, dtype=dtype)
        raw = self.storage.read(self.offset * size, self.extent * size)
        if self.storage.big_endian:
            unit = size // 2 if self.dtype.startswith("complex") else size
            raw.view(f"u{unit}").byteswap(inplace=True)
        tensor = torch.from_numpy(raw).view(dtype).as_strided(self.shape, self.stride)
        tensor = tensor.conj().resolve_conj() if self.conjugate else tensor
        return -tensor.contiguous() if self.negative else tensor.contiguous()


def storage_of(kind: Any, key: Any, elements: Any) -> Storage:
    """An empty storage of a persistent id: ``kind`` is the name ``torch.FloatStorage`` and its like."""
    name = kind.name if isinstance(kind, Global) and kind.module.startswith("torch") else ""
    if type(elements) is not int or not 0 <= elements < 2**60:
        raise ValueError("not a storage")
    if name in _QUANTISED:
        return Storage("", _QUANTISED[name], str(key), elements)
    dtype = _STORAGES[name]
    return Storage(dtype, DTYPES[dtype], str(key), elements)


def _sizes(value: Any) -> tuple[int, ...]:
    return value if type(value) is tuple and all(type(size) is int for size in value) else ()


def _tensor(args: tuple[Any, ...], spend: Spend) -> Any:
    """``_rebuild_tensor(storage, offset, size, stride)`` and v2, which adds requires_grad, hooks, metadata."""
    if len(args) < 4 or not isinstance(args[0], Storage) or type(args[1]) is not int:
        return NotImplemented
    storage, offset, shape, stride = args[:4]
    return _with_metadata(
        TensorRef(
            _sizes(shape),
            storage.dtype,
            _sizes(stride),
            offset,
            storage,
            refused="" if storage.dtype else "it is quantised",
        ),
        args[6] if len(args) > 6 else None,
    )


def _tensor_v3(args: tuple[Any, ...], spend: Spend) -> Any:
    """v2 with a number type of its own, since the storage has none."""
    made = _tensor(args[:6], spend)
    if made is NotImplemented or len(args) < 7 or not isinstance(args[6], Global) or args[6].module != "torch":
        return NotImplemented
    made.dtype = args[6].name
    return _with_metadata(made, args[7] if len(args) > 7 else None)


def _with_metadata(made: TensorRef, metadata: Any) -> TensorRef:
    if isinstance(metadata, dict):
        made.conjugate, made.negative = bool(metadata.get("conj")), bool(metadata.get("neg"))
    return made


def _parameter(args: tuple[Any, ...], spend: Spend) -> Any:
    """``_rebuild_parameter(data, requires_grad, hooks)``: the tensor itself, known to be a parameter."""
    if not args or not isinstance(args[0], TensorRef):
        return NotImplemented
    data = args[0]
    made = TensorRef(data.shape, data.dtype, data.stride, data.offset, data.storage, True, refused=data.refused)
    made.conjugate, made.negative = data.conjugate, data.negative
    return made


def _of_type(args: tuple[Any, ...], spend: Spend) -> Any:
    """``_rebuild_from_type_v2(function, type, args, state)``: plain with attributes of its own, or a subclass."""
    if len(args) < 3 or not isinstance(args[0], Global) or not isinstance(args[1], Global):
        return NotImplemented
    constructor = REBUILD.get(args[0].path)
    made = constructor(args[2], spend) if constructor and type(args[2]) is tuple else NotImplemented
    if isinstance(made, TensorRef) and args[1].path not in _PLAIN_TYPES:
        made.refused = (
            made.refused or f"it is a tensor of the class {args[1].path[:80]}, which only that class can read"
        )
    return made


def _refuse(reason: str, shape_at: int | None = None) -> Constructor:
    def made(args: tuple[Any, ...], spend: Spend) -> Any:
        parts = args[1] if reason == "it is sparse" and len(args) > 1 and type(args[1]) is tuple else args
        shape = next((_sizes(part) for part in reversed(parts) if _sizes(part)), ()) if shape_at is None else ()
        if shape_at is not None and len(args) > shape_at:
            shape = _sizes(args[shape_at])
        return TensorRef(shape, "unknown", refused=reason)

    return made


_PLAIN_TYPES = ("torch.Tensor", "torch._tensor.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer")
_MAKERS: dict[str, Constructor] = {
    "_rebuild_tensor": _tensor,
    "_rebuild_tensor_v2": _tensor,
    "_rebuild_tensor_v3": _tensor_v3,
    "_rebuild_parameter": _parameter,
    "_rebuild_parameter_with_state": _parameter,
    "_rebuild_sparse_tensor": _refuse("it is sparse"),
    "_rebuild_sparse_csr_tensor": _refuse("it is sparse"),
    "_rebuild_nested_tensor": _refuse("it is a nested tensor"),
    "_rebuild_qtensor": _refuse("it is quantised", 2),
    "_rebuild_meta_tensor_no_storage": _refuse("it was saved from the meta device, which holds no numbers", 1),
    "_rebuild_wrapper_subclass": _refuse("it is a tensor of a class of its own, which only that class can read", 2),
}
REBUILD: dict[str, Constructor] = {
    **{f"torch._utils.{name}": maker for name, maker in _MAKERS.items()},
    "torch._tensor._rebuild_from_type_v2": _of_type,
    "torch.nn.parameter.Parameter": _parameter,
    "torch.Tensor": _parameter,
}


def array_of(value: Any) -> TensorRef | None:
    """A numpy array within a pickle as a tensor; None where ``value`` is none or holds objects."""
    parts = _array_parts(value) if isinstance(value, Stub) else None
    if parts is None:
        return None
    shape, kind, fortran, data = parts
    dtype, swapped = _NUMPY.get(kind.lstrip("<>|=")), kind.startswith(">")
    if dtype is None or type(data) is not bytes or len(_sizes(shape)) != len(shape):
        return None
    item = DTYPES[dtype]
    storage = Storage(dtype, item, "", len(data) // item, MemoryBytes(data), swapped=swapped)
    steps = np.cumprod([1, *(shape if fortran else shape[::-1])], dtype=object)[: len(shape)]
    stride = tuple(int(step) for step in (steps if fortran else steps[::-1]))
    return TensorRef(shape, dtype, stride, 0, storage)


_NUMPY = {
    **{"f2": "float16", "f4": "float32", "f8": "float64", "c8": "complex64", "c16": "complex128", "b1": "bool"},
    **{f"i{size}": f"int{8 * size}" for size in (1, 2, 4, 8)},
    **{f"u{size}": f"uint{8 * size}" for size in (1, 2, 4, 8)},
}


def _array_parts(stub: Stub) -> tuple[tuple[int, ...], str, bool, Any] | None:
    """(shape, type code, Fortran order, bytes) as numpy's pickles give them (numpy/_core/src/multiarray/methods.c)."""
    state = stub.state
    if stub.name == "_reconstruct" and type(state) is tuple and len(state) == 5 and type(state[1]) is tuple:
        return state[1], _type_code(state[2]), bool(state[3]), state[4]
    if stub.name == "_frombuffer" and len(stub.args) == 4 and type(stub.args[2]) is tuple:
        return stub.args[2], _type_code(stub.args[1]), stub.args[3] == "F", stub.args[0]
    if stub.name == "scalar" and "multiarray" in stub.module and len(stub.args) == 2:
        return (), _type_code(stub.args[0]), False, stub.args[1]
    return None


def _type_code(stub: Any) -> str:
    """``numpy.dtype("f4")`` with its byte order: "<f4"."""
    if not isinstance(stub, Stub) or stub.path != "numpy.dtype" or not stub.args or type(stub.args[0]) is not str:
        return ""
    order = stub.state[1] if type(stub.state) is tuple and len(stub.state) > 1 else "<"
    return f"{order}{stub.args[0].lstrip('<>|=')}"
