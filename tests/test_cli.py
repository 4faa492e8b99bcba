"""The command line: what it prints, what it writes, and how it says no."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import embedviz as ev
from embedviz import cli
from embedviz.cli import main
from tests.conftest import Save

ROOT = Path(__file__).resolve().parent.parent
ROWS = [("A cat sleeps.", "pet"), ("Dogs bark, often.", "pet"), ("Shares fell.", "money"), ("=1+1", "formula")]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in ROWS))
    return path


@pytest.fixture
def tiny(save: Save) -> str:
    return str(save("Bert"))


def embed(*words: object) -> int:
    return main(["embed", *map(str, words)])


def expected(tiny: str, layer: str = "encoder.layer.1", pooling: str = "mean") -> ev.Embeddings:
    with ev.open_checkpoint(tiny) as checkpoint:
        return ev.capture(checkpoint, [text for text, _ in ROWS], [layer], pooling)[layer]


def test_layers_lists_what_can_be_captured(tiny: str, capsys: Any) -> None:
    assert main(["layers", tiny]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^encoder\.layer\.1 +block +BertLayer +instances × tokens × 32$", out, re.MULTILINE)
    assert re.search(r"^\. +\S* *BertModel", out, re.MULTILINE), "the whole model is a dot"
    assert "recommended" in out
    assert not re.search(r"^encoder\.layer +", out, re.MULTILINE)


def test_layers_all_lists_the_others_with_the_reason(tiny: str, capsys: Any) -> None:
    assert main(["layers", tiny, "--all"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^encoder\.layer +\S* *ModuleList .*groups", out, re.MULTILINE)
    with ev.open_checkpoint(tiny) as checkpoint:
        assert len(out.splitlines()) == 2 + sum(not layer.part for layer in checkpoint.layers)
    assert main(["layers", tiny, "--all", "--parts"]) == 0
    with ev.open_checkpoint(tiny) as checkpoint:
        assert len(capsys.readouterr().out.splitlines()) == 2 + len(checkpoint.layers)


def test_npy_holds_the_librarys_vectors(tiny: str, table: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "vectors.npy"
    assert embed(tiny, table, "--layer", "encoder.layer.1", "--pooling", "mean", "--out", out) == 0
    vectors = np.load(out)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected(tiny).vectors, atol=1e-6)
    told = capsys.readouterr()
    assert told.out == ""
    assert f"4 × 32 from encoder.layer.1, mean, none → {out}" in told.err


def test_parquet_holds_ids_texts_labels_and_vectors(tiny: str, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "vectors.parquet"
    assert embed(tiny, table, "--layer", "encoder.layer.1", "--pooling", "mean", "--out", out) == 0
    frame = pd.read_parquet(out)
    assert frame["text"].tolist() == [text for text, _ in ROWS]
    assert frame["label"].tolist() == [label for _, label in ROWS]
    assert frame["id"].tolist() == ["1", "2", "3", "4"]
    np.testing.assert_allclose(np.stack(frame["vector"]), expected(tiny).vectors, atol=1e-6)


def test_csv_holds_the_same_and_no_formula(tiny: str, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "vectors.csv"
    assert embed(tiny, table, "--layer", "encoder.layer.1", "--pooling", "max", "--out", out) == 0
    frame = pd.read_csv(out)
    assert frame["text"].tolist() == ["A cat sleeps.", "Dogs bark, often.", "Shares fell.", "'=1+1"]
    vectors = frame.filter(regex=r"^d\d+$").to_numpy()
    np.testing.assert_allclose(vectors, expected(tiny, pooling="max").vectors, atol=1e-5)


def test_post_processing_is_the_librarys(tiny: str, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "vectors.npy"
    assert (
        embed(tiny, table, "--layer", "encoder.layer.1", "--pooling", "mean", "--postprocessing", "l2", "--out", out)
        == 0
    )
    np.testing.assert_allclose(np.load(out), ev.postprocess(expected(tiny), "l2").vectors, atol=1e-6)


def test_without_a_layer_it_is_the_recommended_one(
    bundled: ev.Checkpoint, table: Path, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "vectors.npy"
    assert embed("bundled", table, "--out", out) == 0
    layer = bundled.recommended.path
    here = ev.capture(bundled, [text for text, _ in ROWS], [layer], "as trained")[layer]
    np.testing.assert_allclose(np.load(out), here.vectors, atol=1e-6)
    assert f"4 × 384 from {layer}" in capsys.readouterr().err


def test_what_was_left_out_or_cut_is_said(tiny: str, tmp_path: Path, capsys: Any) -> None:
    table = tmp_path / "gaps.csv"
    table.write_text('text\nfirst\n""\nsecond ' + "word " * 600 + "\n")
    assert embed(tiny, table, "--layer", "encoder.layer.0", "--out", tmp_path / "x.npy") == 0
    told = capsys.readouterr().err
    assert "gaps.csv: 1 empty rows left out" in told
    assert "1 texts were longer than the model takes and were cut" in told


WRONG: dict[str, tuple[list[str], str]] = {
    "no such model": (["layers", "{tmp}/nothing"], "nothing"),
    "a file that is no model": (["layers", "{table}"], "table.csv"),
    "no such layer": (["embed", "{tiny}", "{table}", "--layer", "layer.9", "--out", "{tmp}/x.npy"], "layer.9"),
    "no such pooling": (["embed", "{tiny}", "{table}", "--pooling", "median", "--out", "{tmp}/x.npy"], "median"),
    "no such post-processing": (
        ["embed", "{tiny}", "{table}", "--pooling", "mean", "--postprocessing", "pca", "--out", "{tmp}/x.npy"], "pca"
    ),
    "no such table": (["embed", "{tiny}", "{tmp}/none.csv", "--out", "{tmp}/x.npy"], "none.csv"),
    "a folder for a table": (["embed", "{tiny}", "{tmp}", "--out", "{tmp}/x.npy"], "cannot be read"),
    "no such column": (["embed", "{tiny}", "{table}", "--text", "body", "--out", "{tmp}/x.npy"], "body"),
    "a kind of file it cannot write": (["embed", "{tiny}", "{table}", "--out", "{tmp}/x.xlsx"], "x.xlsx"),
    "no such folder to write to": (["embed", "{tiny}", "{table}", "--out", "{tmp}/no/x.npy"], "no such folder"),
    "no such folder of models": (["--models", "{tmp}/none"], "none"),
}  # fmt: skip


@pytest.mark.parametrize("how", list(WRONG))
def test_bad_input_is_one_line_and_code_2(how: str, tiny: str, table: Path, tmp_path: Path, capsys: Any) -> None:
    words, named = WRONG[how]
    assert main([word.format(tmp=tmp_path, table=table, tiny=tiny) for word in words]) == 2
    told = capsys.readouterr()
    lines = [line for line in re.split(r"[\r\n]", told.err) if line.startswith("embedviz: ")]
    assert len(lines) == 1, told.err
    assert named in lines[0]
    assert "Traceback" not in told.err
    assert told.out == ""


def test_a_bar_on_stderr_tells_how_far_it_is(tiny: str, table: Path, tmp_path: Path, capsys: Any) -> None:
    assert embed(tiny, table, "--layer", "encoder.layer.1", "--out", tmp_path / "x.npy") == 0
    assert re.search(r"\d/4 ", capsys.readouterr().err)


@pytest.mark.long
def test_the_same_as_a_module_in_a_process_of_its_own(tiny: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "embedviz"]
    done = subprocess.run([*command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for word in ("layers", "embed", "--models", "--port"):
        assert word in done.stdout
    missing = [*command, "embed", tiny, str(tmp_path / "none.csv"), "--out", str(tmp_path / "x.npy")]
    failed = subprocess.run(missing, cwd=ROOT, capture_output=True, text=True, check=False)
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert len(failed.stderr.splitlines()) == 1, failed.stderr


@pytest.mark.long
def test_a_reader_that_has_seen_enough_is_no_error(tiny: str) -> None:
    command = f"{sys.executable} -m embedviz layers {tiny} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] in ("0", "141")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_without_a_command_it_becomes_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(cli.os, "execv", lambda _path, words: became.append(words))
    main(["--port", "8700", "--models", str(tmp_path)])
    [words] = became
    assert words[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert Path(words[4]) == ROOT / "app.py"
    assert words[words.index("--server.port") + 1] == "8700"
    assert words[words.index("--server.address") + 1] == "127.0.0.1"
    assert words[words.index("--") + 1 :] == ["--models", str(tmp_path.resolve())]


def doctor(capsys: Any, *words: object) -> tuple[int, dict[str, Any]]:
    """The exit code and the report of ``embedviz doctor … --json``."""
    code = main(["doctor", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_doctor_of_a_healthy_checkpoint(capsys: Any, table: Path) -> None:
    code, report = doctor(capsys, "bundled", table)
    assert (code, report["exit_code"]) == (0, 0)
    assert {finding["severity"] for finding in report["findings"]} <= {"info"}
    checked = {entry["code"] for entry in report["checked"] if entry["passed"]}
    assert {"tokenizer.unknown-instances", "behaviour.batch", "weights.missing", "files.truncated"} <= checked
    assert all(
        set(finding) >= {"code", "severity", "title", "evidence", "why", "remedy"} for finding in report["findings"]
    )


def test_the_doctor_of_a_checkpoint_to_be_careful_with(capsys: Any, tiny: str) -> None:
    code, report = doctor(capsys, tiny)
    assert code == 1
    assert "weights.fresh" in {finding["code"] for finding in report["findings"]}


def test_the_doctor_of_what_cannot_be_used(capsys: Any, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_text("<html>Sign in</html>")
    code, report = doctor(capsys, tmp_path / "model.bin")
    assert code == 2
    assert [finding["code"] for finding in report["findings"]] == ["files.web-page"]
    assert main(["doctor", str(tmp_path / "model.bin")]) == 2
    told = capsys.readouterr().out
    assert "web page" in told
    assert "Traceback" not in told


def test_the_doctor_repairs_and_saves(capsys: Any, tiny: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = Path(tiny) / "model.safetensors"
    save_file({f"module.{name}": tensor for name, tensor in load_file(weights).items()}, weights)
    code, report = doctor(capsys, tiny)
    assert (code, report["findings"][0]["repair"]) == (2, "prefix")
    assert main(["doctor", tiny]) == 2
    assert "--repair prefix" in capsys.readouterr().out
    copy = tmp_path / "copy"
    assert main(["doctor", tiny, "--repair", "prefix", "--save", str(copy)]) == 1
    capsys.readouterr()
    code, report = doctor(capsys, copy)
    assert code == 1
    assert "weights.prefix" not in {finding["code"] for finding in report["findings"]}
    assert main(["doctor", tiny, "--repair", "prefix", "--save", str(copy)]) == 2
    assert "not empty" in capsys.readouterr().err


def test_what_is_assumed_must_be_named(capsys: Any, tiny: str) -> None:
    assert main(["layers", tiny, "--assume", "heads"]) == 2
    assert "NAME=VALUE" in capsys.readouterr().err
    assert main(["layers", tiny, "--assume", "num_attention_heads=5"]) == 2
    assert "attention heads" in capsys.readouterr().err


def test_a_random_layer_needs_insistence(capsys: Any, tiny: str, table: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = Path(tiny) / "model.safetensors"
    kept = {name: tensor for name, tensor in load_file(weights).items() if not name.startswith("pooler")}
    save_file(kept, weights)
    words = (tiny, table, "--layer", "pooler", "--out", tmp_path / "out.npy")
    assert embed(*words) == 2
    assert "random" in capsys.readouterr().err
    assert embed(*words, "--insist") == 0
    assert np.load(tmp_path / "out.npy").shape == (4, 32)
