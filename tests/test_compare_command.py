"""``embedviz compare``: a report that opens from disk, or numbers, of one model, two, or one and its random weights."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import embedviz as ev
from embedviz.cli import main
from embedviz.modalities.instances import instances_from_table
from embedviz.modalities.table import read_table
from tests.conftest import Save

WORDS = ("cat", "dog", "lion", "wolf", "bank", "loan", "rate", "share")
HOSTILE = "</script><img src=x onerror=alert(1)>"
ROWS = [
    *((f"the {word} number {number} is here", "animal" if place < 4 else "money")
      for place, word in enumerate(WORDS) for number in range(8)),
    (HOSTILE, HOSTILE),
]  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text("text,label\n" + "".join(f'"{text}","{label}"\n' for text, label in ROWS))
    return path


def compare(*words: object) -> int:
    return main(["compare", *map(str, words)])


class Page(HTMLParser):
    """What a browser would make of the file: its elements, and the text of its headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.addresses: list[str] = []
        self.headings: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self._inside = tag
        self.addresses += [str(value) for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        if self._inside in ("h1", "h2", "h3") and data.strip():
            self.headings.append(data)


def test_the_report_of_one_model(save: Save, table: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "report.html"
    assert compare(save("Bert"), table, "--out", out) == 0
    assert "→" in capsys.readouterr().err
    text = out.read_text("utf-8")
    page = Page(text)
    assert page.addresses == [], "Nothing is fetched."
    assert "img" not in page.elements, "No label became an element."
    for heading in ("Maps", "Shared neighbours", "CKA (debiased)", "RSA", "Over the depth", "Biggest movers"):
        assert heading in page.headings
    assert re.search(r"pooled mean .*65 instances of table\.csv .*vectors centred", text)
    assert str(ev.open_checkpoint(save("Bert")).fingerprint[:12]) in text


def test_the_numbers_are_those_of_the_library(save: Save, table: Path, tmp_path: Path) -> None:
    out, folder = tmp_path / "numbers.json", save("Bert")
    assert compare(folder, table, "--layers", "encoder.layer.0,encoder.layer.1", "--out", out) == 0
    told = json.loads(out.read_text())
    instances = instances_from_table(read_table(table.read_bytes(), table.name).frame, text="text", label="label")
    with ev.open_checkpoint(folder) as checkpoint:
        captured = ev.capture(checkpoint, instances, ["encoder.layer.0", "encoder.layer.1"])
    found = ev.compare(captured)
    for name, agreement in found.agreements.items():
        np.testing.assert_allclose(told["agreements"][name]["values"], agreement.values, atol=1e-6)
    for name, curve in found.curves.items():
        np.testing.assert_allclose(np.array(told["curves"][name]["values"], float), curve.values, atol=1e-5)
    assert told["rows"] == ["layer.0", "layer.1"]


def test_two_models_of_other_widths(save: Save, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    wide = save("Bert", name="wide", hidden_size=48, num_attention_heads=4)
    assert compare(save("Bert"), wide, table, "--out", out) == 0
    assert "wide: " in out.read_text("utf-8")


def test_the_random_weights_of_the_same_model(save: Save, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "numbers.json"
    assert compare(save("Bert"), table, "--null", "--out", out) == 0
    told = json.loads(out.read_text())
    assert len(told["rows"]) == len(told["columns"]) > 1
    assert not set(told["rows"]) & set(told["columns"])
    values = np.array(told["agreements"]["mutual_neighbours"]["values"], float)
    assert values.max() < 1, "No layer is the very layer of the other."


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("CHECKPOINT", "--out", "report.html"), "One or two checkpoints"),
        (("CHECKPOINT", "TABLE", "--out", "report.pdf"), "written as .html or .json"),
        (("CHECKPOINT", "CHECKPOINT", "TABLE", "--null", "--out", "r.html"), "or with its own random weights"),
        (("CHECKPOINT", "TABLE", "--out", "r.html", "--layers", "nowhere"), "no such layer"),
        (("CHECKPOINT", "TABLE", "--out", "r.html", "--alignment", "nonsense"), "no such way to align"),
        (("CHECKPOINT", "TABLE", "--out", "r.html", "--postprocessing", "nonsense"), "no such post-processing"),
        (("CHECKPOINT", "missing.csv", "--out", "r.html"), "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(
    words: tuple[str, ...], told: str, save: Save, table: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save("Bert")
    monkeypatch.chdir(table.parent)
    given = [{"CHECKPOINT": str(folder), "TABLE": str(table)}.get(word, word) for word in words]
    assert compare(*given) == 2
    assert told in capsys.readouterr().err
    assert not list(table.parent.glob("r*.html"))
