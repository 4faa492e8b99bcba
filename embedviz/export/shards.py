"""Vectors as safetensors, in shards; the instances they belong to as Parquet beside them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from embedviz.export.joined import Joined, stacked
from embedviz.export.part import Part

#: Bytes of a shard's vectors at most, as far as whole parts allow.
SHARD = 1 << 30
_SHARD_NAME = re.compile(r"[^/\\]+\.safetensors")


def write_shards(joined: Joined, folder: Path, name: str) -> list[Path]:
    """``vectors-00001-of-00003.safetensors``, …, each with a tensor (instances, width) for every column of vectors, or
    ``vectors.safetensors`` where one holds all; ``vectors.instances.parquet`` with a row an instance; and
    ``vectors.safetensors.index.json`` that lists the shards with their first row and their number of rows.
    """
    import pyarrow.parquet as pq

    stem = name.removesuffix(".safetensors")
    groups = _groups(joined)
    made, listed, first = [], [], 0
    for number, parts in enumerate(groups, start=1):
        path = folder / (f"{stem}-{number:05}-of-{len(groups):05}.safetensors" if len(groups) > 1 else name)
        rows = sum(part.rows for part in parts)
        _write(path, joined, parts, rows)
        listed.append({"file": path.name, "first": first, "rows": rows})
        made.append(path)
        first += rows
    instances = folder / f"{stem}.instances.parquet"
    about = json.dumps(joined.about, ensure_ascii=False)
    schema = joined.schema
    for column in joined.vectors:
        schema = schema.remove(schema.get_field_index(column))
    with pq.ParquetWriter(instances, schema.with_metadata({"embedviz": about}), compression="zstd") as writer:
        for table in joined.others_only():
            writer.write_table(table)
    index = folder / f"{name}.index.json"
    content = {"metadata": joined.about, "instances": instances.name, "shards": listed}
    index.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
    return [*made, instances, index]


def earlier_shards(index: Path) -> list[Path]:
    """The shards that an index which is about to be replaced lists: none may be mistaken for one of the new ones."""
    try:
        listed = json.loads(index.read_text(encoding="utf-8"))["shards"]
        names = [str(shard["file"]) for shard in listed]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [index.parent / name for name in names if _SHARD_NAME.fullmatch(name)]


def _groups(joined: Joined) -> list[list[Part]]:
    """The parts of each shard."""
    width = sum(told["width"] for told in joined.vectors.values())
    groups: list[list[Part]] = [[]]
    size = 0
    for part in joined.parts:
        if groups[-1] and size + 4 * width * part.rows > SHARD:
            groups.append([])
            size = 0
        groups[-1].append(part)
        size += 4 * width * part.rows
    return groups


def _write(path: Path, joined: Joined, parts: list[Part], rows: int) -> None:
    """The format by hand, for its own writer wants all tensors in memory: eight bytes, a JSON header, the numbers."""
    header: dict[str, Any] = {"__metadata__": {"embedviz": json.dumps(joined.about, ensure_ascii=False)}}
    end = 0
    for column, told in joined.vectors.items():
        begin, end = end, end + 4 * rows * told["width"]
        header[column] = {"dtype": "F32", "shape": [rows, told["width"]], "data_offsets": [begin, end]}
    encoded = json.dumps(header, ensure_ascii=False).encode()
    encoded += b" " * (-len(encoded) % 8)
    with path.open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little") + encoded)
        for column in joined.vectors:
            file.writelines(stacked(joined.pieces(column, parts)))
