"""One part of a long run: some thousand instances with their vectors, as a Parquet file that is whole or is not.

Every page of it carries a checksum, so that a part that was cut short or changed on disk is noticed when it is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from embedviz.errors import ExportError
from embedviz.modalities.instances import as_text
from embedviz.modalities.names import distinct
from embedviz.records import Embeddings, FloatArray, Instances

_KEY = b"embedviz.part"
_LARGEST = 2**63


@dataclass(frozen=True)
class Part:
    """A part on disk: how many rows it has, and what its vectors are, by the name of their column."""

    path: Path
    rows: int
    cut: int
    notes: tuple[str, ...]
    vectors: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Part | None:
        """The part at ``path`` if it is whole: nothing of it is missing or changed."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                for _ in file.iter_batches():
                    pass
                told = json.loads((file.schema_arrow.metadata or {})[_KEY])
                return cls(path, file.metadata.num_rows, told["cut"], tuple(told["notes"]), told["vectors"])
        except (pa.ArrowException, OSError, KeyError, ValueError):
            return None

    def table(self) -> Any:
        """The pyarrow Table. ExportError if the file was changed since it was looked at."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.read_table(self.path, page_checksum_verification=True)
        except (pa.ArrowException, OSError) as error:
            raise ExportError(
                f"A part of the vectors cannot be read ({error})"[:200],
                value=self.path,
                remedy="Run the same command again: that part is computed anew.",
            ) from error


def vector_names(layers: list[str]) -> dict[str, str]:
    """The column of each layer's vectors: "vector" where there is one layer, else "vector:encoder.layer.3"."""
    return {layers[0]: "vector"} if len(layers) == 1 else {layer: f"vector:{layer or '.'}" for layer in layers}


def write_part(path: Path, instances: Instances, captured: Mapping[str, Embeddings]) -> Part:
    """Write instances and their vectors, by layer. The file appears under its name when it is whole."""
    import pyarrow.parquet as pq

    vectors = vector_names(list(captured))
    one = next(iter(captured.values()))
    cut = int((one.cut > 0).sum()) if one.cut is not None else 0
    notes = tuple(dict.fromkeys(note for embeddings in captured.values() for note in embeddings.notes))
    told = {
        vectors[layer]: {"layer": embeddings.layer, "pooling": embeddings.pooling, "width": embeddings.width}
        for layer, embeddings in captured.items()
    }
    table = _table(instances, {vectors[layer]: embeddings.vectors for layer, embeddings in captured.items()})
    metadata = {_KEY: json.dumps({"cut": cut, "notes": notes, "vectors": told})}
    whole = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        # Not flushed to the disk: after a power cut the checksums tell what arrived there.
        pq.write_table(
            table.replace_schema_metadata(metadata),
            whole,
            compression="zstd",
            use_dictionary=[name for name in table.column_names if name not in told],
            write_statistics=False,
            write_page_checksum=True,
        )
        os.replace(whole, path)
    finally:
        whole.unlink(missing_ok=True)
    return Part(path, len(instances), cut, notes, told)


def _table(instances: Instances, vectors: Mapping[str, FloatArray]) -> Any:
    """Id, text, the other columns, then a column of vectors for each layer."""
    import pyarrow as pa

    others = dict(instances.columns)
    ids: tuple[Any, ...] = instances.ids
    if "id" in others and tuple(map(as_text, others["id"])) == ids:
        ids = others.pop("id")  # the same, but numbers stay numbers
    # A column of the file may have the name of one of ours, which then is the first to have it.
    item = instances.item_name
    reserved = [*vectors, "id", item]
    names = distinct([*reserved, *others])[len(reserved) :]
    columns = {"id": _column(ids), item: pa.array(map(_valid, instances.items), pa.string())}
    columns |= {name: _column(values) for name, values in zip(names, others.values(), strict=True)}
    return pa.table(columns | {name: as_lists(rows) for name, rows in vectors.items()})


def _column(values: tuple[Any, ...]) -> Any:
    """Cells as Arrow: truth values, whole numbers, numbers, or else texts."""
    import pyarrow as pa

    present = [value for value in values if value is not None]
    if not present:
        return pa.nulls(len(values))
    if all(isinstance(value, bool) for value in present):
        return pa.array(values, pa.bool_())
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in present)
    if numbers and all(isinstance(value, int) and -_LARGEST <= value < _LARGEST for value in present):
        return pa.array(values, pa.int64())
    if numbers:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    texts = map(as_text, values)
    return pa.array([None if text is None else _valid(text) for text in texts], pa.string())


def _valid(value: Any) -> str:
    """Text that can be written as UTF-8: half a surrogate pair, as JSON may hold, is a question mark."""
    return str(value).encode("utf-8", "replace").decode()


def as_lists(vectors: FloatArray) -> Any:
    """(n, width) float32 as n lists of a fixed size."""
    import pyarrow as pa

    width = vectors.shape[1]
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).ravel()), width)


def as_rows(column: Any) -> FloatArray:
    """The reverse of ``as_lists``, for a column of a table."""
    chunks = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
    rows: FloatArray = np.concatenate(chunks).reshape(-1, column.type.list_size)
    return rows
