"""CSV that no spreadsheet takes for a program."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz.export.tables import to_csv


def cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    "text",
    [
        "=cmd|' /C calc'!A0",
        "+1+cmd",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "＝1",
        "=HYPERLINK(1)",
        "-",
        "+",
    ],
)
def test_formulas_get_an_apostrophe(text):
    assert cells(to_csv(pd.DataFrame({"text": [text]})))[1] == ["'" + text]


@pytest.mark.parametrize("text", ["-3", "-3.5", "+2", "1e-5", "-.5", "plain - text", "a=b", "", "café"])
def test_other_text_stays(text):
    assert cells(to_csv(pd.DataFrame({"text": [text], "x": [1]})))[1][0] == text


def test_numbers_stay_numbers():
    frame = pd.DataFrame(
        {"n": [-1, 2], "x": [-0.5, float("nan")], "ok": [True, False], "i": pd.array([-3, None], dtype="Int64")}
    )
    text = to_csv(frame).decode("utf-8-sig")
    assert text.splitlines()[1] == "-1,-0.5,True,-3"
    back = pd.read_csv(io.BytesIO(to_csv(frame)))
    assert back["n"].tolist() == [-1, 2]
    assert np.isnan(back["x"][1])


def test_headers_and_other_types():
    frame = pd.DataFrame({"=head": [["=1"]], "d": [pd.Timestamp("2020-01-02")], "c": pd.Categorical(["=x"])})
    assert cells(to_csv(frame)) == [["'=head", "d", "c"], ["['=1']", "2020-01-02 00:00:00", "'=x"]]


def test_two_columns_of_one_name_and_the_frame_untouched():
    frame = pd.DataFrame([["=a", "=b"]], columns=["x", "x"])
    assert cells(to_csv(frame))[1] == ["'=a", "'=b"]
    assert frame.iloc[0].tolist() == ["=a", "=b"]


def test_excel_finds_its_mark_and_broken_characters_do_not_stop_it():
    data = to_csv(pd.DataFrame({"t": ["é \ud800 \x00."]}, dtype=object))
    assert data.startswith(b"\xef\xbb\xbf")
    assert cells(data)[1] == ["é ? ."]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_every_cell_comes_back_and_none_begins_a_formula(texts):
    rows = cells(to_csv(pd.DataFrame({"text": texts, "n": range(len(texts))})))[1:]
    assert len(rows) == len(texts)
    for text, (cell, _) in zip(texts, rows, strict=True):
        expected = text.encode("utf-8", "replace").decode().replace("\x00", "")
        assert cell in (expected, "'" + expected)
        assert not cell.startswith(("=", "@", "\t", "\r"))
