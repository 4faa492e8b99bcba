"""The kinds of files that vectors are written to, each a part at a time.

Parquet has one column ``vector`` of lists of a fixed size and not a column a dimension: pandas, polars, DuckDB and
vector databases take such a column as it is (``numpy.stack(frame["vector"])``), several layers are several columns, and
a file with thousands of columns is slow to open in all of them. CSV has no lists, so there it is a column a dimension,
``d0``, ``d1`` and so on.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from embedviz.errors import ExportError
from embedviz.export.joined import Joined, stacked
from embedviz.export.shards import write_shards
from embedviz.records import FloatArray

#: Bytes of a row group at least, where there are that many: readers take a group at a time.
_ROW_GROUP = 32 << 20


def write_parquet(joined: Joined, folder: Path, name: str) -> list[Path]:
    """Id, text, the other columns, the vectors; where they come from is in the schema's metadata under "embedviz"."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / name
    metadata = {"embedviz": json.dumps(joined.about, ensure_ascii=False)}
    schema = joined.schema.with_metadata(metadata)
    dictionary = [column for column in joined.others if column not in ("id", "text")]
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=dictionary) as writer:
        waiting, size = [], 0
        for table in joined.tables():
            waiting.append(table)
            size += table.nbytes
            if size >= _ROW_GROUP:
                writer.write_table(pa.concat_tables(waiting).replace_schema_metadata(metadata))
                waiting, size = [], 0
        if waiting:
            writer.write_table(pa.concat_tables(waiting).replace_schema_metadata(metadata))
    return [path]


def write_npy(joined: Joined, folder: Path, name: str) -> list[Path]:
    """The vectors alone, (instances, width)."""
    column = _only(joined, ".npy")
    path = folder / name
    with path.open("wb") as file:
        _write_npy(file, (joined.rows, joined.vectors[column]["width"]), joined.pieces(column))
    return [path]


def _write_npy(file: IO[bytes], shape: tuple[int, int], pieces: Iterator[FloatArray]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    file.writelines(stacked(pieces))


def write_csv(joined: Joined, folder: Path, name: str) -> list[Path]:
    """Id, text, the other columns, then a column a dimension."""
    import pandas as pd

    from embedviz.export.part import as_rows
    from embedviz.export.tables import to_csv

    column = _only(joined, ".csv")
    path = folder / name
    with path.open("wb") as file:
        for number, table in enumerate(joined.tables()):
            told = {other: pd.Series(table[other].to_pylist(), dtype=object) for other in joined.others}
            rows = as_rows(table[column])
            numbers = pd.DataFrame(rows, columns=[f"d{place}" for place in range(rows.shape[1])])
            file.write(to_csv(pd.concat([pd.DataFrame(told), numbers], axis=1), header=not number))
    return [path]


def write_npz(joined: Joined, folder: Path, name: str) -> list[Path]:
    """An array (instances, width) for every column of vectors, and one (instances,) for each other column."""
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for column, told in joined.vectors.items():
            with archive.open(f"{_member(column)}.npy", "w", force_zip64=True) as file:
                _write_npy(file, (joined.rows, told["width"]), joined.pieces(column))
        for column in joined.others:
            values = [value for table in joined.others_only() for value in table[column].to_pylist()]
            with archive.open(f"{_member(column)}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, _plain(values), allow_pickle=False)
    return [path]


def _member(column: str) -> str:
    """A name inside an archive: a column's name may hold what some systems take for folders."""
    return re.sub(r"[^\w. -]", "_", column) or "_"


def _plain(values: list[Any]) -> npt.NDArray[Any]:
    """Cells as an array without objects: numbers where all are numbers, else texts, empty where there is none."""
    if values and all(isinstance(value, int | float) for value in values):
        return np.array(values)
    return np.array(["" if value is None else str(value) for value in values], dtype=np.str_)


def write_projector(joined: Joined, folder: Path, name: str) -> list[Path]:
    """The two files that TensorBoard's Embedding Projector loads: numbers, and what they belong to with a head line.

    https://www.tensorflow.org/tensorboard/tensorboard_projector_plugin
    """
    column = _only(joined, ".tsv")
    path = folder / name
    metadata = folder / f"{name.removesuffix('.tsv')}.metadata.tsv"
    with metadata.open("w", encoding="utf-8", newline="") as file:
        file.write(_tabbed(joined.others))
        for table in joined.others_only():
            for row in zip(*(table[other].to_pylist() for other in joined.others), strict=True):
                file.write(_tabbed(row))
    with path.open("w", encoding="ascii") as file:
        for rows in joined.pieces(column):
            np.savetxt(file, rows, fmt="%.9g", delimiter="\t")
    return [metadata, path]


def _tabbed(cells: Iterable[Any]) -> str:
    """A line of cells; what would end a cell or a line is a space."""
    texts = (" ".join(str("" if cell is None else cell).split()) for cell in cells)
    return "\t".join(text.encode("utf-8", "replace").decode() for text in texts) + "\n"


def _only(joined: Joined, kind: str) -> str:
    check_layers(kind, len(joined.vectors))
    return next(iter(joined.vectors))


def check_layers(kind: str, layers: int) -> None:
    """ExportError for a kind of file that holds the vectors of one layer, where there are more."""
    if layers > 1 and kind in (".npy", ".csv", ".tsv"):
        raise ExportError(
            f"A {kind} file holds the vectors of one layer",
            value=f"{layers} layers",
            remedy="Write .parquet, .npz or .safetensors, or ask for one --layer.",
        )


Writer = Callable[[Joined, Path, str], list[Path]]

#: Writes files into a folder and returns them: what others refer to first, the one that refers to them last.
FORMATS: dict[str, Writer] = {
    ".npy": write_npy,
    ".npz": write_npz,
    ".csv": write_csv,
    ".tsv": write_projector,
    ".parquet": write_parquet,
    ".safetensors": write_shards,
}
