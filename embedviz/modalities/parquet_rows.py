"""Parquet, read a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedviz.modalities.table import broken_parquet, no_rows, printable_names


@dataclass(frozen=True)
class ParquetRows:
    """The rows of a Parquet file."""

    path: Path
    name: str
    total: int
    notes: tuple[str, ...] = ()

    def frames(self, size: int) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=size):
                    table = pa.Table.from_batches([batch])
                    # What the writer's pandas thought of its index is of no use here.
                    yield table.rename_columns(printable_names(table.column_names)).to_pandas(ignore_metadata=True)
        except (pa.ArrowException, OSError) as error:
            raise broken_parquet(self.name, error) from error


def parquet_rows(path: Path, name: str) -> ParquetRows:
    """InstancesError for a file that is damaged or has no rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise broken_parquet(name, error) from error
    if not metadata.num_rows or not metadata.num_columns:
        raise no_rows(name)
    return ParquetRows(path, name, metadata.num_rows)
