"""The tokenizer lab without a browser, on a page of its own."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import embedviz as ev
from embedviz.workers.model_worker import Source
from embedviz.workers.pool import pool


def page() -> None:
    import streamlit as st

    from embedviz.records import Instances
    from embedviz.ui import flow
    from embedviz.ui.instance.tokenizer_lab import tokenizer_lab
    from embedviz.ui.settings import Settings
    from embedviz.ui.state import state

    session = state()
    opened = flow.ensure_open(session)
    flow.failure(session)
    texts = tuple(str(st.text_area("Texts", "Lions :red[sleep] ☂.\nA bank.")).split("\n"))
    if opened is not None:
        settings = Settings(opened, opened.recommended, "as trained", "l2", Instances(texts, texts))
        tokenizer_lab(session, opened, settings, texts)


class Lab:
    """The page, with what tests ask of it."""

    def __init__(self) -> None:
        self.at = AppTest.from_function(page, default_timeout=60)

    def until(self, told: str, seconds: float = 120.0) -> Lab:
        end = time.monotonic() + seconds
        while True:
            self.at.run()
            assert not self.at.exception, self.at.exception[0].message
            if told in self.text:
                return self
            assert time.monotonic() < end, f"It did not come. The page says: {self.text}"
            time.sleep(0.1)

    @property
    def marked(self) -> str:
        """All that the page says, as Markdown."""
        kinds = ("markdown", "caption", "info", "error")
        return "\n".join(str(each.value) for kind in kinds for each in getattr(self.at, kind))

    @property
    def text(self) -> str:
        return self.marked.replace("\\", "")

    def choose(self, other: str) -> Lab:
        self.at.selectbox(key="lab_other").set_value(other)
        return self

    def table(self, key: int) -> Any:
        return self.at.dataframe[key].value


@pytest.fixture(scope="module")
def lab() -> Lab:
    st.cache_resource.clear()
    return Lab().until("unknown, with the checkpoint's own")


def test_it_tells_what_capitals_do(lab: Lab) -> None:
    lab.choose("minilm_cased").until("3 of 11 tokens are unknown, with the checkpoint's own 1 of 11")
    assert "the vectors" in lab.text
    assert ":orange-badge[[UNK] · unknown “Lions”]" in lab.text
    # What a text holds is shown as it stands: its brackets mean nothing.
    assert ":red[" in lab.text
    assert ":red[" not in lab.marked
    assert "The doctor says of this checkpoint's own tokenizer" in lab.text
    assert "9% of the tokens of 2 texts are unknown" in lab.text
    totals, texts, tokens = lab.table(0), lab.table(1), lab.table(2)
    assert totals["Unknown"].tolist() == ["1 of 11", "3 of 11"]
    assert 0 < texts["Cosine"].iloc[0] < 1
    assert tokens["Token (own)"].tolist()[:3] == ["[CLS]", "lions", ":"]


def test_ids_without_a_vector_are_said_and_not_clamped(lab: Lab) -> None:
    lab.choose("characters").until("57,345 out of range")
    assert "cannot be given 2 of 2 texts" in lab.text
    assert lab.table(1)["Cosine"].isna().all()
    assert "2 ids are out of range" in lab.table(1)["Why there is no cosine"].iloc[1]


def test_a_file_waits_for_a_press_and_meets_no_shared_worker(lab: Lab) -> None:
    model = {"type": "WordLevel", "vocab": {"?": 100, "bank.": 2924}, "unk_token": "?"}
    parts = {"pre_tokenizer": {"type": "WhitespaceSplit"}, "added_tokens": []}
    lab.choose("upload").until("Tokenizer lab")
    written = json.dumps({"version": "1.0", "model": model, **parts}).encode()
    lab.at.file_uploader(key="lab_upload").set_value(("my *own*.json", written, "application/json"))
    lab.until("none of its code is run")
    assert "Every token" not in lab.text, "The result with another tokenizer would be taken for this one's."
    assert "from earlier settings" not in lab.text
    lab.at.button(key="lab_run").click()
    lab.until("4 of 5 tokens are unknown")
    assert "my *own*.json" in lab.text
    owners = {source.owner for source in pool()._workers if source.name == "all-MiniLM-L6-v2"}
    assert owners > {""}
    lab.at.file_uploader(key="lab_upload").set_value(("broken.json", b"{", "application/json"))
    lab.until("broken.json: none").at.button(key="lab_run").click()
    lab.until("not valid JSON")
    assert lab.at.button(key="again_tokenizers")


def test_no_text_is_said(lab: Lab) -> None:
    lab.at.text_area[0].set_value(" \n ")
    lab.until("Type or choose a text")
    assert not lab.at.dataframe


def test_the_worker_compares_as_the_library_does(bundled: ev.Checkpoint) -> None:
    texts = ["A lion sleeps.", "The bank raised its rates."]
    arguments = {"texts": texts, "ready": "bytes", "layer": "encoder.layer.2", "pooling": "mean"}
    there = pool().model(Source("all-MiniLM-L6-v2")).compare_tokenizers(arguments)
    here = ev.compare_tokenizers(bundled, texts, "bytes", "encoder.layer.2", "mean")
    assert there.own == here.own
    assert there.other == here.other
    assert [each.own for each in there.texts] == [each.own for each in here.texts]
    assert abs(there.other_vectors - here.other_vectors).max() < 1e-5
    assert there.findings == here.findings
