"""What a model is given: items of each modality, and instances with their ids and columns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class TensorItem:
    """An instance that is an array of numbers: its values as little-endian bytes, its dtype and its shape."""

    data: bytes = field(repr=False)
    dtype: str
    shape: tuple[int, ...]

    @classmethod
    def of(cls, values: npt.ArrayLike) -> TensorItem:
        array = np.asarray(values)
        return cls(array.tobytes(), str(array.dtype), array.shape)

    @property
    def array(self) -> npt.NDArray[Any]:
        return np.frombuffer(self.data, dtype=self.dtype).reshape(self.shape)

    @property
    def content(self) -> bytes:
        return f"{self.dtype}{self.shape}".encode() + self.data

    def __str__(self) -> str:
        """A few of the numbers: "5.1, 3.5, 1.4, 0.2"."""
        some = ", ".join(f"{value:.4g}" for value in self.array.ravel()[:6].tolist())
        size = " × ".join(map(str, self.shape))
        return some if self.array.size <= 6 else f"{some}, … ({size})"


@dataclass(frozen=True)
class ImageItem:
    """An instance that is a picture: the file's bytes (PNG, JPEG, WebP) and its name."""

    data: bytes = field(repr=False)
    name: str

    @property
    def content(self) -> bytes:
        return self.data

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Reads:
    """What a model is given as one instance.

    ``modality``: "text", "tensors", "images", or another word for what embedviz cannot give ("videos"). ``shape`` is
    one instance's, as the model takes it, None for an axis of any size: (3, 224, 224). ``dtype``: "float32" or
    "int64". ``batch_axis``: where the model wants the instances. Pictures are brought to 0..1, less ``mean``, by
    ``std`` (one value a channel). ``why`` says how it was found out.
    """

    modality: str = "text"
    shape: tuple[int | None, ...] = ()
    dtype: str = "float32"
    batch_axis: int = 0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    why: str = ""

    @property
    def text(self) -> str:
        """In words: "a float tensor of 1 × 28 × 28"."""
        if self.modality not in ("tensors", "images"):
            return self.modality
        size = " × ".join("any" if axis is None else str(axis) for axis in self.shape)
        if self.modality == "images":
            return f"pictures, brought to {size}"
        kind = "float" if self.dtype.startswith("float") else "whole-number"
        return f"a {kind} tensor of {size}" if self.shape else f"one {kind} number"


@dataclass(frozen=True)
class Instances:
    """Test inputs with an id each and any number of further columns, one of which may be the label.

    An item is a text, a pair of texts or a tuple of token ids (``modality`` "text"), a TensorItem or an ImageItem.
    """

    items: tuple[Any, ...]
    ids: tuple[str, ...]
    columns: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    label: str | None = None
    name: str = ""
    dropped: int = 0
    modality: str = "text"

    def __len__(self) -> int:
        return len(self.items)

    @property
    def item_name(self) -> str:
        """What a column of the items is called: "text", "numbers", or "name" of a picture."""
        return {"tensors": "numbers", "images": "name"}.get(self.modality, "text")

    @property
    def labels(self) -> tuple[Any, ...] | None:
        return self.columns[self.label] if self.label else None

    def only(self, rows: Sequence[int]) -> Instances:
        """Those at the given places, in that order."""
        columns = {name: tuple(values[row] for row in rows) for name, values in self.columns.items()}
        items, ids = (tuple(held[row] for row in rows) for held in (self.items, self.ids))
        return replace(self, items=items, ids=ids, columns=columns)

    @cached_property
    def duplicates(self) -> tuple[bool, ...]:
        """True where the same item stands at an earlier place."""
        seen: set[Any] = set()
        marks = []
        for item in self.items:
            marks.append(item in seen)
            seen.add(item)
        return tuple(marks)

    @cached_property
    def fingerprint(self) -> str:
        """Content hash of what the model is given: the modality and the items in their order."""
        digest = hashlib.sha256(self.modality.encode())
        for item in self.items:
            data = item.content if hasattr(item, "content") else str(item).encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
        return digest.hexdigest()
