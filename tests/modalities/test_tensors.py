"""Numbers that people type, paste and save, brought to the shape that a model reads."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from embedviz.errors import InstancesError
from embedviz.modalities.fitting import fitted
from embedviz.modalities.tensors import tensors_from_file, tensors_from_text
from embedviz.modalities.values import MOST_NUMBERS, to_items
from embedviz.records import Reads


def reads(*shape, dtype="float32"):
    return Reads("tensors", shape, dtype)


def arrays(text, model):
    return [item.array.tolist() for item in tensors_from_text(text, model).instances.items]


@pytest.mark.parametrize(
    ("text", "model", "expected"),
    [
        ("[[1, 2, 3]]", reads(3), [[1, 2, 3]]),
        ("[[1, 2, 3]]", reads(1, 3), [[[1, 2, 3]]]),
        ("[1, 2, 3]", reads(3), [[1, 2, 3]]),
        ("[1, 2, 3]", reads(1, 3), [[[1, 2, 3]]]),
        ("[1, 2, 3]", reads(1), [[1], [2], [3]]),
        ("[1, 2, 3]", reads(), [1, 2, 3]),
        ("[1, 2, 3]", reads(None), [[1, 2, 3]]),
        ("[1, 2, 3]", reads(None, 1), [[[1], [2], [3]]]),
        ("[[1, 2], [3, 4], [5, 6]]", reads(2), [[1, 2], [3, 4], [5, 6]]),
        ("[[1, 2], [3, 4], [5, 6]]", reads(None, 2), [[[1, 2], [3, 4], [5, 6]]]),
        ("[[1, 2], [3, 4]]", reads(1, 2, 2), [[[[1, 2], [3, 4]]]]),
        ("[[1, 2, 3, 4], [5, 6, 7, 8]]", reads(2, 2), [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]),
        ("[[1, 2], [3]]", reads(None), [[1, 2], [3]]),
        ("[[[1, 2]], [[3, 4], [5, 6]]]", reads(None, 2), [[[1, 2]], [[3, 4], [5, 6]]]),
        ("[1, 2]\n[3, 4]\n", reads(2), [[1, 2], [3, 4]]),
        ("1, 2\n3, 4", reads(2), [[1, 2], [3, 4]]),
        ("1 2\n\n3 4\n", reads(2), [[1, 2], [3, 4]]),
        ("1\t2\n3\t4", reads(2), [[1, 2], [3, 4]]),
        ("1 2\n3", reads(None), [[1, 2], [3]]),
        ("1 2\n3 4", reads(1, 2, 2), [[[[1, 2], [3, 4]]]]),
        ("7", reads(1), [[7]]),
        ("1,5;2\n-3;4,25", reads(2), [[1.5, 2], [-3, 4.25]]),
        ("a\tb\n1\t2", reads(2), [[1, 2]]),
        ('{"inputs": [[1, 2], [3, 4]]}', reads(2), [[1, 2], [3, 4]]),
        ('{"x": [1, 2], "label": "a"}', reads(2), [[1, 2]]),
        ("[true, false]", reads(2), [[1, 0]]),
    ],
)
def test_the_shape_of_the_model_says_what_the_instances_are(text, model, expected):
    assert arrays(text, model) == expected


def test_what_is_laid_out_anew_is_said():
    assert "3 numbers were read as 1 × 3" in tensors_from_text("[1, 2, 3]", reads(1, 3)).notes[0]
    assert "as one instance" in tensors_from_text("1 2\n3 4", reads(2, 2)).notes[0]
    assert tensors_from_text("[[1, 2, 3]]", reads(3)).notes == ()


def test_labels_stand_at_the_end_of_a_line():
    made = tensors_from_text("1, 2\tcat\n3, 4\n\n5, 6\tdog", reads(2)).instances
    assert made.labels == ("cat", None, "dog")
    assert made.dropped == 1
    assert made.modality == "tensors"
    assert tensors_from_text("5.1,3.5,setosa\n4.9,3.0,setosa\n", reads(2)).instances.labels == ("setosa",) * 2
    made = tensors_from_text("1,5\tcat\n2,5\tdog", reads(2)).instances
    assert [item.array.tolist() for item in made.items] == [[1, 5], [2, 5]]
    labelled = tensors_from_text('[{"x": [1, 2], "kind": "a"}, {"x": [3, 4], "kind": "b"}]', reads(2)).instances
    assert labelled.labels == ("a", "b")


def test_arrays_as_notebooks_print_them():
    values = np.array([[0.5, -2e-7, 3], [4, 1e12, 6.25]])
    for text in (str(values), repr(values), repr(values.astype("float32")), repr(torch.tensor(values))):
        np.testing.assert_allclose(arrays(text, reads(3)), values, rtol=1e-3, atol=1e-6)
    with pytest.raises(InstancesError, match="shortened"):
        tensors_from_text(str(np.arange(5000.0)), reads(5000))


@pytest.mark.parametrize(
    ("text", "model", "what", "value"),
    [
        ("", reads(3), "no instances", None),
        ("  \n \n", reads(3), "no instances", None),
        ("[]", reads(3), "no instances", "[]"),
        ("[[]]", reads(3), "0 numbers", "3 numbers"),
        ("[[1, 2]]", reads(3), "2 numbers, and this model reads 3 numbers", None),
        ("1 2 3\n4 5", reads(3), "Line 2 is 2 numbers", None),
        ("[[1, 2], [3]]", reads(2), "Instance 2 is 1 number", None),
        ("[[[1, 2], [3]]]", reads(2, 2), "different lengths", "instance 1"),
        ("[1, 2", reads(2), "do not form an array", "line 1"),
        ("[" * 50_000, reads(2), "do not form an array", None),
        ("[" * 50 + "1" + "]" * 50, reads(1), "too deep", None),
        ('[1, "two"]', reads(2), "not a number", '"two" at place 2'),
        ("[[1, null]]", reads(2), "not a number", "null"),
        ("[1, [2]]", reads(2), "mixed", None),
        ("1, x, 3", reads(3), "not a number", "line 1: x"),
        ("1,,3", reads(3), "missing between", "line 1"),
        ("1;;3", reads(3), "missing between", "line 1"),
        ("[1, NaN]", reads(2), "not finite", "instance 1, number 2: nan"),
        ("1 2\n3 inf", reads(2), "not finite", "instance 2, number 2: inf"),
        ("[1e39]", reads(1), "too large for float32", "1e+39"),
        (f"[{10**400}]", reads(1), "too large", None),
        (f"[{10**30}]", reads(1), "too large", None),
        ("[1, 2.5]", reads(2, dtype="int64"), "not whole", "instance 1, number 2: 2.5"),
        ("[1e17]", reads(1, dtype="int64"), "too large", "1e+17"),
        (f"[{2**63}]", reads(1, dtype="int64"), "too large for int64", str(2**63)),
        ('{"x": "hello"}', reads(1), "No column holds numbers", None),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(text, model, what, value):
    with pytest.raises(InstancesError, match=what) as caught:
        tensors_from_text(text, model)
    assert caught.value.remedy
    assert value is None or value in str(caught.value.value)


def test_the_place_in_a_tensor_of_several_axes():
    with pytest.raises(InstancesError, match="instance 1, place 1, 2, 1"):
        tensors_from_text("[[[[1], [NaN]]]]", reads(1, 2, 1))


def test_axes_are_never_shuffled():
    picture = np.zeros((5, 4, 4, 3)).tolist()
    with pytest.raises(InstancesError, match="4 × 4 × 3") as caught:
        tensors_from_text(json.dumps(picture), reads(3, 4, 4))
    assert "transpose" in caught.value.remedy
    assert fitted((4, 4, 3), (48,)) is None
    assert fitted((2, 3), (6,)) is None, "two instances of three, or one of six?"
    assert fitted((2, 3), (6,), flat=True) == (6,)
    assert fitted((1, 28, 28), (28, 28)) == (28, 28)
    assert fitted((35,), (None, 5)) is None


def test_whole_numbers_stay_exact():
    large = 2**53 + 1
    assert arrays(f"[{large}]", reads(1, dtype="int64")) == [[large]]
    assert arrays(f"{large}", reads(1, dtype="int64")) == [[large]]
    assert arrays("[3.0, -1]", reads(2, dtype="int64")) == [[3, -1]]


def test_bounds():
    with pytest.raises(InstancesError, match="longer than"):
        tensors_from_text("1 " * 6_000_000, reads(1))
    with pytest.raises(InstancesError, match="more than"):
        to_items([np.broadcast_to(np.zeros(1), (MOST_NUMBERS + 1,))], "float32")


@pytest.mark.parametrize("kind", ["U3", "O", "complex64", "M8[s]"])
def test_other_values_are_no_numbers(kind):
    with pytest.raises(InstancesError, match="no real numbers"):
        to_items([np.zeros(2, kind)], "float32")


FINITE = st.floats(-1e6, 1e6, width=32)
SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


@settings(max_examples=100, deadline=None)
@given(st.data(), SHAPES, st.integers(1, 4))
def test_json_comes_back_as_it_was(data, shape, count):
    values = data.draw(hnp.arrays("float32", (count, *shape), elements=FINITE))
    made = tensors_from_text(json.dumps(values.tolist()), reads(*shape)).instances
    assert len(made) == count
    np.testing.assert_array_equal([item.array for item in made.items], values)
    one = tensors_from_text(json.dumps(values[0].tolist()), reads(*shape)).instances
    np.testing.assert_array_equal(one.items[0].array, values[0])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(FINITE, min_size=2, max_size=5), min_size=1, max_size=5), st.sampled_from([", ", " ", "\t", ";"])
)
def test_lines_come_back_as_they_were(rows, mark):
    text = "\n".join(mark.join(map(repr, row)) for row in rows)
    made = tensors_from_text(text, reads(None)).instances
    assert [item.array.tolist() for item in made.items] == [np.float32(row).tolist() for row in rows]


def outcome(read, *given):
    """What is read, or the error in its place."""
    try:
        return read(*given).instances
    except InstancesError as error:
        return error


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='[]{}(),.;:-+eE0123456789 \t\n"anxif', max_size=40), st.sampled_from(range(6)))
def test_any_text_is_read_or_refused_in_words(text, which):
    model = (reads(3), reads(None), reads(1, 2), reads(None, 2), reads(), reads(2, dtype="int64"))[which]
    made = outcome(tensors_from_text, text, model)
    if isinstance(made, InstancesError):
        assert made.what
        assert made.remedy
    else:
        assert made.items
        assert all(fitted(item.shape, model.shape) == item.shape for item in made.items)
        assert all(np.isfinite(item.array).all() and item.dtype == model.dtype for item in made.items)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', ", b"PK\x03\x04", b"PAR1", b"[", b"1 2\n"]),
    st.sampled_from(["a.npy", "a.npz", "a.csv", "a.txt", "a.json", ""]),
)
def test_any_file_is_read_or_refused_in_words(data, start, name):
    made = outcome(tensors_from_file, start + data, name, reads(None))
    assert (made.what and made.remedy) if isinstance(made, InstancesError) else made.items
