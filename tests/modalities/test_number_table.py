"""Tables whose rows are vectors."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris

from embedviz.errors import InstancesError
from embedviz.modalities.tensors import number_columns, tensors_from_file, tensors_from_table
from embedviz.records import Reads

FOUR = Reads("tensors", (4,))
IRIS = load_iris(as_frame=True).frame
VALUES = IRIS.drop(columns="target").to_numpy("float32")


def stacked(instances):
    return np.stack([item.array for item in instances.items])


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_csv_with_a_header(mark, index):
    made = tensors_from_file(IRIS.to_csv(index=index, sep=mark).encode(), "iris.csv", FOUR).instances
    np.testing.assert_array_equal(stacked(made), VALUES)
    assert made.labels == tuple(IRIS["target"])
    assert set(IRIS.columns) <= set(made.columns), "a few measurements are kept to be shown"


def test_csv_without_a_header_ends_with_its_classes():
    made = tensors_from_file(IRIS.to_csv(index=False, header=False).encode(), "iris.csv", FOUR)
    np.testing.assert_array_equal(stacked(made.instances), VALUES)
    assert made.instances.label == "column 5"
    plain = tensors_from_file(IRIS.drop(columns="target").to_csv(index=False, header=False).encode(), "i.csv", FOUR)
    assert plain.instances.label is None
    np.testing.assert_array_equal(stacked(plain.instances), VALUES)


def test_wide_rows_become_pictures_with_the_columns_that_pandas_counts():
    digits = load_digits()
    frame = pd.DataFrame(digits.data[:50]).assign(label=digits.target[:50])
    made = tensors_from_file(frame.to_csv(index=False).encode(), "d.csv", Reads("tensors", (1, 8, 8)))
    np.testing.assert_array_equal(stacked(made.instances), digits.images[:50, None])
    assert made.instances.labels == tuple(digits.target[:50])
    assert list(made.instances.columns) == ["label"]
    assert any("64 numbers were read as 1 × 8 × 8" in note for note in made.notes)


def test_more_columns_than_a_table_of_texts_may_have():
    values = np.random.default_rng(0).integers(0, 9, (3, 3_072))
    made = tensors_from_file(pd.DataFrame(values).to_csv(index=False).encode(), "c.csv", Reads("tensors", (3, 32, 32)))
    np.testing.assert_array_equal(stacked(made.instances).reshape(3, -1), values)


@pytest.mark.parametrize("name", ["a.txt", "a.dat", ""])
def test_what_numpy_saves_as_text(name):
    written = io.BytesIO()
    np.savetxt(written, VALUES)
    np.testing.assert_array_equal(stacked(tensors_from_file(written.getvalue(), name, FOUR).instances), VALUES)
    written = io.BytesIO()
    np.savetxt(written, VALUES, delimiter=",")
    np.testing.assert_array_equal(stacked(tensors_from_file(written.getvalue(), "a.csv", FOUR).instances), VALUES)


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
@pytest.mark.parametrize("lists", [False, True])
def test_parquet_and_json_lines(kind, lists):
    frame = pd.DataFrame({"vector": VALUES.tolist(), "kind": IRIS["target"]}) if lists else IRIS
    written = io.BytesIO()
    frame.to_parquet(written) if kind == "parquet" else frame.to_json(written, orient="records", lines=True)
    made = tensors_from_file(written.getvalue(), f"a.{kind}", FOUR).instances
    np.testing.assert_array_equal(stacked(made), VALUES)
    assert made.labels == tuple(IRIS["target"])


def test_nested_lists_and_lists_of_any_length():
    images = load_digits().images[:5]
    written = io.BytesIO()
    pd.DataFrame({"x": [image.tolist() for image in images]}).to_parquet(written)
    made = tensors_from_file(written.getvalue(), "a.parquet", Reads("tensors", (1, 8, 8))).instances
    np.testing.assert_array_equal(stacked(made)[:, 0], images)
    data = b'{"steps": [1, 2, 3]}\n{"steps": [4]}\n{"steps": null}\n'
    made = tensors_from_file(data, "a.jsonl", Reads("tensors", (None,), "int64")).instances
    assert [item.array.tolist() for item in made.items] == [[1, 2, 3], [4]]
    assert made.dropped == 1
    with pytest.raises(InstancesError, match="An instance is empty"):
        tensors_from_table(pd.DataFrame({"x": [[1.0], []]}), Reads("tensors", (None,)))


def test_two_columns_of_lists_are_a_choice():
    frame = pd.DataFrame({"first": [[1.0, 2.0]], "second": [[3.0, 4.0]]})
    with pytest.raises(InstancesError, match="More than one column") as caught:
        tensors_from_table(frame, Reads("tensors", (2,)))
    assert caught.value.choices == ("first", "second")
    made = tensors_from_table(frame, Reads("tensors", (2,)), columns=["second"]).instances
    assert made.items[0].array.tolist() == [3, 4]


def test_columns_are_chosen_by_name_and_number():
    frame = pd.DataFrame({"id": [7, 8], "a": [1, 2], "class": [0, 1], "b": [0.5, 0.25]})
    assert number_columns(frame) == ["a", "b"]
    assert number_columns(frame, FOUR) == ["id", "a", "class", "b"]
    made = tensors_from_table(frame, Reads("tensors", (2,)))
    assert made.instances.ids == ("7", "8")
    assert made.instances.label == "class"
    assert made.notes == ("Not part of the vectors: id.",)
    swapped = tensors_from_table(frame, Reads("tensors", (2,)), columns=["b", "a"], label="id").instances
    assert swapped.items[0].array.tolist() == [0.5, 1]
    assert swapped.label == "id"


def test_choices_that_cannot_be():
    frame = pd.DataFrame({"alpha": [1, 2], "b": [0.5, 0.25], "text": ["x", "y"]})
    two = Reads("tensors", (2,))
    with pytest.raises(InstancesError, match="Did you mean “alpha”"):
        tensors_from_table(frame, two, columns=["alfa", "b"])
    with pytest.raises(InstancesError, match="cannot be their label"):
        tensors_from_table(frame, two, columns=["alpha", "b"], label="b")
    with pytest.raises(InstancesError, match="not of numbers: text"):
        tensors_from_table(frame, two, columns=["alpha", "text"])
    with pytest.raises(InstancesError, match="No column holds numbers"):
        tensors_from_table(frame[["text"]], two)
    with pytest.raises(InstancesError, match="Row 1 is 2 numbers, and this model reads 4 numbers"):
        tensors_from_table(frame, FOUR)


def test_missing_numbers():
    frame = pd.DataFrame({"a": [1, np.nan, 3], "b": [1, np.nan, np.nan]})
    two = Reads("tensors", (2,))
    with pytest.raises(InstancesError, match="instance 2, column “b”: nan"):
        tensors_from_table(frame, two)
    made = tensors_from_table(frame.iloc[:2], two).instances
    assert len(made) == 1
    assert made.dropped == 1
    with pytest.raises(InstancesError, match="Every row is empty"):
        tensors_from_table(frame.iloc[1:2], two)


def test_rows_that_are_steps_of_one_instance():
    made = tensors_from_table(pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]}), Reads("tensors", (None, 2)))
    assert made.instances.items[0].array.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert made.notes == ("All 3 rows together were read as one instance.",)


def test_numbers_in_unusual_spellings_count_and_labels_keep_theirs():
    made = tensors_from_file(b"a,b,label\n007,1,00\n010,2,01\n011,3,01\n012,4,00\n", "a.csv", Reads("tensors", (2,)))
    assert stacked(made.instances).tolist() == [[7, 1], [10, 2], [11, 3], [12, 4]]
    assert made.instances.labels == ("00", "01", "01", "00")


def test_a_column_of_numbers_and_then_texts_is_none():
    frame = pd.DataFrame({"a": ["1", "2"], "b": ["0.5", None], "c": ["3", "x"], "d": [["1"], "2"]}, dtype=object)
    assert number_columns(frame) == ["a", "b"]


def test_whole_numbers_for_a_model_that_reads_ids():
    made = tensors_from_file(b"a,b\n1,2\n3,4\n", "a.csv", Reads("tensors", (2,), "int64")).instances
    assert stacked(made).dtype == np.int64
    with pytest.raises(InstancesError, match="not whole"):
        tensors_from_file(IRIS.to_csv(index=False).encode(), "iris.csv", Reads("tensors", (4,), "int64"))
