"""The whole app without a browser, run again and again until it shows what is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import embedviz.ui
from embedviz.workers.pool import pool

MAIN = Path(str(embedviz.ui.__file__)).with_name("main.py")


class App:
    """A session of the app, with what tests ask of it."""

    def __init__(self) -> None:
        self.at = AppTest.from_file(str(MAIN), default_timeout=60)

    def run(self) -> App:
        self.at.run()
        assert not self.at.exception, self.at.exception[0].message
        return self

    def until(self, condition: Callable[[App], bool], seconds: float = 120.0) -> App:
        """Run until the condition holds, as a page does that looks again while work goes on."""
        end = time.monotonic() + seconds
        while not condition(self):
            assert time.monotonic() < end, f"It did not come. The page says: {self.text}"
            time.sleep(0.05)
            self.run()
        return self

    def until_drawn(self) -> App:
        """Until the picture of the present settings is there."""
        return self.run().until(lambda app: app.settled and bool(app.heading))

    @property
    def settled(self) -> bool:
        return not self.at.get("progress") and "from earlier settings" not in self.text

    @property
    def text(self) -> str:
        """All that the page says."""
        kinds = ("markdown", "caption", "info", "error", "warning")
        told = [str(element.value) for kind in kinds for element in getattr(self.at, kind)]
        return "\n".join(told).replace("\\", "")

    @property
    def heading(self) -> str:
        return next((each.value[2:].replace("\\", "") for each in self.at.markdown if each.value.startswith("# ")), "")

    @property
    def below_heading(self) -> str:
        """Which model, pooling and instances the picture is of."""
        return next((line for line in self.text.splitlines() if " · pooled " in line), "")

    @property
    def figure(self) -> str:
        """What is drawn, as JSON."""
        charts = self.at.get("plotly_chart")
        return str(charts[0].proto.spec) if charts else ""

    @property
    def errors(self) -> str:
        return "\n".join(str(each.value) for each in self.at.error).replace("\\", "")

    def labelled(self, kind: str, label: str) -> Any:
        return next(element for element in getattr(self.at, kind) if element.label == label)

    def shows(self, kind: str, label: str) -> bool:
        return any(element.label == label for element in getattr(self.at, kind))

    def choose_way(self, label: str, way: str) -> App:
        """Press one of the segments "Bundled | Upload", "Samples | Paste | …"."""
        self.labelled("button_group", label).set_value(way)
        return self.run()

    def press(self, label: str) -> App:
        self.labelled("button", label).click()
        return self.run()

    def paste(self, text: str) -> App:
        self.choose_way("Where the instances are from", "paste")
        self.labelled("text_area", "One instance a line").set_value(text)
        return self.press("Use these lines").until_drawn()

    def type(self, text: str) -> App:
        self.labelled("text_input", "Add a sentence of your own").set_value(text)
        return self.press("Add").until_drawn()

    def upload_table(self, name: str, data: bytes) -> App:
        self.choose_way("Where the instances are from", "file")
        self.labelled("file_uploader", "CSV, TSV, JSONL, Parquet or TXT").set_value((name, data, "text/csv"))
        return self.run()

    def upload(self, *files: tuple[str, bytes]) -> App:
        """Upload a checkpoint: one file, an archive, or the files of one model."""
        self.choose_way("Where the checkpoint is from", "upload")
        uploader = self.labelled("file_uploader", "A file, an archive, or the files of one model")
        uploader.set_value([(name, data, "application/octet-stream") for name, data in files])
        return self.run().press("Open the upload")

    def page(self, title: str) -> App:
        """Turn to a page. AppTest's own way knows pages that are files only."""
        self.at._page_hash = calc_hash(title.lower())
        return self.run()


@pytest.fixture(scope="session", autouse=True)
def _workers() -> None:
    """Begin to warm up at once."""
    pool()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    """A new session with its first picture. All of AppTest's sessions have one name, so the last one's state goes."""
    # What a change costs depends on the machine; here every one is drawn without being asked for.
    monkeypatch.setattr("embedviz.ui.cost._QUICK", float("inf"))
    st.cache_resource.clear()
    return App().until_drawn()
