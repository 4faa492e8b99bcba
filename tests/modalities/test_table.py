"""Tables that people bring, whole and broken."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedviz.errors import InstancesError
from embedviz.modalities.table import guess_columns, instances_from_lines, instances_from_table, read_table

CSV = "text,label,score\na big cat,animal,1.5\na small tree,plant,2\n"


def rows(table):
    return [
        tuple(None if pd.isna(value) else value for value in row)
        for row in table.frame.astype(object).itertuples(index=False, name=None)
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_delimiters_and_encodings(delimiter, encoding):
    data = CSV.replace(",", delimiter).encode(encoding)
    table = read_table(data, "table.csv")
    assert list(table.frame.columns) == ["text", "label", "score"]
    assert rows(table) == [("a big cat", "animal", 1.5), ("a small tree", "plant", 2.0)]


def test_the_name_does_not_decide():
    assert list(read_table(CSV.encode(), "table.txt").frame.columns) == ["text", "label", "score"]
    assert list(read_table(b'{"text": "a"}\n{"text": "b"}\n', "table.csv").frame["text"]) == ["a", "b"]
    assert list(read_table(CSV.encode(), "").frame.columns) == ["text", "label", "score"]


def test_western_encoding_is_read_with_a_note():
    table = read_table("text;label\nle café est fermé;lieu\nà bientôt;adieu\n".encode("cp1252"), "a.csv")
    assert table.frame["text"].tolist() == ["le café est fermé", "à bientôt"]
    assert any("Windows-1252" in note for note in table.notes)


def test_bytes_outside_cp1252_fall_back_to_latin_1():
    assert read_table(b"text\nabc \x81\xe9\n", "a.csv").frame["text"].tolist() == ["abc \x81é"]


def test_one_damaged_byte_does_not_spoil_the_whole():
    data = "text\nça va très bien, été comme hiver\n".encode() + b"broken \xff here\n"
    table = read_table(data, "a.txt")
    assert table.frame["text"].tolist() == ["ça va très bien, été comme hiver", "broken \ufffd here"]
    assert any("1 damaged place" in note for note in table.notes)


def test_quoted_newlines_delimiters_and_quotes():
    table = read_table(b'text,label\n"one\ntwo, three",a\n"he said ""no""",b\n', "a.csv")
    assert rows(table) == [("one\ntwo, three", "a"), ('he said "no"', "b")]


def test_stray_quote_inside_a_cell():
    assert rows(read_table(b'text,label\na 5" nail,x\n"b" and c,y\n', "a.csv")) == [
        ('a 5" nail', "x"),
        ("b and c", "y"),
    ]


def test_quote_that_is_never_closed_keeps_every_row():
    lines = "".join(f"line {number},x\n" for number in range(50))
    table = read_table(f'text,label\n"open,y\n{lines}'.encode(), "a.csv")
    assert len(table.frame) == 51
    assert table.frame["text"][0] == '"open'
    assert any("never closed" in note for note in table.notes)


def test_stray_quotes_do_not_hide_one_that_is_never_closed():
    lines = "".join(f"line {number},x\n" for number in range(500))
    table = read_table(f'text,label\n"a" b,y\n"open,y\n{lines}'.encode(), "a.csv")
    assert len(table.frame) == 502


def test_a_cell_as_long_as_a_book():
    long = "word " * 60_000
    assert read_table(f'text,label\n"{long}",a\nshort,b\n'.encode(), "a.csv").frame["text"][0] == long


def test_long_row_names_its_line():
    with pytest.raises(InstancesError, match="line 4") as caught:
        read_table(b"text,label\na,x\nb,y\nHello, world,z\nc,x\n", "a.csv")
    assert "double quotes" in caught.value.remedy


def test_short_rows_are_filled_and_counted():
    table = read_table(b"text,label,more\na,x,1\nb\nc,y,2\n", "a.csv")
    assert rows(table) == [("a", "x", 1), ("b", None, None), ("c", "y", 2)]
    assert any("1 row has fewer cells" in note and "line 3" in note for note in table.notes)


def test_empty_cells_at_the_end_are_no_error():
    assert rows(read_table(b"text,label\na,x,,\nb,y,,\n", "a.csv"))[0] == ("a", "x")


