"""The small data sets that scikit-learn carries, read from its files: importing it would take seconds."""

from __future__ import annotations

import csv
import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embedviz.errors import EmbedvizError
from embedviz.modalities.fitting import Array

#: The files name the classes and not the columns.
IRIS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
WINE = (
    "alcohol", "malic acid", "ash", "alcalinity of ash", "magnesium", "total phenols", "flavanoids",
    "nonflavanoid phenols", "proanthocyanins", "color intensity", "hue", "od280/od315 of diluted wines", "proline",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Measurements:
    """``values`` is (rows, columns), ``labels`` one text a row; ``names`` are the columns' names, if they have any."""

    values: Array
    labels: tuple[str, ...]
    names: tuple[str, ...] = ()


def digits(each: int = 30) -> Measurements:
    """Handwritten digits, (10 × ``each``, 64) of 0..16: of every digit ``each``, spread over the file."""
    with gzip.open(_file("digits.csv.gz"), "rt") as opened:
        table = np.loadtxt(opened, delimiter=",", dtype=np.int64)
    chosen = []
    for digit in range(10):
        rows = np.flatnonzero(table[:, -1] == digit)
        chosen += rows[np.linspace(0, len(rows) - 1, each).astype(int)].tolist()
    kept = table[sorted(chosen)]
    return Measurements(kept[:, :-1], tuple(str(digit) for digit in kept[:, -1].tolist()))


def iris() -> Measurements:
    """150 flowers of three kinds, (150, 4)."""
    return _table("iris.csv", IRIS)


def wine() -> Measurements:
    """178 wines of three growers, (178, 13)."""
    return _table("wine_data.csv", WINE)


def _table(file: str, names: tuple[str, ...]) -> Measurements:
    """A table whose first line is: rows, columns, the names of the classes."""
    with _file(file).open(newline="") as opened:
        (_, _, *classes), *rows = csv.reader(opened)
    values = np.array([[float(cell) for cell in row[:-1]] for row in rows])
    return Measurements(values, tuple(classes[int(row[-1])].replace("_", " ") for row in rows), names)


def _file(name: str) -> Path:
    found = importlib.util.find_spec("sklearn")
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    path = Path(folders[0], "datasets", "data", name) if folders else None
    if path is None or not path.is_file():
        raise EmbedvizError(
            "A file of scikit-learn with sample data is missing", value=name, remedy="Install scikit-learn again."
        )
    return path
