"""The kinds of files that vectors are written to, each a part at a time.

Parquet has one column ``vector`` of lists of a fixed size and not a column a dimension: pandas, polars, DuckDB and
vector databases take such a column as it is (``numpy.stack(frame["vector"])``), several layers are several columns, and
a file with thousands of columns is slow to open in all of them. CSV has no lists, so there it is a column a dimension,
``d0``, ``d1`` and so on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from embedviz.errors import ExportError
from embedviz.export.joined import Joined, stacked
from embedviz.export.shards import write_shards

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
    from numpy.lib import format as npy

    column = _only(joined, ".npy")
    path = folder / name
    with path.open("wb") as file:
        shape = (joined.rows, joined.vectors[column]["width"])
        npy.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        file.writelines(stacked(joined.pieces(column)))
    return [path]


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


def _only(joined: Joined, kind: str) -> str:
    check_layers(kind, len(joined.vectors))
    return next(iter(joined.vectors))


def check_layers(kind: str, layers: int) -> None:
    """ExportError for a kind of file that holds the vectors of one layer, where there are more."""
    if layers > 1 and kind in (".npy", ".csv"):
        raise ExportError(
            f"A {kind} file holds the vectors of one layer",
            value=f"{layers} layers",
            remedy="Write .parquet or .safetensors, or ask for one --layer.",
        )


Writer = Callable[[Joined, Path, str], list[Path]]

#: Writes files into a folder and returns them: what others refer to first, the one that refers to them last.
FORMATS: dict[str, Writer] = {
    ".npy": write_npy,
    ".csv": write_csv,
    ".parquet": write_parquet,
    ".safetensors": write_shards,
}