def test_one_column_of_sentences_with_commas():
    lines = ["Well, hello there.", "I came, I saw, I left.", "No comma here."]
    for name in ("a.txt", "a.csv", ""):
        table = read_table("\n".join(lines).encode(), name)
        assert table.frame.iloc[:, 0].tolist() == lines
    table = read_table(("text\n" + "\n".join(lines)).encode(), "a.csv")
    assert table.frame["text"].tolist() == lines


def test_a_short_first_sentence_is_not_taken_for_a_header():
    lines = ["I am.", "The quick brown fox jumps over the lazy dog.", "Another sentence that is rather long."]
    assert read_table("\n".join(lines).encode(), "a.csv").frame.iloc[:, 0].tolist() == lines


def test_missing_header_is_said_and_no_row_is_lost():
    table = read_table(b"a big cat,animal\na small tree,plant\nthe nose,body\nthe ear,body\n", "a.csv")
    assert len(table.frame) == 4
    assert any("No row of column names" in note for note in table.notes)
    table = read_table(b"the part of the face,body\nthe ear,body\na tree,plant\n", "a.csv")
    assert len(table.frame) == 3


def test_header_that_is_guessed_is_said():
    table = read_table(b"satz,wertung\nder Hund bellt laut vor dem Haus,3\ndie Katze,4\n", "a.csv")
    assert list(table.frame.columns) == ["satz", "wertung"]
    assert any("satz, wertung" in note for note in table.notes)


def test_repeated_and_blank_column_names():
    table = read_table(b"text,text,,id\na,b,c,1\n", "a.csv")
    assert list(table.frame.columns) == ["text", "text (2)", "column 3", "id"]


def test_numbers_only_where_nothing_is_lost():
    frame = read_table(b"text,zip,n,x,y\na,007,1,1.5,NA\nb,123,,2,2\n", "a.csv").frame
    assert frame["zip"].tolist() == ["007", "123"]
    assert frame["n"].tolist() == [1, pd.NA]
    assert frame["x"].tolist() == [1.5, 2.0]
    assert frame["y"].tolist() == ["NA", "2"]


@pytest.mark.parametrize("data", [b"", b"\n\n  \r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"text,label\n", b"[]"])
def test_empty(data):
    with pytest.raises(InstancesError):
        read_table(data, "a.csv")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "PNG"),
        (b"PK\x03\x04" + b"\x00" * 30 + b"archive", "ZIP"),
        (b"PK\x03\x04" + b"\x00" * 26 + b"[Content_Types].xml xl/workbook", "Excel"),
        (b"\x80\x04\x95\x00", "pickle"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (bytes(range(256)) * 20, "not text"),
        (b"\x01\x02\x03" * 100, "not text"),
        (b"PAR1 and then nothing that is Parquet PAR1", "Parquet"),
    ],
)
def test_other_files_are_named(data, word):
    with pytest.raises(InstancesError, match=word):
        read_table(data, "a.csv")


def test_json_shapes():
    expected = [("a", 1), ("b", 2)]
    objects = [{"text": "a", "n": 1}, {"text": "b", "n": 2}]
    for value in (objects, {"data": objects}, {"text": ["a", "b"], "n": [1, 2]}):
        assert rows(read_table(json.dumps(value).encode(), "a.json")) == expected
    assert rows(read_table("\n".join(map(json.dumps, objects)).encode(), "a.jsonl")) == expected
    assert read_table(b'["a", "b"]', "a.json").frame["text"].tolist() == ["a", "b"]
    assert read_table(b'"a"\n"b"\n', "a.jsonl").frame["text"].tolist() == ["a", "b"]
    assert rows(read_table(b'{"text": "a"}\n{"n": 1}\n', "a.jsonl")) == [("a", None), (None, 1)]


def test_broken_json_names_its_line():
    with pytest.raises(InstancesError, match="line 2"):
        read_table(b'{"text": "a"}\n{"text": "b"\n', "a.jsonl")
    with pytest.raises(InstancesError):
        read_table(b"[" * 100_000, "a.json")
    with pytest.raises(InstancesError, match="single value"):
        read_table(b"3", "a.json")


