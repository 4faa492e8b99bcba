"""A file read a piece at a time gives what reading the whole gives; its mistakes are said before the first piece."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedviz.errors import InstancesError
from embedviz.modalities import delimited_rows, whole_rows
from embedviz.modalities.instances import guess_columns, instances_from_table
from embedviz.modalities.stream import InstanceStream, open_stream
from embedviz.modalities.table import read_table
from embedviz.records import Instances


def whole(data: bytes, name: str) -> tuple[Instances, tuple[str, ...]]:
    table = read_table(data, name)
    text, label = guess_columns(table.frame)
    return instances_from_table(table.frame, text=text, label=label, name=name), table.notes


def stream(folder: Path, data: bytes, name: str = "a.csv", **options: Any) -> InstanceStream:
    path = folder / "file"
    path.write_bytes(data)
    return open_stream(path, name=name, **options)


def joined(pieces: InstanceStream) -> Instances:
    """All pieces as one."""
    parts = list(pieces)
    return Instances(
        items=tuple(item for part in parts for item in part.items),
        ids=tuple(name for part in parts for name in part.ids),
        columns={name: tuple(cell for part in parts for cell in part.columns[name]) for name in parts[0].columns},
        label=next((part.label for part in parts if part.label), None),
        name=pieces.name,
        dropped=sum(part.dropped for part in parts),
    )


def check(folder: Path, data: bytes, name: str, chunk: int = 4_096) -> None:
    """The pieces are the whole, or both fail with the same words."""
    try:
        expected, notes = whole(data, name)
    except InstancesError as error:
        with pytest.raises(InstancesError, match=f"^{re.escape(str(error))}$"):
            list(stream(folder, data, name, chunk=chunk))
        return
    pieces = stream(folder, data, name, chunk=chunk)
    found = joined(pieces)
    assert found.items == expected.items
    assert found.ids == expected.ids
    assert found.columns == expected.columns
    assert found.dropped == expected.dropped
    assert pieces.notes == notes
    assert pieces.total == len(found) + found.dropped
    if chunk >= pieces.total:
        assert found.label == expected.label


CELL = st.one_of(
    st.text(st.sampled_from('ab1. ,;"\n\r\té\x1f'), max_size=12),
    st.sampled_from(["", "1", "2.5", "007", "nan", "-3", "text", "id", "label", "“x”", "\u2028"]),
)
ENCODING = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])


def quoted(rows: list[list[str]], delimiter: str, ending: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=ending).writerows(rows)
    return text.getvalue()


FOLDER = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FOLDER
@given(
    rows=st.integers(1, 3).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=12)),
    header=st.sampled_from([[], ["text", "id", "label"], ["id", "body", "n"]]),
    delimiter=st.sampled_from(",;\t|"),
    ending=st.sampled_from(["\n", "\r\n"]),
    encoding=ENCODING,
    name=st.sampled_from(["a.csv", "a.tsv", "a.txt", ""]),
)
def test_whatever_a_csv_holds_it_is_as_read_whole(
    tmp_path: Path, rows: Any, header: Any, delimiter: str, ending: str, encoding: str, name: str
) -> None:
    rows = [header[: len(rows[0])], *rows] if rows and header else rows
    check(tmp_path, quoted(rows, delimiter, ending).encode(encoding, "replace"), name)


@FOLDER
@given(text=st.text(st.sampled_from('ab1 ,;"\n\r\t\ufeff{}[]:'), max_size=60), name=st.sampled_from(["a.csv", "a.txt"]))
def test_nor_does_it_matter_what_is_wrong_with_it(tmp_path: Path, text: str, name: str) -> None:
    check(tmp_path, text.encode(), name)


@FOLDER
@given(data=st.binary(max_size=60), name=st.sampled_from(["a.csv", "a.jsonl", ""]))
def test_nor_that_it_is_anything_at_all(tmp_path: Path, data: bytes, name: str) -> None:
    check(tmp_path, b"text\n" + data, name)


VALUE = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-2, 2), CELL, st.lists(st.integers(0, 3)))
RECORDS = st.lists(st.one_of(st.dictionaries(st.sampled_from(["text", "id", "n", "x y"]), VALUE), CELL), max_size=8)


@FOLDER
@given(values=RECORDS, name=st.sampled_from(["a.jsonl", "a.json", ""]), ending=st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_whatever_json_lines_hold(tmp_path: Path, values: Any, name: str, ending: str) -> None:
    check(tmp_path, ending.join(json.dumps(value, ensure_ascii=False) for value in values).encode(), name)


@FOLDER
@given(values=RECORDS, indent=st.sampled_from([None, 1]))
def test_an_array_is_read_whole(tmp_path: Path, values: Any, indent: int | None) -> None:
    check(tmp_path, json.dumps(values, indent=indent).encode(), "a.json")


LONG = "id,text,label,score\n" + "".join(
    f'{number},"text, {number}",{number % 3},{number / 4}\n' for number in range(50)
)


@pytest.mark.parametrize("chunk", [1, 7, 50, 51])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "txt", "json"])
def test_pieces_of_any_size_make_the_same_whole(tmp_path: Path, kind: str, chunk: int) -> None:
    frame = pd.read_csv(io.StringIO(LONG))
    frame.loc[3, "text"] = None
    data = {
        "csv": frame.to_csv(index=False).encode(),
        "txt": "\n".join(frame["text"].fillna("")).encode(),
        "jsonl": frame.to_json(orient="records", lines=True).encode(),
        "json": frame.to_json(orient="records").encode(),
        "parquet": frame.to_parquet(index=False),
    }[kind]
    check(tmp_path, data, f"a.{kind}", chunk=chunk)
    assert all(len(piece) <= chunk for piece in stream(tmp_path, data, f"a.{kind}", chunk=chunk))


def test_ids_are_the_columns_where_they_differ_in_the_whole_file(tmp_path: Path) -> None:
    rows = "".join(f"x{number},a text\n" for number in range(20))
    pieces = stream(tmp_path, f"id,text\n{rows}".encode(), chunk=3)
    assert pieces.own_ids
    assert joined(pieces).ids[-1] == "x19"
    pieces = stream(tmp_path, f"id,text\n{rows}x0,the first one's id\n".encode(), chunk=3)
    assert not pieces.own_ids
    assert joined(pieces).ids == tuple(map(str, range(1, 22)))


def test_blank_rows_by_the_piece_are_left_out_and_counted(tmp_path: Path) -> None:
    data = b"text,label\n" + b" ,x\n" * 10 + b"one,y\n" + b" ,x\n" * 10 + b"two,y\n" + b" ,x\n" * 9
    pieces = stream(tmp_path, data, chunk=5, text="text")
    assert [len(piece) for piece in pieces] == [0, 0, 1, 0, 1, 0, 0]
    found = joined(pieces)
    assert (found.items, found.ids, found.dropped) == (("one", "two"), ("1", "2"), 29)
    with pytest.raises(InstancesError, match="Every row is empty"):
        list(stream(tmp_path, b"text,label\n" + b" ,x\n" * 10, chunk=5, text="text"))


def test_a_column_is_of_numbers_only_if_all_of_it_is(tmp_path: Path) -> None:
    data = b"text,n\n" + b"a text,12\n" * 20 + b"the last,x1\n"
    assert joined(stream(tmp_path, data, chunk=4)).columns["n"] == ("12",) * 20 + ("x1",)
    assert joined(stream(tmp_path, data[:-12], chunk=4)).columns["n"] == (12,) * 20


def test_columns_that_come_up_late_are_there_from_the_start(tmp_path: Path) -> None:
    data = b'{"text": "a"}\n' * 5 + b'{"text": "b", "more": 1}\n'
    pieces = stream(tmp_path, data, "a.jsonl", chunk=2)
    assert pieces.columns == ("text", "more")
    assert joined(pieces).columns["more"] == (None,) * 5 + (1,)


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"text,label\n" + b"a,b\n" * 30 + b"a,b,c\n", "a.csv", "line 32"),
        (b'{"text": "a"}\n' * 30 + b'{"text": \n', "a.jsonl", "line 31"),
        (b"PAR1" + b"\0" * 100, "a.parquet", "cannot be read"),
        (b"\xef\xbb\xbf \r\n", "a.csv", "is empty"),
        (b"text,label\n", "a.csv", "no rows"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "a.csv", "PNG picture"),
        (b",".join([b"c"] * 1_001) + b"\n" + b",".join([b"1"] * 1_001), "a.csv", "1,000 columns"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_piece(tmp_path: Path, data: bytes, name: str, said: str) -> None:
    with pytest.raises(InstancesError, match=said):
        stream(tmp_path, data, name, chunk=4)


def test_a_damaged_row_group_is_an_error_and_not_a_traceback(tmp_path: Path) -> None:
    frame = pa.table({"text": [f"text {number}" * 20 for number in range(2_000)]})
    pq.write_table(frame, tmp_path / "a.parquet", row_group_size=500, compression="zstd")
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    with pytest.raises(InstancesError, match="cannot be read"):
        list(stream(tmp_path, bytes(data), "a.parquet", chunk=100))


def test_an_unknown_column_is_named_with_the_closest(tmp_path: Path) -> None:
    with pytest.raises(InstancesError, match="Did you mean “text”"):
        stream(tmp_path, LONG.encode(), text="texts")


def test_a_quotation_mark_that_is_never_closed_does_not_swallow_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = csv.field_size_limit()
    data = b'text,label\n"open,x\n' + b"a line,y\n" * 3_000
    check(tmp_path, data, "a.csv", chunk=1_000)
    # However long the file is: past the largest cell nothing is gathered any more.
    monkeypatch.setattr(delimited_rows, "MOST_CELL", 10_000)
    assert joined(stream(tmp_path, data)).items[:2] == ('"open', "a line")
    assert csv.field_size_limit() == limit


def test_a_book_in_a_cell(tmp_path: Path) -> None:
    check(tmp_path, b'text,label\n"' + b"word, " * 300_000 + b'",book\nshort,note\n', "a.csv", chunk=1)


def test_a_character_between_two_blocks(tmp_path: Path) -> None:
    text = "text\n" + "é" * (1 << 20) + "\nça\n"
    for encoding in ("utf-8", "utf-16", "cp1252"):
        check(tmp_path, text.encode(encoding), "a.csv")
    check(tmp_path, text.encode() + b"broken \xff here\n", "a.csv")


def test_a_large_array_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_rows, "MOST_BYTES", 1_000)
    with pytest.raises(InstancesError, match="JSON lines"):
        stream(tmp_path, json.dumps([{"text": "a"}] * 200).encode(), "a.json")


@pytest.mark.parametrize("first", ["[1] a title, and more", "{curly} first, cell"])
def test_a_long_csv_that_begins_with_a_bracket_is_no_json(tmp_path: Path, first: str) -> None:
    data = f'text,label\n"{first}",x\n'.encode() * 2 + b"a text of some words,y\n" * 60_000
    check(tmp_path, data, "a.csv")
    check(tmp_path, data.removeprefix(b"text,label\n"), "a.csv")


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    first, second = stream(tmp_path, LONG.encode()), stream(tmp_path, LONG.encode())
    assert first.sha256 == second.sha256
    assert first.sha256 != stream(tmp_path, LONG.replace("text, 49", "text, 50").encode()).sha256
    assert [piece.items for piece in first] == [piece.items for piece in first]
