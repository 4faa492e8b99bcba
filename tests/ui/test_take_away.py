"""What the Explore page lets a person take away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import embedviz as ev
from embedviz.ui.compare.take_away import report, take_away
from embedviz.ui.take_away.page import made as page_of
from embedviz.vectors import postprocess
from tests.ui.conftest import App

LINES = ["A lion sleeps in the grass.", 'She said "stop"; he didn\'t.', "Interest on loans went up."]


def test_the_script_makes_the_vectors_of_the_page(app: App, bundled: ev.Checkpoint, tmp_path: Path) -> None:
    app.paste("\n".join(LINES)).press("Write a Python script")
    [code] = [each.value for each in app.at.code]
    (tmp_path / "reproduce.py").write_text(code, "utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "reproduce.py"], cwd=tmp_path, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    captured = ev.capture(bundled, LINES, ["encoder.layer.5"], "as trained")["encoder.layer.5"]
    expected = postprocess(captured, "l2").vectors
    assert np.abs(np.load(tmp_path / "vectors.npy") - expected).max() <= 1e-6
    assert "embedviz" not in [line.split()[1] for line in code.splitlines() if line.startswith(("import ", "from "))]


def test_another_choice_wants_another_script(app: App) -> None:
    # Other lines than above: a script that was written once is there at once.
    app.paste("\n".join([*LINES, "Rain fell."])).press("Write a Python script")
    assert len(app.at.code) == 1
    app.labelled("selectbox", "Then").set_value("centred")
    app.run().until_drawn()
    assert not app.at.code
    app.press("Write a Python script")
    assert "mean(" in app.at.code[0].value


def test_why_there_can_be_no_script_is_said(app: App) -> None:
    app.paste("\n".join(f"{number} {'word ' * 4000}" for number in range(60))).press("Write a Python script")
    assert not app.at.code
    assert any("script" in str(each.value) for each in app.at.info)


def test_pages_and_pictures_of_what_is_on_screen(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[str] = []
    monkeypatch.setattr("embedviz.ui.take_away.page", lambda *shown: pages.append(page_of(*shown)))
    monkeypatch.setattr(
        "embedviz.ui.compare.page.take_away",
        lambda compared, session: (pages.append(report(compared, session.compare)), take_away(compared, session)),
    )
    app.paste("\n".join([*LINES, "Rain fell.", "Snow fell."]))
    for part in ("A lion sleeps in the grass.", "fingerprint c4a57a7f2011", "encoder.layer.5", "pooled as trained"):
        assert part in pages[-1]
    assert "PCA · seed 0 · 5 instances" in pages[-1], "So few have no other map."
    app.press("Draw picture")
    assert "map.png" in downloads(app)
    app.page("Compare").until(lambda app: app.settled and "<h2>Maps</h2>" in pages[-1], 120)
    assert "A lion sleeps in the grass." in pages[-1]
    assert "Layers compared: all-MiniLM-L6-v2" in pages[-1]
    assert {"Report as HTML", "How alike, as CSV", "Curves, as CSV"} <= downloads(app)
    for what, name in (("Curves", "curves.png"), ("Maps", "maps.png")):
        app.choose_way("Picture of", what).press("Draw picture")
        assert name in downloads(app)
    app.choose_way("Picture of", "How alike").press("Draw picture")
    assert any("It takes 10 instances" in str(each.value) for each in app.at.info), "Of so few it is not measured."
    assert not app.errors


def downloads(app: App) -> set[str]:
    return {each.proto.label for each in app.at.get("download_button")}