def test_csv_may_begin_with_a_bracket():
    assert rows(read_table(b"text,label\n[1] a note,x\n", "a.csv")) == [("[1] a note", "x")]
    assert read_table(b"[sic] one line\n{two} lines\n", "a.txt").frame["text"].tolist() == [
        "[sic] one line",
        "{two} lines",
    ]


def test_lone_surrogates_and_controls():
    frame = read_table(b'{"text": "half \\ud83d and \\u0000 nul"}', "a.jsonl").frame
    text = instances_from_table(frame, text="text").items[0]
    assert text == "half \ufffd and  nul"
    frame.to_parquet(io.BytesIO())
    assert instances_from_table(pd.DataFrame({"t": ["a\ud800\x07\tb\nc"]}, dtype=object), text="t").items == (
        "a\ufffd\tb\nc",
    )


def test_parquet():
    frame = pd.DataFrame({"text": ["a", None, "c"], "n": [1, 2, 3], "tags": [["x"], [], ["y"]]}, index=[5, 6, 7])
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    table = read_table(buffer.getvalue(), "a.csv")
    instances = instances_from_table(table.frame, text="text", label="n")
    assert instances.items == ("a", "c")
    assert instances.dropped == 1
    assert instances.columns["n"] == (1, 3)
    assert instances.columns["tags"] == ('["x"]', '["y"]')
    with pytest.raises(InstancesError, match="Parquet"):
        read_table(buffer.getvalue()[: len(buffer.getvalue()) // 2], "a.parquet")


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "txt"])
def test_more_rows_than_allowed_are_counted(kind):
    frame = pd.DataFrame({"text": [f"instance {number}" for number in range(25_000)]})
    buffer = io.BytesIO()
    if kind == "csv":
        frame.assign(n=1).to_csv(buffer, index=False)
    elif kind == "jsonl":
        frame.to_json(buffer, orient="records", lines=True)
    elif kind == "parquet":
        frame.to_parquet(buffer)
    else:
        buffer.write("\n".join(frame["text"]).encode())
    table = read_table(buffer.getvalue(), f"a.{kind}", rows=12_345)
    assert len(table.frame) == 12_345
    assert any("first 12,345 of 25,000" in note for note in table.notes)


def test_too_many_columns():
    with pytest.raises(InstancesError, match="1,000 columns"):
        read_table((",".join(f"c{n}" for n in range(2000)) + "\n" + ",".join(["x"] * 2000)).encode(), "a.csv")


def test_guess_by_name_then_by_content():
    frame = pd.DataFrame(
        {"id": ["1", "2", "3", "4"], "Sentence": list("abcd"), "note": ["long text here"] * 4, "Class": [1, 1, 2, 2]}
    )
    assert guess_columns(frame) == ("Sentence", "Class")
    frame = pd.DataFrame(
        {"k": [*"xxyy"], "what": ["some words", "more words", "third one", "and more"], "f": [0.1, 0.2, 0.1, 0.2]}
    )
    assert guess_columns(frame) == ("what", "k")
    assert guess_columns(pd.DataFrame({"what": ["a", "b"]})) == ("what", None)
    with pytest.raises(InstancesError, match="n, m") as caught:
        guess_columns(pd.DataFrame({"n": [1, 2], "m": [1.5, None]}))
    assert "column of texts" in caught.value.remedy


def test_rows_without_text_are_dropped_and_counted():
    frame = pd.DataFrame(
        {"text": ["a", None, " ", "b", float("nan")], "label": ["x", "y", "z", None, "w"], "n": [1, 2, 3, 4, 5]}
    )
    instances = instances_from_table(frame, text="text", label="label", name="t")
    assert instances.items == ("a", "b")
    assert instances.dropped == 3
    assert instances.columns == {"label": ("x", None), "n": (1, 4)}
    assert instances.labels == ("x", None)
    assert instances.ids == ("1", "2")
    with pytest.raises(InstancesError, match="empty"):
        instances_from_table(frame.iloc[[1, 2]], text="text")


