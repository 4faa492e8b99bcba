"""Tensors: from typed numbers, tables and numpy's files to instances of the shape that a model reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from embedviz.errors import InstancesError
from embedviz.modalities.brought import Brought
from embedviz.modalities.decoding import decode
from embedviz.modalities.fitting import Array, gather, split
from embedviz.modalities.instances import named, value_of
from embedviz.modalities.names import LABEL_NAMES
from embedviz.modalities.nested import instances_in, loads
from embedviz.modalities.npy import MAGIC, read_npy, read_npz
from embedviz.modalities.number_lines import is_number_line, read_number_lines
from embedviz.modalities.number_table import number_columns, tensors_from_table
from embedviz.modalities.table import read_table
from embedviz.modalities.values import MOST_INSTANCES, to_items
from embedviz.records import Instances, Reads

__all__ = ["Brought", "number_columns", "tensors_from_file", "tensors_from_table", "tensors_from_text"]

#: Ten megabytes of typed text are millions of numbers.
_MOST_CHARACTERS = 10_000_000
#: A picture of 80 × 80 in three colours, a row.
_MOST_COLUMNS = 20_000
_TABLES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet")
#: How an array begins, as JSON or as a notebook prints it.
_ARRAYS = ("[", "array(", "tensor(", "np.array(", "torch.tensor(")
#: What the arrays of an .npz are called, the most telling first.
_INPUTS = ("x", "data", "inputs", "input", "features", "images", "tensors", "x_test", "x_train", "arr_0")
_LABELS = ("y", *LABEL_NAMES, "targets", "classes", "y_test", "y_train", "arr_1")


def tensors_from_text(text: str, reads: Reads, name: str = "typed numbers") -> Brought:
    """Instances typed or pasted: JSON (one instance, a list of them, or one a line), an array as a notebook prints
    it, or one line of numbers an instance with a label after them if there is one."""
    if len(text) > _MOST_CHARACTERS:
        raise InstancesError(
            f"This text is longer than {_MOST_CHARACTERS:,} letters",
            value=f"{len(text):,}",
            remedy="Save the numbers with numpy.save and open that file.",
        )
    text = text.strip().removeprefix("\ufeff").lstrip()
    if _is_json_objects(text):
        return _from_objects(text, reads, name)
    if text.startswith(_ARRAYS):
        arrays, notes = instances_in(loads(text), reads)
        return _brought(arrays, reads, name, notes=notes)
    lines = read_number_lines(text)
    arrays, notes = gather(lines.rows, reads, "Line")
    labels = lines.labels if len(arrays) == len(lines.rows) else ()
    return _brought(arrays, reads, name, labels, (*lines.notes, *notes), lines.blank)


def _is_json_objects(text: str) -> bool:
    return text[:1] == "{" or (text[:1] == "[" and text[1:].lstrip()[:1] == "{")


def _from_objects(text: str, reads: Reads, name: str) -> Brought:
    """{"x": […], "label": "a"}, several of them, or one that only wraps the array: {"inputs": [[…]]}."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None  # one object a line, or broken: the reader of tables says which
    inner = next(iter(whole.values())) if isinstance(whole, dict) and len(whole) == 1 else None
    if isinstance(inner, list) and inner and not isinstance(inner[0], dict):
        arrays, notes = instances_in(inner, reads)
        return _brought(arrays, reads, name, notes=notes)
    table = read_table(text.encode("utf-8", "replace"), "typed.json")
    made = tensors_from_table(table.frame, reads, name=name)
    return Brought(made.instances, (*table.notes, *made.notes))


def tensors_from_file(
    data: bytes,
    name: str,
    reads: Reads,
    *,
    columns: Sequence[str] | None = None,
    label: str | None = None,
    part: str = "",
) -> Brought:
    """Instances in an uploaded file: .npy, .npz, CSV, TSV, JSON, JSON lines, Parquet or lines of numbers, recognised
    by its bytes. ``columns`` and ``label`` choose in a table; ``part`` names the array of an .npz."""
    if data.startswith(MAGIC):
        arrays, notes = split(read_npy(data, name), reads)
        return _brought(arrays, reads, name, notes=notes)
    if data.startswith(b"PK\x03\x04"):
        return _from_npz(data, name, reads, part)
    if not data.startswith(b"PAR1") and not columns and _is_array(data, name):
        text, notes = decode(data, name)
        made = tensors_from_text(text, reads, name)
        return Brought(made.instances, (*notes, *made.notes))
    table = read_table(data, name, rows=MOST_INSTANCES, columns=_MOST_COLUMNS)
    made = tensors_from_table(table.frame, reads, columns=columns, label=label, name=name)
    return Brought(made.instances, (*table.notes, *made.notes))


