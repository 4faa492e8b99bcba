"""The parts of a complete run as one table that is read a part at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from embedviz.errors import ExportError
from embedviz.export.part import Part, as_lists, as_rows
from embedviz.modalities.instances import as_text
from embedviz.moments import BY_MOMENTS, Moments, postprocess_part
from embedviz.records import FloatArray
from embedviz.vectors import check_finite


@dataclass
class Joined:
    """All parts, their vectors post-processed as they are read.

    ``vectors`` maps the name of each column of vectors to its layer, pooling and width; ``zeros`` counts the vectors of
    length 0 that were given out the last time. ``schema`` is pyarrow's; ``about`` goes into the file as metadata.
    """

    parts: Sequence[Part]
    postprocessing: str
    about: dict[str, Any]
    moments: dict[str, Moments] = field(default_factory=dict)
    zeros: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        first = self.parts[0].vectors
        if any(part.vectors != first for part in self.parts):
            raise ExportError(
                "The parts of the vectors do not fit together",
                value=self.parts[0].path.parent,
                remedy="Run the command again with --restart.",
            )
        self.vectors: Mapping[str, Mapping[str, Any]] = first
        self.schema = _schema(self.parts, list(first))
        if self.postprocessing in BY_MOMENTS:
            self.moments = {name: Moments() for name in first}
            for part in self.parts:
                table = part.table()
                for name, moments in self.moments.items():
                    moments.add(check_finite(as_rows(table[name])))

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def others(self) -> list[str]:
        """The columns that are no vectors."""
        return [name for name in self.schema.names if name not in self.vectors]

    def tables(self) -> Iterator[Any]:
        """pyarrow Tables, a part each, all of the same schema."""
        import pyarrow as pa

        self.zeros = dict.fromkeys(self.vectors, 0)
        for part in self.parts:
            table = part.table()
            columns = [_cast(table[name], self.schema.field(name).type) for name in self.others]
            columns += [as_lists(self._processed(name, table[name])) for name in self.vectors]
            yield pa.table(columns, schema=self.schema)

    def others_only(self) -> Iterator[Any]:
        """As ``tables``, without the vectors."""
        import pyarrow as pa

        for part in self.parts:
            table = part.table()
            yield pa.table({name: _cast(table[name], self.schema.field(name).type) for name in self.others})

    def pieces(self, name: str, parts: Sequence[Part] | None = None) -> Iterator[FloatArray]:
        """The vectors of one column alone, (n, width) float32 a part, of some of the parts or of all."""
        for part in self.parts if parts is None else parts:
            yield self._processed(name, part.table()[name])

    def _processed(self, name: str, column: Any) -> FloatArray:
        rows = as_rows(column)
        if self.postprocessing == "none":
            return rows
        changed = postprocess_part(check_finite(rows), self.postprocessing, self.moments.get(name, Moments()))
        self.zeros[name] = self.zeros.get(name, 0) + int((~changed.any(axis=1)).sum())
        return changed


def _schema(parts: Sequence[Part], vectors: list[str]) -> Any:
    """The columns of all parts. One that holds different things in different parts becomes numbers, or else texts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[str, Any] = {}
    for part in parts:
        for column in pq.read_schema(part.path):
            types[column.name] = _wider(types.get(column.name, column.type), column.type)
    named = [(name, pa.string() if pa.types.is_null(kind) else kind) for name, kind in types.items()]
    return pa.schema([pair for pair in named if pair[0] not in vectors] + [(name, types[name]) for name in vectors])


def _wider(one: Any, other: Any) -> Any:
    import pyarrow as pa

    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    return pa.float64() if {one, other} == {pa.int64(), pa.float64()} else pa.string()


def _cast(column: Any, kind: Any) -> Any:
    import pyarrow as pa

    if column.type == kind:
        return column
    if pa.types.is_string(kind):
        return pa.array([as_text(value) for value in column.to_pylist()], kind)
    return pa.array([None if value is None else float(value) for value in column.to_pylist()], kind)


def stacked(pieces: Iterator[FloatArray]) -> Iterator[bytes]:
    """The pieces as little-endian bytes, as every kind of file wants them."""
    for rows in pieces:
        yield np.ascontiguousarray(rows, dtype="<f4").tobytes()