def test_ids_are_taken_only_if_they_differ():
    frame = pd.DataFrame({"ID": [7, 9], "text": ["a", "b"]})
    assert instances_from_table(frame, text="text").ids == ("7", "9")
    assert instances_from_table(frame.assign(ID=[7, 7]), text="text").ids == ("1", "2")
    assert instances_from_table(frame.assign(ID=[7, None]), text="text").ids == ("1", "2")


def test_cells_that_are_not_text():
    frame = pd.DataFrame({"t": [3, 3.0, 2.5, True, b"bytes", {"a": 1}, pd.Timestamp("2020-01-02")]}, dtype=object)
    assert instances_from_table(frame, text="t").items == (
        "3",
        "3",
        "2.5",
        "True",
        "bytes",
        '{"a": 1}',
        "2020-01-02 00:00:00",
    )


def test_a_label_column_without_labels_is_no_label():
    frame = pd.DataFrame({"text": ["a"], "label": [None]})
    assert instances_from_table(frame, text="text", label="label").label is None


def test_unknown_columns_are_named():
    frame = pd.DataFrame({"text": ["a"], "label": ["x"]})
    with pytest.raises(InstancesError, match="Did you mean “label”"):
        instances_from_table(frame, text="text", label="lable")
    with pytest.raises(InstancesError, match="own labels"):
        instances_from_table(frame, text="text", label="text")


def test_lines():
    instances = instances_from_lines("\ufeffone\r\n\n two \tx\nthree\ty\tz\n\n", name="n")
    assert instances.items == ("one", "two", "three")
    assert instances.labels == (None, "x", "y")
    assert instances.columns["column 3"] == (None, None, "z")
    assert instances.dropped == 1
    assert instances_from_lines("text\tlabel\na\tb").items == ("a",)
    assert instances_from_lines("only").label is None
    assert instances_from_lines("a\u2028b").items == ("a\u2028b",)
    barred = instances_from_lines("my cat | pets\n\nmy | dog | pets\n")
    assert (barred.items, barred.label) == (("my cat | pets", "my | dog | pets"), None), "Not each has one bar."
    barred = instances_from_lines("my cat | pets\n\na||b | code\n")
    assert (barred.items, barred.labels) == (("my cat", "a||b"), ("pets", "code"))
    assert instances_from_lines("a | b\tc").items == ("a | b",)
    for nothing in ("", "\n \n\t\n"):
        with pytest.raises(InstancesError):
            instances_from_lines(nothing)


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(str.strip)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(CELLS, st.sampled_from(["x", "y"])), min_size=1, max_size=12),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_what_pandas_writes_is_read_back(pairs, delimiter):
    frame = pd.DataFrame(pairs, columns=["text", "label"])
    data = frame.to_csv(index=False, sep=delimiter).encode()
    instances = instances_from_table(read_table(data, "a.csv").frame.astype(object), text="text", label="label")
    numbers = all(
        text.strip().replace(".", "", 1).lstrip("-").isdigit() or text.strip().lower() == "nan" for text, _ in pairs
    )
    if not numbers:
        assert instances.items == tuple(text for text, _ in pairs)
    assert instances.labels == tuple(label for _, label in pairs)


def refusal(data: bytes, name: str) -> InstancesError | None:
    """Read as far as the page does; the error if there is one."""
    try:
        table = read_table(data, name)
        text, label = guess_columns(table.frame)
        assert len(instances_from_table(table.frame, text=text, label=label))
    except InstancesError as error:
        return error
    return None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["a.csv", "a.txt", "a.jsonl", "a.json", "a.tsv", "a.parquet", ""]))
def test_any_bytes_are_read_or_refused_in_words(data, name):
    error = refusal(data, name)
    assert error is None or (error.what and error.remedy)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["a.csv", "a.txt", "a.jsonl", ""]))
def test_any_text_is_read_or_refused_in_words(text, name):
    error = refusal(text.encode("utf-8", "replace"), name)
    assert error is None or (error.what and error.remedy)


def test_neither_streamlit_nor_pandas_is_imported_before_it_is_needed():
    code = (
        "import sys, embedviz.modalities.table, embedviz.modalities.samples\n"
        "print(sorted(set(sys.modules) & {'streamlit', 'pandas', 'pyarrow', 'torch'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
