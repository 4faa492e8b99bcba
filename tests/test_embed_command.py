"""``embedviz embed`` on files beyond a screenful: interrupted, gone on with, refused, and the same as at one go."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import embedviz as ev
from embedviz.cli import main
from embedviz.export import part as part_file
from tests.benchmarks import stream as benchmark
from tests.benchmarks.capture import texts
from tests.conftest import Save

ROOT = Path(__file__).resolve().parent.parent
LAYER = ("--layer", "encoder.layer.1", "--pooling", "mean")


@pytest.fixture
def tiny(save: Save) -> str:
    return str(save("Bert"))


def write_table(path: Path, count: int) -> Path:
    """``count`` different texts, some long; every tenth is blank."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "number"])
        writer.writerows([f"x{n}", " " if n % 10 == 9 else text, n] for n, text in enumerate(texts(count)))
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "table.csv", 100)


def embed(*words: object) -> int:
    return main(["embed", *map(str, words)])


def vectors(path: Path, name: str = "vector") -> Any:
    return np.stack(pq.read_table(path)[name].to_pylist()).astype(np.float32)


class Passes:
    """Counts the instances that go through the model, and does something on the way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int = 0, what: type[BaseException] | None = None) -> None:
        self.chunks: list[int] = []
        module = sys.modules["embedviz.capture"]
        capture = module.capture

        def counted(checkpoint: Any, instances: Any, *words: Any, **more: Any) -> Any:
            if what is not None and len(self.chunks) == at:
                raise what
            self.chunks.append(len(instances))
            return capture(checkpoint, instances, *words, **more)

        monkeypatch.setattr(module, "capture", counted)


def test_chunks_give_what_one_capture_gives(tiny: str, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "v.parquet"
    assert embed(tiny, table, *LAYER, "--chunk", 16, "--out", out) == 0
    kept = [text for n, text in enumerate(texts(100)) if n % 10 != 9]
    with ev.open_checkpoint(tiny) as checkpoint:
        expected = ev.capture(checkpoint, kept, ["encoder.layer.1"])["encoder.layer.1"].vectors
    np.testing.assert_allclose(vectors(out), expected, atol=1e-6)
    frame = pd.read_parquet(out)
    assert frame["text"].tolist() == kept
    assert frame["id"].tolist() == [f"x{n}" for n in range(100) if n % 10 != 9]
    assert frame["number"].tolist() == [n for n in range(100) if n % 10 != 9]
    about = json.loads(pq.read_schema(out).metadata[b"embedviz"])
    assert (about["rows"], about["without_text"], about["layers"]) == (90, 10, ["encoder.layer.1"])
    assert about["checkpoint"]["fingerprint"] == checkpoint.fingerprint
    assert not (tmp_path / "v.parquet.partial").exists()


@pytest.mark.parametrize("kind", [".parquet", ".npy", ".csv", ".safetensors"])
def test_after_control_c_only_what_is_missing_is_computed_and_the_file_is_the_same(
    tiny: str, table: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    words = (tiny, table, *LAYER, "--postprocessing", "standardised", "--chunk", 16, "--out")
    assert embed(*words, tmp_path / f"whole{kind}") == 0
    out = tmp_path / f"v{kind}"
    with monkeypatch.context() as patch:
        Passes(patch, at=4, what=KeyboardInterrupt)
        capsys.readouterr()
        assert embed(*words, out) == 130
    told = capsys.readouterr().err
    assert f"stopped; 58 of 100 are kept in {out}.partial; the same command goes on from there" in told
    assert not out.exists()
    passes = Passes(monkeypatch)
    assert embed(*words, out) == 0
    assert "continuing after 58 of 100" in capsys.readouterr().err
    assert passes.chunks == [14, 15, 3]
    assert out.read_bytes() == (tmp_path / f"whole{kind}").read_bytes()
    assert not (tmp_path / f"v{kind}.partial").exists()


def test_stopped_before_anything_was_kept(
    tiny: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    Passes(monkeypatch, at=0, what=KeyboardInterrupt)
    assert embed(tiny, table, *LAYER, "--out", tmp_path / "v.npy") == 130
    assert "nothing was kept yet" in capsys.readouterr().err
    assert not (tmp_path / "v.npy.partial").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals are of POSIX")
@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_and_gone_on_with(
    tiny: str, tmp_path: Path, how: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, out = write_table(tmp_path / "many.csv", 4_000), tmp_path / "v.parquet"
    words = [tiny, str(table), *LAYER, "--chunk", "50", "--out"]
    command = [sys.executable, "-m", "embedviz", "embed", *words, str(out)]

    def heed() -> None:
        """What a shell runs in the background ignores Ctrl-C, and so would this."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=heed) as process:
        deadline = time.monotonic() + 120
        while len(list(tmp_path.glob("v.parquet.partial/part-*.parquet"))) < 3:
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(how)
        assert process.stderr
        told = process.stderr.read()
    assert process.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 130)
    assert ("the same command goes on" in told) == (how == signal.SIGINT)
    assert "Traceback" not in told
    whole_parts = len(list(tmp_path.glob("v.parquet.partial/part-??????.parquet")))
    assert not out.exists()
    passes = Passes(monkeypatch)
    assert embed(*words, out) == 0
    assert len(passes.chunks) == 80 - whole_parts < 78
    assert embed(*words, tmp_path / "whole.parquet") == 0
    np.testing.assert_allclose(vectors(out), vectors(tmp_path / "whole.parquet"), atol=1e-6)
    drop = ["vector"]
    one, other = (pq.read_table(path).drop_columns(drop) for path in (out, tmp_path / "whole.parquet"))
    assert one.equals(other, check_metadata=True)


