"""Tensors in a script: from a file of numpy's, from the columns of a CSV file, or written out."""

from __future__ import annotations

import inspect
import zipfile
from typing import Any

import numpy as np

from embedviz.errors import EmbedvizError
from embedviz.export.script.draft import MOST_LETTERS, Part, short
from embedviz.export.script.given import Asked, Given, ids_of, keywords, too_much
from embedviz.export.script.pieces import tables as pieces
from embedviz.modalities.feed import input_name
from embedviz.modalities.items import arrays_of
from embedviz.modalities.number_table import number_columns
from embedviz.modalities.table import read_table

#: Numbers a batch, and instances.
_BUDGET, _MOST = 2_000_000, 64


def arrays(asked: Asked) -> Given:
    """Arrays of numbers, all of one shape in batches, else one by one."""
    reads = asked.checkpoint.inputs
    items = arrays_of(asked.instances.items, reads)
    alike = len({array.shape for array in items}) == 1
    size = max(1, min(_MOST, _BUDGET // max(1, items[0].size))) if alike else 1
    turned = f".movedim(0, {reads.batch_axis}).contiguous()" if reads.batch_axis else ""

    def batch(rows: str) -> list[str]:
        return [
            f"batch = torch.from_numpy(np.stack({rows})){turned}{of_its_type(asked)}",
            f"model({named_input(asked)}batch{keywords(asked.checkpoint)})",
        ]

    part = _read(asked, items) or _written(items, alike=alike)
    return Given("ARRAYS", size, batch, ids_of(asked.instances, "ARRAYS"), key="item.tobytes()", part=part)


def named_input(asked: Asked) -> str:
    """The name of the argument that takes the batch, with its sign; "" where it is given by place."""
    name = input_name(asked.checkpoint)
    return f"{name}=" if name else ""


def of_its_type(asked: Asked) -> str:
    """Numbers with a point are given in the model's own number type."""
    import torch

    kinds = [each.dtype for each in asked.checkpoint.model.parameters() if each.is_floating_point()]
    other = kinds and kinds[0] != torch.float32 and asked.checkpoint.inputs.dtype.startswith("float")
    return f".to({kinds[0]})" if other else ""


def _read(asked: Asked, items: list[np.ndarray]) -> Part | None:
    """The lines that read the arrays from their file; None where no short way gives the same."""
    source = asked.places.source
    file = source.instances
    if file is None or not file.is_file():
        return None
    wanted = np.stack(items) if len({array.shape for array in items}) == 1 else None
    if wanted is None:
        return None
    shape = ", ".join(map(str, wanted.shape[1:]))
    made = f".reshape(-1{f', {shape}' if shape else ''}).astype(np.{wanted.dtype})"
    where = (f"INSTANCES = {source.literal(file)}",)
    for told, array in _candidates(file):
        if array.size == wanted.size and np.array_equal(array.reshape(wanted.shape).astype(wanted.dtype), wanted):
            return Part(where, body=(f"ARRAYS = np.load(INSTANCES){told}{made}",), files=(file,))
    columns = _columns(asked)
    if columns is None or not np.array_equal(columns[1].reshape(wanted.shape).astype(wanted.dtype), wanted):
        return None
    names, _ = columns
    lines = (
        f"COLUMNS = {names!r}",
        f"ARRAYS = np.array([[float(row[name]) for name in COLUMNS] for row in read_csv(INSTANCES, ',')]){made}",
    )
    return Part(where, (inspect.getsource(pieces.read_csv),), ("\n".join(lines),), (file,))


def _candidates(file: Any) -> list[tuple[str, np.ndarray]]:
    """The arrays in a file of numpy's, each with the key that picks it."""
    try:
        if zipfile.is_zipfile(file):
            with np.load(file, allow_pickle=False) as packed:
                return [(f"[{name!r}]", packed[name]) for name in packed.files if packed[name].dtype.kind in "biuf"]
        array = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError, KeyError):
        return []
    return [("", array)] if array.dtype.kind in "biuf" else []


def _columns(asked: Asked) -> tuple[list[str], np.ndarray] | None:
    """The columns of a CSV file that make up the vectors, and their numbers as plain Python reads them."""
    file = asked.places.source.instances
    assert file is not None
    try:
        frame = read_table(file.read_bytes(), file.name, columns=20_000).frame
        names = number_columns(frame, asked.checkpoint.inputs)
        rows = pieces.read_csv(file, ",")
        numbers = np.array([[float(row[name]) for name in names] for row in rows])
    except (EmbedvizError, ValueError, KeyError, TypeError, OSError):
        return None
    return (names, numbers) if numbers.size == sum(item.array.size for item in asked.instances.items) else None


def _written(items: list[np.ndarray], *, alike: bool) -> Part:
    """The numbers themselves, each with as few digits as tell it from others."""
    kind = items[0].dtype
    rows = [_plain(array) for array in items]
    text = "".join(f"    {row!r},\n" for row in rows)
    if len(text) > MOST_LETTERS:
        raise too_much("numbers")
    if alike:
        return Part((f"ARRAYS = np.array([\n{text}], np.{kind})",))
    return Part((f"ARRAYS = [np.array(row, np.{kind}) for row in [\n{text}]]",))


def _plain(array: np.ndarray) -> Any:
    if array.ndim:
        return [_plain(each) for each in array]
    return short(array[()]) if array.dtype.kind == "f" else int(array)
