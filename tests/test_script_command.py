"""``embedviz script``: what it writes, where the script finds its files, and how it says no."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import embedviz as ev
from embedviz.cli import main
from tests.conftest import Save
from tests.export.scripts import alone

ROWS = [("A cat sleeps.", "pet"), ("Dogs bark, often.", "pet"), ("Shares fell.", "money"), ("", "none")]


@pytest.fixture
def here(save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with a model and a table in folders beside each other."""
    save("Bert", name="model")
    (tmp_path / "data").mkdir()
    table = "id,text,label\n" + "".join(f'{n}a,"{text}",{label}\n' for n, (text, label) in enumerate(ROWS))
    (tmp_path / "data" / "table.csv").write_text(table)
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def script(*words: object) -> int:
    return main(["script", *map(str, words)])


@pytest.mark.long
def test_it_writes_a_script_that_finds_its_files_from_where_it_lies(here: Path, capsys: Any) -> None:
    options = ["--layer", "encoder.layer.1", "--pooling", "max", "--postprocessing", "l2", "--seed", 7]
    assert script("model", "data/table.csv", *options, "--out", "out/reproduce.py") == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "table.csv: 1 empty rows left out" in told.err
    assert "3 instances" in told.err
    text = (here / "out" / "reproduce.py").read_text("utf-8")
    assert "CHECKPOINT = HERE / '../model'" in text
    assert "seed            7 " in text
    assert str(here) not in text
    # All of it may be moved, as long as it stays together.
    moved = Path(shutil.move(here / "out", here / "elsewhere"))
    done = alone(moved)
    assert done.returncode == 0, done.stderr
    with ev.open_checkpoint("model") as checkpoint:
        found = ev.capture(checkpoint, [text for text, _ in ROWS[:3]], ["encoder.layer.1"], "max")["encoder.layer.1"]
    assert np.abs(np.load(moved / "vectors.npy") - ev.postprocess(found, "l2").vectors).max() <= 1e-6
    assert json.loads((moved / "ids.json").read_text()) == ["0a", "1a", "2a"]


def test_the_bundled_model_is_found_in_its_package(here: Path) -> None:
    assert script("bundled", "data/table.csv", "--out", "out/reproduce.py") == 0
    text = (here / "out" / "reproduce.py").read_text("utf-8")
    assert "As this model was trained: mean over tokens, then L2." in text
    assert "site-packages" not in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["model", "data/table.csv", "--out", "nowhere/reproduce.py"], "no such folder"),
        (["model", "data/none.csv", "--out", "reproduce.py"], "cannot be read"),
        (["model", "data/table.csv", "--layer", "encoder.layer.9", "--out", "reproduce.py"], "Did you mean"),
        (["model", "data/table.csv", "--text", "txt", "--out", "reproduce.py"], "no such column"),
        (["model", "data/table.csv", "--postprocessing", "l3", "--out", "reproduce.py"], "no such post-processing"),
        (["model", "data/table.csv", "--out", "out"], "cannot be written"),
    ],
)
def test_bad_input_ends_in_one_line(words: list[str], told: str, here: Path, capsys: Any) -> None:
    assert script(*words) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("embedviz: ")
    assert told in lines[-1]
    assert not (here / "reproduce.py").exists()
