"""Parts on disk: whole or not there, of one run only, and joined into every kind of file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from embedviz.errors import ExportError
from embedviz.export import part as parts_file
from embedviz.export import shards
from embedviz.export.formats import FORMATS
from embedviz.export.joined import Joined
from embedviz.export.output import Output
from embedviz.export.part import Part
from embedviz.export.store import Store
from embedviz.records import Embeddings, Instances
from embedviz.vectors import postprocess

SETTINGS: dict[str, Any] = {"checkpoint": "f" * 64, "layers": ["a"], "pooling": "mean", "chunk": 3}
ABOUT = {"checkpoint": {"fingerprint": "f" * 64}, "layers": ["a"], "pooling": "mean", "rows": 8}


def chunk(start: int, count: int = 3, **columns: tuple[Any, ...]) -> Instances:
    numbers = range(start, start + count)
    return Instances(tuple(f"text {n}" for n in numbers), tuple(map(str, numbers)), columns)


def captured(instances: Instances, *layers: str, width: int = 4) -> dict[str, Embeddings]:
    draw = np.random.default_rng(int(instances.ids[0]))
    return {
        layer: Embeddings(
            draw.normal(size=(len(instances), width)).astype("f4"), instances.ids, layer=layer, pooling="mean"
        )
        for layer in layers or ("a",)
    }


def fill(store: Store, *layers: str, **columns: list[tuple[Any, ...]]) -> np.ndarray[Any, Any]:
    """Three parts, of 3, 3 and 2 rows; returns the vectors of the first layer."""
    vectors = []
    for number, (start, count) in enumerate([(0, 3), (3, 3), (6, 2)], start=1):
        instances = chunk(start, count, **{name: values[number - 1] for name, values in columns.items()})
        made = captured(instances, *layers)
        store.write(number, instances, made)
        vectors.append(next(iter(made.values())).vectors)
    return np.concatenate(vectors)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "v.parquet.partial"


def join(store: Store, out: Path, postprocessing: str = "none") -> list[Path]:
    return Output.of(str(out)).write(Joined(store.parts, postprocessing, ABOUT), store)


def test_a_run_goes_on_with_the_parts_that_are_there(folder: Path) -> None:
    with Store(folder, SETTINGS) as store:
        assert not folder.exists(), "nothing is made before there is something to keep"
        fill(store)
    with Store(folder, SETTINGS) as store:
        assert store.kept == 8
        assert [store.has(number, rows) for number, rows in ((1, 3), (2, 3), (3, 2), (3, 3), (4, 3))] == [
            True, True, True, False, False,
        ]  # fmt: skip


@pytest.mark.parametrize("name", list(SETTINGS))
def test_what_differs_is_named_and_refused(folder: Path, name: str) -> None:
    with Store(folder, SETTINGS) as store:
        fill(store)
    other = {**SETTINGS, name: ["b"] if name == "layers" else "other"}
    with pytest.raises(ExportError, match="--restart") as refused, Store(folder, other):
        pass
    assert {"layers": "the layers (a, now b)", "pooling": "the pooling (mean, now other)"}.get(name, name) in str(
        refused.value
    )
    with Store(folder, SETTINGS) as store:
        assert store.kept == 8, "a refusal harms nothing"
    with Store(folder, other, restart=True) as store:
        assert store.kept == 0
    with Store(folder, other) as store:
        assert store.kept == 0


DAMAGE: dict[str, Any] = {
    "cut short": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "a changed byte": lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
    "zeros, as after a power cut": lambda data: bytes(len(data)),
    "another Parquet file": lambda _: pd.DataFrame({"x": [1, 2, 3]}).to_parquet(),
}


@pytest.mark.parametrize("how", list(DAMAGE))
def test_a_damaged_part_is_noticed_and_the_others_stay(folder: Path, how: str) -> None:
    with Store(folder, SETTINGS) as store:
        fill(store)
    path = folder / "part-000002.parquet"
    path.write_bytes(DAMAGE[how](path.read_bytes()))
    with Store(folder, SETTINGS) as store:
        assert store.damaged == [2]
        assert [store.has(number, rows) for number, rows in ((1, 3), (2, 3), (3, 2))] == [True, False, True]
        assert not path.exists()


def test_damage_that_comes_later_is_an_error_that_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    with Store(folder, SETTINGS) as store:
        fill(store)
        path = folder / "part-000002.parquet"
        data = path.read_bytes()
        path.write_bytes(DAMAGE["a changed byte"](data))
        with pytest.raises(ExportError, match="same command again"):
            join(store, tmp_path / "v.parquet")
    assert not (tmp_path / "v.parquet").exists()


def test_an_unfinished_part_or_manifest_is_cleared_away(folder: Path) -> None:
    with Store(folder, SETTINGS) as store:
        fill(store)
    (folder / "part-000004.parquet.123.tmp").write_bytes(b"half")
    (folder / "manifest.json.123.tmp").write_bytes(b"{")
    with Store(folder, SETTINGS) as store:
        assert store.kept == 8
    assert not list(folder.glob("*.tmp"))


def test_without_a_manifest_parts_are_nobodys(folder: Path) -> None:
    with Store(folder, SETTINGS) as store:
        fill(store)
    (folder / "manifest.json").unlink()
    with Store(folder, SETTINGS) as store:
        assert store.kept == 0
    assert not list(folder.glob("part-*"))


def test_a_folder_of_somebody_elses_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.docx").write_bytes(b"years of work")
    for restart in (False, True):
        with pytest.raises(ExportError, match=r"thesis\.docx"), Store(folder, SETTINGS, restart=restart):
            pass
    assert (folder / "thesis.docx").read_bytes() == b"years of work"


def test_a_file_put_beside_the_parts_outlives_them(folder: Path, tmp_path: Path) -> None:
    with Store(folder, SETTINGS) as store:
        fill(store)
        (folder / "note.txt").write_text("mine")
        join(store, tmp_path / "v.parquet")
    assert [path.name for path in folder.iterdir()] == ["note.txt"]


@pytest.mark.skipif(os.name == "nt", reason="locks are of POSIX")
def test_two_runs_do_not_write_to_one_place(folder: Path) -> None:
    with Store(folder, SETTINGS) as store:
        fill(store)
        with pytest.raises(ExportError, match="Another run"), Store(folder, SETTINGS):
            pass
    with Store(folder, SETTINGS) as store:
        assert store.kept == 8


def test_a_full_disk_is_said_and_what_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with Store(folder, SETTINGS) as store:
        store.write(1, chunk(0), captured(chunk(0)))
        monkeypatch.setattr(parts_file.os, "replace", full)
        with pytest.raises(ExportError, match=r"No space left.*3 are kept"):
            store.write(2, chunk(3), captured(chunk(3)))
        monkeypatch.undo()
        assert not list(folder.glob("*.tmp")), "half a part would take the room that is missing"
    with Store(folder, SETTINGS) as store:
        assert store.kept == 3


@pytest.mark.parametrize("kind", list(FORMATS))
@pytest.mark.parametrize("postprocessing", ["none", "l2", "centred", "standardised"])
def test_every_kind_of_file_holds_the_same_vectors(
    folder: Path, tmp_path: Path, kind: str, postprocessing: str
) -> None:
    out = tmp_path / f"v{kind}"
    with Store(folder, SETTINGS) as store:
        vectors = fill(store)
        made = join(store, out, postprocessing)
    assert not folder.exists()
    assert all(path.parent == tmp_path and path.exists() for path in made)
    found = {
        ".npy": lambda: np.load(out),
        ".npz": lambda: np.load(out)["vector"],
        ".tsv": lambda: np.loadtxt(out, delimiter="\t", dtype=np.float32),
        ".csv": lambda: pd.read_csv(out).filter(regex=r"^d\d+$").to_numpy(np.float32),
        ".parquet": lambda: np.stack(pd.read_parquet(out)["vector"]),
        ".safetensors": lambda: load_file(out)["vector"],
    }[kind]()
    expected = postprocess(Embeddings(vectors, tuple("12345678")), postprocessing).vectors
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_parquet_says_where_it_is_from_and_has_a_column_a_layer(folder: Path, tmp_path: Path) -> None:
    with Store(folder, {**SETTINGS, "layers": ["a", "b.0"]}) as store:
        fill(store, "a", "b.0")
        join(store, tmp_path / "v.parquet")
    schema = pq.read_schema(tmp_path / "v.parquet")
    assert schema.names == ["id", "text", "vector:a", "vector:b.0"]
    assert schema.field("vector:a").type == pa.list_(pa.field("element", pa.float32()), 4)
    assert json.loads(schema.metadata[b"embedviz"]) == ABOUT


def test_a_column_that_changes_its_mind_becomes_what_holds_all(folder: Path, tmp_path: Path) -> None:
    columns: dict[str, list[tuple[Any, ...]]] = {
        "n": [(1, 2, None), (1.5, None, 2), (3, 4)],
        "mixed": [(1, 2, 3), ("x", "y", None), (True, False)],
        "late": [(None, None, None), (None, None, None), ("a", None)],
        "never": [(None,) * 3, (None,) * 3, (None,) * 2],
        "large": [(2**70, 1, 2), (1, 2, 3), (1, 2)],
    }
    for kind in (".parquet", ".csv"):
        with Store(folder, SETTINGS) as store:
            fill(store, **columns)
            join(store, tmp_path / f"v{kind}")
    frame = pq.read_table(tmp_path / "v.parquet").to_pydict()
    assert frame["n"] == [1.0, 2.0, None, 1.5, None, 2.0, 3.0, 4.0]
    assert frame["mixed"] == ["1", "2", "3", "x", "y", None, "True", "False"]
    assert frame["late"] == [None] * 6 + ["a", None]
    assert frame["never"] == [None] * 8
    assert frame["large"][:2] == [float(2**70), 1.0]
    assert len(pd.read_csv(tmp_path / "v.csv")) == 8


def test_columns_with_our_names_keep_their_cells(folder: Path, tmp_path: Path) -> None:
    columns: dict[str, list[tuple[Any, ...]]] = {
        name: [(f"{name} 1",) * 3, (f"{name} 2",) * 3, (f"{name} 3",) * 2] for name in ("id", "text", "vector")
    }
    with Store(folder, SETTINGS) as store:
        fill(store, **columns)
        join(store, tmp_path / "v.parquet")
    frame = pd.read_parquet(tmp_path / "v.parquet")
    assert frame.columns.tolist() == ["id", "text", "id (2)", "text (2)", "vector (2)", "vector"]
    assert frame["text"][0] == "text 0"
    assert frame["text (2)"][0] == "text 1"


def test_ids_that_are_numbers_stay_numbers(folder: Path, tmp_path: Path) -> None:
    with Store(folder, SETTINGS) as store:
        fill(store, id=[(0, 1, 2), (3, 4, 5), (6, 7)])
        join(store, tmp_path / "v.parquet")
    frame = pd.read_parquet(tmp_path / "v.parquet")
    assert frame.columns.tolist() == ["id", "text", "vector"]
    assert frame["id"].tolist() == list(range(8))


def test_shards_and_their_index(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD", 2 * 4 * 4 * 3 * 2)
    out = tmp_path / "new"
    for _ in range(2):
        with Store(tmp_path / "new" / "vectors.safetensors.partial", SETTINGS) as store:
            vectors = fill(store, "a", "b")
            made = (
                join(store, Path(f"{out}/"))
                if out.exists()
                else Output.of(f"{out}/").write(Joined(store.parts, "none", ABOUT), store)
            )
    names = ["vectors-00001-of-00002.safetensors", "vectors-00002-of-00002.safetensors"]
    assert [path.name for path in made] == [*names, "vectors.instances.parquet", "vectors.safetensors.index.json"]
    loaded = [load_file(out / name) for name in names]
    np.testing.assert_array_equal(np.concatenate([one["vector:a"] for one in loaded]), vectors)
    index = json.loads((out / "vectors.safetensors.index.json").read_text())
    assert [(shard["first"], shard["rows"]) for shard in index["shards"]] == [(0, 6), (6, 2)]
    assert index["metadata"] == ABOUT
    with safe_open(out / names[0], "numpy") as file:
        assert json.loads(file.metadata()["embedviz"]) == ABOUT
    assert pd.read_parquet(out / index["instances"])["text"].tolist() == [f"text {n}" for n in range(8)]
    # One shard is enough for what comes next, and none of the old ones may be taken for a part of it.
    monkeypatch.undo()
    with Store(out / "vectors.safetensors.partial", SETTINGS) as store:
        fill(store)
        join(store, out)
    assert sorted(path.name for path in out.glob("*.safetensors")) == ["vectors.safetensors"]


def test_vectors_that_are_not_finite_are_no_ground_for_a_mean(folder: Path, tmp_path: Path) -> None:
    with Store(folder, SETTINGS) as store:
        made = captured(chunk(0))
        made["a"].vectors[1, 1] = np.nan
        store.write(1, chunk(0), made)
        with pytest.raises(Exception, match="NaN"):
            join(store, tmp_path / "v.parquet", "centred")
        join(store, tmp_path / "v.parquet")
    assert np.isnan(np.stack(pd.read_parquet(tmp_path / "v.parquet")["vector"])[1, 1])


def test_a_part_knows_what_it_is(folder: Path) -> None:
    with Store(folder, SETTINGS) as store:
        store.write(1, chunk(0), captured(chunk(0)))
    part = Part.read(folder / "part-000001.parquet")
    assert part is not None
    assert (part.rows, part.cut, part.notes) == (3, 0, ())
    assert part.vectors == {"vector": {"layer": "a", "pooling": "mean", "width": 4}}