def _is_array(data: bytes, name: str) -> bool:
    """Whether a file of text holds an array, or lines of numbers with spaces between them, rather than a table."""
    head = data[:100_000].decode("utf-8", "replace").removeprefix("\ufeff").lstrip()
    if head[:1] == "[" and head[1:].lstrip()[:1] not in ("{", '"'):
        return True
    first = head.partition("\n")[0]
    return PurePath(name).suffix.lower() not in _TABLES and is_number_line(first)


def _from_npz(data: bytes, name: str, reads: Reads, part: str) -> Brought:
    packed = read_npz(data, name)
    if not packed:
        raise InstancesError(
            "This zip holds no numpy arrays", value=name, remedy="Bring an .npz file: numpy.savez(file, X=…, y=…)."
        )
    chosen = part or _input_array(list(packed), name)
    if chosen not in packed:
        raise InstancesError("There is no such array", value=chosen, remedy=f"There are: {', '.join(packed)[:400]}.")
    arrays, notes = split(read_npy(packed[chosen], chosen), reads)
    labelled = named([key for key in packed if key != chosen], _partners(chosen))
    labels, said = _labels(packed, labelled, len(arrays))
    return _brought(arrays, reads, name, labels, (*notes, *said))


def _input_array(names: list[str], file: str) -> str:
    """The array of instances: the only one that is not of labels, else by its name."""
    inputs = [name for name in names if len(names) == 1 or not _is_label(name)]
    known = [name for name in _INPUTS if name in {key.casefold() for key in inputs}]
    if len(inputs) == 1:
        return inputs[0]
    # x_train beside x_test is a choice; X beside X_mean is none.
    if not known or set(known[:2]) == {"x_test", "x_train"}:
        raise InstancesError(
            "Which of these arrays holds the instances cannot be told",
            value=", ".join(names)[:400],
            remedy=f"Call it X, and the labels y; or say which it is, if {file} may stay as it is.",
            choices=tuple(inputs),
            code="instances.which-array",
        )
    return next(name for name in inputs if name.casefold() == known[0])


def _is_label(name: str) -> bool:
    return name.casefold() in _LABELS


def _partners(chosen: str) -> tuple[str, ...]:
    """Names of the labels of an array: those of x_test are y_test."""
    _, mark, rest = chosen.casefold().partition("_")
    own = (f"y_{rest}", f"label_{rest}", f"labels_{rest}") if mark and rest != "0" else ()
    return (*own, *(name for name in _LABELS if name not in ("y_test", "y_train")))


def _labels(packed: dict[str, bytes], name: str | None, count: int) -> tuple[tuple[object, ...], tuple[str, ...]]:
    if name is None:
        return (), ()
    array = read_npy(packed[name], name)
    if array.size != count or max(array.shape, default=1) != count:
        size = " × ".join(f"{axis:,}" for axis in array.shape) or "one value"
        return (), (f"The array {name} ({size}) does not hold one label an instance and was left out.",)
    return tuple(value_of(value) for value in array.ravel().tolist()), ()


def _brought(
    arrays: Sequence[Array],
    reads: Reads,
    name: str,
    labels: Sequence[Any] = (),
    notes: tuple[str, ...] = (),
    dropped: int = 0,
) -> Brought:
    if len(arrays) > MOST_INSTANCES:
        notes = (*notes, f"Only the first {MOST_INSTANCES:,} of {len(arrays):,} instances were read.")
    items = to_items(arrays[:MOST_INSTANCES], reads.dtype)
    labelled = any(label is not None for label in labels)
    instances = Instances(
        items=items,
        ids=tuple(str(number) for number in range(1, len(items) + 1)),
        columns={"label": tuple(labels[: len(items)])} if labelled else {},
        label="label" if labelled else None,
        name=name,
        dropped=dropped,
        modality="tensors",
    )
    return Brought(instances, notes)
