"""Vectors in memory as files: every kind holds the vectors, their ids and columns, and where they come from."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load

import embedviz as ev
from embedviz.export.formats import FORMATS
from embedviz.export.taken import KINDS, as_file, why_not
from embedviz.records import Instances
from embedviz.vectors import postprocess

TEXTS = ("plain", "two\nlines\tand a tab", '"quoted", =1+1', "ünï \ud800 code")
INSTANCES = Instances(TEXTS, ("a", "b", "c/..", "d"), {"label": ("x", None, "y", "x"), "n": (1, 2, 3, 4)}, "label")
ABOUT = {"layer": "encoder.layer.3", "fingerprint": "0" * 64}


def vectors() -> ev.Embeddings:
    rows = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    return ev.Embeddings(rows, INSTANCES.ids, layer="encoder.layer.3", pooling="mean")


def made(kind: str, postprocessing: str = "centred") -> tuple[str, bytes]:
    return as_file(kind, vectors(), INSTANCES, postprocessing, ABOUT)


def packed(kind: str) -> zipfile.ZipFile:
    name, data = made(kind)
    assert name == "vectors.zip"
    return zipfile.ZipFile(io.BytesIO(data))


def test_every_kind_that_is_offered_can_be_written() -> None:
    assert KINDS.keys() == FORMATS.keys()


@pytest.mark.parametrize("postprocessing", ["none", "l2", "centred", "standardised"])
def test_they_are_post_processed_as_on_the_page(postprocessing: str) -> None:
    name, data = made(".npy", postprocessing)
    assert name == "vectors.npy"
    np.testing.assert_allclose(
        np.load(io.BytesIO(data)), postprocess(vectors(), postprocessing).vectors, rtol=1e-6, atol=1e-7
    )


def test_numpy_with_columns_needs_no_pickle() -> None:
    with np.load(io.BytesIO(made(".npz")[1]), allow_pickle=False) as found:
        assert sorted(found) == ["id", "label", "n", "text", "vector"]
        assert found["id"].tolist() == ["a", "b", "c/..", "d"]
        assert found["label"].tolist() == ["x", "", "y", "x"]
        assert found["n"].tolist() == [1, 2, 3, 4]
        np.testing.assert_allclose(found["vector"], postprocess(vectors(), "centred").vectors, rtol=1e-6, atol=1e-7)


def test_a_column_cannot_leave_the_archive() -> None:
    sly = Instances(("t",), ("1",), {"../../up": ("x",)})
    one = ev.Embeddings(np.ones((1, 2), dtype=np.float32), ("1",), layer="a")
    _, data = as_file(".npz", one, sly, "none", ABOUT)
    assert all("/" not in name for name in zipfile.ZipFile(io.BytesIO(data)).namelist())


def test_the_projector_gets_a_line_an_instance() -> None:
    with packed(".tsv") as archive:
        assert sorted(archive.namelist()) == ["vectors.metadata.tsv", "vectors.tsv"]
        numbers = np.loadtxt(io.BytesIO(archive.read("vectors.tsv")), delimiter="\t", dtype=np.float32)
        rows = archive.read("vectors.metadata.tsv").decode().split("\n")[:-1]
    np.testing.assert_array_equal(numbers, postprocess(vectors(), "centred").vectors)
    cells = list(csv.reader(rows, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert cells[0] == ["id", "text", "label", "n"]
    assert [row[0] for row in cells[1:]] == list(INSTANCES.ids)
    assert cells[2][1] == "two lines and a tab"
    assert {len(row) for row in cells} == {4}


def test_the_others_say_where_they_are_from() -> None:
    schema = pq.read_schema(io.BytesIO(made(".parquet")[1]))
    assert json.loads(schema.metadata[b"embedviz"]) == ABOUT
    with packed(".safetensors") as archive:
        tensors = load(archive.read("vectors.safetensors"))
        assert json.loads(archive.read("vectors.safetensors.index.json"))["metadata"] == ABOUT
    np.testing.assert_allclose(tensors["vector"], postprocess(vectors(), "centred").vectors, rtol=1e-6, atol=1e-7)
    frame = pd.read_csv(io.BytesIO(made(".csv")[1]))
    assert frame["id"].tolist() == list(INSTANCES.ids)
    assert frame.filter(regex=r"^d\d$").shape == (4, 6)


def test_why_vectors_cannot_be_written_is_said_before() -> None:
    rows = vectors().vectors.copy()
    rows[2, 3] = np.nan
    broken = ev.Embeddings(rows, INSTANCES.ids, layer="a")
    assert why_not(broken, "none") == ""
    as_file(".npy", broken, INSTANCES, "none", ABOUT)
    assert why_not(vectors(), "centred") == ""
    for name in ("l2", "centred", "standardised"):
        told = why_not(broken, name)
        assert "1 of 4 vectors hold NaN or infinity: c/.." in told
        assert "As captured" in told
