"""A session saved and opened again: the same picture, with its checkpoint and without; nobody else sees any of it."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st

from embedviz.sessions import read_session
from embedviz.ui.session_file.saving import saved
from embedviz.ui.store import store
from tests.conftest import Save
from tests.packing import zipped
from tests.ui.conftest import App

LINES = "\n".join(f"{text}\t{label}" for text, label in [
    ("A lion sleeps.", "cat"), ("Interest went up.", "bank"), ("A wolf howls.", "dog"), ("The loan was paid.", "bank"),
])  # fmt: skip


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the button under "Take away" would give, of each page that was drawn."""
    made: list[bytes] = []
    monkeypatch.setattr(
        "embedviz.ui.take_away.save_session", lambda picture, session: made.append(saved(picture, session))
    )
    return made


def new_session() -> App:
    st.cache_resource.clear()
    return App().until_drawn()


def opened(app: App, data: bytes, name: str = "mine.embedviz") -> App:
    return app.upload((name, data))


def seen(app: App) -> dict[str, Any]:
    """The picture and the tables, without what a widget's key changes."""
    tables = [frame.value.to_json() for frame in app.at.dataframe]
    lines = [line for line in app.text.splitlines() if "survive" in line or "mean" in line.lower() or "·" in line]
    return {"figure": json.loads(app.figure)["data"], "tables": tables, "lines": [*lines[-6:]], "heading": app.heading}


def changed(data: bytes, **arrays: np.ndarray) -> bytes:
    """The same file with other arrays, and all that depends on what is in them as it was."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            part = io.BytesIO(old.read(name))
            if name.removesuffix(".npy") in arrays:
                part = io.BytesIO()
                np.save(part, arrays[name.removesuffix(".npy")])
            new.writestr(name, part.getvalue())
    return written.getvalue()


def test_a_session_reopened_is_the_same_picture(app: App, files: list[bytes]) -> None:
    app.paste(LINES).type("my own sentence")
    app.labelled("selectbox", "Layer").set_value("encoder.layer.2")
    app.until_drawn().labelled("selectbox", "Then").set_value("centred")
    app.until_drawn()
    before, data = seen(app), files[-1]
    session = read_session(data)
    assert session.choices.layer == "encoder.layer.2"
    assert "encoder.layer.2" in session.provenance
    assert "all-MiniLM-L6-v2" in session.provenance
    assert len(data) < 200_000, "No weights."
    again = new_session()
    assert seen(again) != before
    opened(again, data).until_drawn()
    assert not again.errors
    assert seen(again) == before
    assert again.labelled("selectbox", "Then").value == "centred"
    assert again.labelled("selectbox", "Layer").value == "encoder.layer.2"
    assert "bundled" in again.text
    # The checkpoint is there, so the session goes on.
    again.type("another sentence")
    assert "6 instances" in again.below_heading
    assert not again.errors


def test_a_hostile_file_stays_with_the_session_that_opened_it(app: App, files: list[bytes]) -> None:
    app.paste(LINES)
    honest, data = seen(app), files[-1]
    before = set(store._values)
    session = read_session(data)
    lies = changed(
        data, vectors=np.ones_like(session.embeddings.vectors), coordinates=np.full((4, 2), 77, dtype=np.float32)
    )
    hostile = opened(new_session(), lies).until_drawn()
    drawn = [trace for trace in json.loads(hostile.figure)["data"] if trace["mode"] == "markers"]
    assert {number for trace in drawn for number in _numbers(trace["x"])} == {77.0}
    fresh = set(store._values) - before
    assert fresh
    results = ("vectors", "map", "similarity", "trust")
    assert not [key for key in fresh if "file-" not in str(key) and str(key[0]) in results]
    # Whoever brings the same texts to the same checkpoint gets what the checkpoint makes of them.
    innocent = new_session().paste(LINES)
    assert seen(innocent) == honest


def _numbers(values: Any) -> list[float]:
    """Plotly sends arrays as base64, or as lists."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()
    return list(values)


def test_without_its_checkpoint_the_results_are_shown_and_it_is_said(app: App, files: list[bytes], save: Save) -> None:
    folder = save("Bert")
    app.upload(("tiny.zip", zipped(folder))).until(lambda app: "tiny.zip" in app.below_heading)
    app.until_drawn()
    before, data = seen(app), files[-1]
    again = opened(new_session(), data).until_drawn()
    assert "is not open here" in again.text
    assert seen(again)["figure"] == before["figure"]
    assert seen(again)["tables"] == before["tables"]
    assert not again.errors
    again.labelled("selectbox", "Layer").set_value("encoder.layer.0")
    again.run().until(lambda app: bool(app.errors))
    assert "The checkpoint of this session is not open, and this needs it" in again.errors
    again.page("Doctor").until(lambda app: "is not open, and this needs it" in app.errors)
    again.page("Compare").until(lambda app: "is not open, and this needs it" in app.errors)
    # Once it is opened, the session goes on with it.
    again.page("Explore")
    again.upload(("tiny.zip", zipped(folder))).until(lambda app: app.settled and "tiny.zip" in app.below_heading)
    assert "is not open here" not in again.text
    assert seen(again)["figure"] == before["figure"]
    again.type("now something new")
    assert "241 instances" in again.below_heading


def test_the_same_name_with_other_weights_is_said(
    app: App, files: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    app.paste(LINES)
    told = json.loads(zipfile.ZipFile(io.BytesIO(files[-1])).read("session.json"))
    told["checkpoint"]["fingerprint"] = "0" * 64
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(files[-1])) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            new.writestr(name, json.dumps(told) if name == "session.json" else old.read(name))
    again = opened(new_session(), written.getvalue()).until_drawn()
    assert "is another one here" in again.text
    assert seen(again)["figure"] == seen(app)["figure"]
    again.choose_way("Where the checkpoint is from", "bundled").press("Open the bundled model").until_drawn()
    assert "is another one here" not in again.text


def test_a_file_that_is_none_is_said_and_loses_nothing(app: App) -> None:
    app.type("kept over the failure")
    for data in (b"", b"not a zip", zipped(Path(__file__).parent)[:3000]):
        opened(app, data)
        assert "This is no session of embedviz" in app.errors
        assert "This is no session of embedviz" in app.run().errors, "It stays said when the page is drawn again."
    app.upload(("one.embedviz", b""), ("two.embedviz", b""))
    assert "A session is opened by itself: 2 files" in app.errors
    assert "241 instances" in app.below_heading
