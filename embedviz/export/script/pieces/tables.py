"""Readers of tables: a dictionary a row."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq


def read_csv(file: Path, delimiter: str) -> list[dict[str, Any]]:
    """The rows of a table with a header."""
    csv.field_size_limit(2**31 - 1)
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened, delimiter=delimiter))


def read_json_lines(file: Path) -> list[dict[str, Any]]:
    """The object on each line."""
    with file.open(encoding="utf-8-sig") as opened:
        return [dict(json.loads(line)) for line in opened if line.strip()]


def read_lines(file: Path) -> list[dict[str, Any]]:
    """A text a line."""
    with file.open(encoding="utf-8-sig") as opened:
        return [{"text": line.rstrip("\n")} for line in opened]


def read_parquet(file: Path) -> list[dict[str, Any]]:
    """The rows of a Parquet file, which needs the package pyarrow."""
    return list(pq.read_table(file).to_pylist())