@pytest.fixture
def interrupted(tiny: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run stopped after four chunks of sixteen rows."""
    with monkeypatch.context() as patch:
        Passes(patch, at=4, what=KeyboardInterrupt)
        assert embed(tiny, table, *LAYER, "--chunk", 16, "--out", tmp_path / "v.parquet") == 130
    return tmp_path / "v.parquet"


CHANGES: dict[str, tuple[list[str], str]] = {
    "another layer": (["--layer", "encoder.layer.0", "--pooling", "mean", "--chunk", "16"], "the layers"),
    "another pooling": (["--layer", "encoder.layer.1", "--pooling", "max", "--chunk", "16"], "pooling (mean, now max)"),
    "another size of chunks": ([*LAYER, "--chunk", "20"], "the size of a chunk (16, now 20)"),
    "another column": ([*LAYER, "--chunk", "16", "--text", "id"], "the column of texts (text, now id)"),
}  # fmt: skip


@pytest.mark.parametrize("what", list(CHANGES))
def test_with_other_settings_it_does_not_go_on(
    interrupted: Path, tiny: str, table: Path, what: str, capsys: Any
) -> None:
    words, named = CHANGES[what]
    assert embed(tiny, table, *words, "--out", interrupted) == 2
    told = capsys.readouterr().err
    assert named in told
    assert "--restart" in told
    assert embed(tiny, table, *words, "--out", interrupted, "--restart") == 0
    assert "continuing" not in capsys.readouterr().err
    assert len(vectors(interrupted)) in (90, 100)


def test_nor_with_another_source_or_checkpoint(
    interrupted: Path, tiny: str, table: Path, save: Save, capsys: Any
) -> None:
    words = (*LAYER, "--chunk", 16, "--out", interrupted)
    other = save("Bert", name="other", num_hidden_layers=2)
    assert embed(other, table, *words) == 2
    assert "the checkpoint (" in capsys.readouterr().err
    table.write_text(table.read_text().replace("x99", "x98"))
    assert embed(tiny, table, *words) == 2
    assert "the content of the file of instances" in capsys.readouterr().err
    table.write_text(table.read_text().replace("x98", "x99", 1))


def test_post_processing_may_change_on_the_way(
    interrupted: Path, tiny: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is done when the parts are joined, so hours of work need not be thrown away for it."""
    passes = Passes(monkeypatch)
    words = (tiny, table, *LAYER, "--chunk", 16, "--postprocessing", "centred", "--out")
    assert embed(*words, interrupted) == 0
    assert len(passes.chunks) == 3
    np.testing.assert_allclose(vectors(interrupted).mean(axis=0), 0, atol=1e-6)


def test_a_part_that_was_cut_short_is_computed_again(
    interrupted: Path, tiny: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    part = interrupted.with_name("v.parquet.partial") / "part-000002.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    passes = Passes(monkeypatch)
    words = (tiny, table, *LAYER, "--chunk", 16, "--out")
    assert embed(*words, interrupted) == 0
    told = capsys.readouterr().err
    assert "continuing after 44 of 100" in told
    assert "1 part was damaged and will be computed again" in told
    assert passes.chunks == [14, 14, 15, 3]
    assert embed(*words, tmp_path / "whole.parquet") == 0
    assert interrupted.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_a_full_disk_is_one_line_and_goes_on_later(
    tiny: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    replace, calls = os.replace, []

    def full(*paths: Any) -> None:
        calls.append(paths)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(*paths)

    words = (tiny, table, *LAYER, "--chunk", 16, "--out", tmp_path / "v.parquet")
    with monkeypatch.context() as patch:
        patch.setattr(part_file.os, "replace", full)
        assert embed(*words) == 2
    told = capsys.readouterr().err
    assert re.search(r"embedviz: The vectors cannot be written \(No space left on device\).*29 are kept", told)
    assert embed(*words) == 0
    assert len(vectors(tmp_path / "v.parquet")) == 90


def test_several_layers_take_one_pass(
    tiny: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    passes = Passes(monkeypatch)
    out = tmp_path / "v.parquet"
    more = ("--layer", "encoder.layer.0")
    assert embed(tiny, table, *LAYER, *more, "--chunk", 50, "--out", out) == 0
    assert passes.chunks == [45, 45]
    told = capsys.readouterr().err
    for layer in ("encoder.layer.0", "encoder.layer.1"):
        assert f"90 × 32 from {layer}, mean, none" in told
        assert embed(tiny, table, "--layer", layer, "--pooling", "mean", "--out", tmp_path / "one.parquet") == 0
        np.testing.assert_allclose(vectors(out, f"vector:{layer}"), vectors(tmp_path / "one.parquet"), atol=1e-6)
    for kind in (".npy", ".csv"):
        assert embed(tiny, table, *LAYER, *more, "--out", tmp_path / f"v{kind}") == 2
        assert f"A {kind} file holds the vectors of one layer: 2 layers" in capsys.readouterr().err


def test_nothing_is_left_behind_where_nothing_could_be_done(tiny: str, table: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    assert embed(tiny, table, "--layer", "layer.9", "--out", f"{tmp_path / 'new'}/") == 2
    assert embed(tiny, table, "--pooling", "median", "--out", tmp_path / "v.parquet") == 2
    assert embed(tiny, table, "--chunk", 0, "--out", tmp_path / "v.parquet") == 2
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_for_safetensors_is_made(tiny: str, table: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    assert embed(tiny, table, *LAYER, "--out", f"{tmp_path / 'new'}/") == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "vectors.instances.parquet", "vectors.safetensors", "vectors.safetensors.index.json",
    ]  # fmt: skip
    assert load_file(tmp_path / "new" / "vectors.safetensors")["vector"].shape == (90, 32)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are of POSIX")
def test_instances_may_come_from_a_pipe(tiny: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("text\none\ntwo\n"))
    writer.start()
    assert embed(tiny, pipe, *LAYER, "--out", tmp_path / "v.npy") == 0
    writer.join()
    assert np.load(tmp_path / "v.npy").shape == (2, 32)


MALFORMED: dict[str, tuple[bytes, list[str]]] = {
    "a mark at the beginning": ("\ufefftext,n\nça va,1\nnon,2\n".encode(), ["ça va", "non"]),
    "latin-1": ("text,n\nça va,1\nété,2\n".encode("latin-1"), ["ça va", "été"]),
    "line ends in quotes": (b'text,n\n"one\r\ntwo",1\nthree,2\n', ["one\r\ntwo", "three"]),
    "a huge field": (b'text,n\n"' + b"word " * 60_000 + b'",1\nshort,2\n', ["word " * 60_000, "short"]),
    "rows too short": (b"text,n,m\none,1\ntwo\n", ["one", "two"]),
    "a quote never closed": (b'text,n\n"one,1\ntwo,2\n', ['"one', "two"]),
}


@pytest.mark.parametrize("how", list(MALFORMED))
def test_tables_as_they_come(tiny: str, tmp_path: Path, how: str) -> None:
    data, expected = MALFORMED[how]
    (tmp_path / "a.csv").write_bytes(data)
    assert embed(tiny, tmp_path / "a.csv", *LAYER, "--chunk", 1, "--out", tmp_path / "v.parquet") == 0
    assert pd.read_parquet(tmp_path / "v.parquet")["text"].tolist() == expected


@pytest.mark.parametrize("data", [b"", b"text,n\n", b"text,n\n ,1\n ,2\n", b"text,n\none,1\ntwo,2,3\n"])
def test_tables_with_nothing_in_them_or_too_much(tiny: str, tmp_path: Path, data: bytes, capsys: Any) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    assert embed(tiny, tmp_path / "a.csv", "--text", "text", *LAYER, "--out", tmp_path / "v.parquet") == 2
    told = [line for line in re.split(r"[\r\n]", capsys.readouterr().err) if line.startswith("embedviz: ")]
    assert len(told) == 1
    assert not (tmp_path / "v.parquet.partial").exists()


def test_the_vectors_are_those_of_sentence_transformers(tmp_path: Path) -> None:
    encoder = pytest.importorskip("sentence_transformers")
    from embedviz.checkpoints import bundled_path

    items = texts(200)
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": item}) + "\n" for item in items))
    assert embed("bundled", tmp_path / "a.jsonl", "--chunk", 64, "--out", tmp_path / "v.parquet") == 0
    oracle = encoder.SentenceTransformer(str(bundled_path()), device="cpu").encode(items)
    assert np.abs(vectors(tmp_path / "v.parquet") - oracle).max() <= 1e-6


@pytest.mark.long
@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(save: Save, tmp_path: Path) -> None:
    model = str(save("Bert"))
    peaks = []
    for count in (2_000, 20_000):
        table = tmp_path / f"{count}.csv"
        table.write_text("id,text\n" + "".join(f"x{n},text number {n} of many\n" for n in range(count)))
        measured = benchmark.run(table, tmp_path / f"{count}.parquet", 500, model=model)
        assert measured.rows == measured.computed == count
        peaks.append(measured.peak)
    assert peaks[1] < peaks[0] + 24 * 2**20, [peak / 2**20 for peak in peaks]


def test_tensors_in_a_file_are_embedded(tmp_path: Path) -> None:
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    torch.save(model, tmp_path / "model.pt")
    numbers = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    np.save(tmp_path / "numbers.npy", numbers)
    assert embed(tmp_path / "model.pt", tmp_path / "numbers.npy", "--chunk", 16, "--out", tmp_path / "v.parquet") == 0
    with torch.inference_mode():
        expected = model[1](model[0](torch.from_numpy(numbers))).numpy()
    np.testing.assert_allclose(vectors(tmp_path / "v.parquet"), expected, atol=1e-6)
    np.save(tmp_path / "wrong.npy", numbers[:, :3])
    assert embed(tmp_path / "model.pt", tmp_path / "wrong.npy", "--out", tmp_path / "w.parquet") == 2


def test_a_folder_of_pictures_is_embedded(tmp_path: Path, capsys: Any) -> None:
    import torch

    from embedviz.modalities.samples import load_sample

    layers = (torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 3))
    torch.save(torch.nn.Sequential(*layers), tmp_path / "model.pt")
    digits = load_sample("digit-pictures")
    for item, label in zip(digits.items[:60], digits.labels or (), strict=False):
        folder = tmp_path / "pictures" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{hash(item.name) % 10**9}.png").write_bytes(item.data)
    (tmp_path / "pictures" / "broken.png").write_bytes(digits.items[0].data[:30])
    out = tmp_path / "v.parquet"
    assert (
        embed(tmp_path / "model.pt", tmp_path / "pictures", "--layer", "0", "--pooling", "flatten", "--out", out) == 0
    )
    assert "broken.png" in capsys.readouterr().err
    table = pq.read_table(out)
    assert table.column_names == ["id", "name", "label", "vector"]
    assert vectors(out).shape == (60, 4 * 6 * 6)
    assert len(set(table["label"].to_pylist())) > 1


def test_what_it_would_take_is_said_and_nothing_is_done(tiny: str, table: Path, tmp_path: Path, capsys: Any) -> None:
    assert embed(tiny, table, *LAYER, "--estimate", "--out", tmp_path / "v.parquet") == 0
    assert "100 instances: about" in capsys.readouterr().out
    assert not list(tmp_path.glob("v.parquet*"))
