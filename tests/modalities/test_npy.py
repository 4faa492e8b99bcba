"""numpy's files, whole, damaged and hostile."""

from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from embedviz.errors import InstancesError
from embedviz.modalities.npy import read_npy, read_npz
from embedviz.modalities.tensors import tensors_from_file
from embedviz.records import Reads

FLOATS = Reads("tensors", (3,))
ROWS = np.arange(12, dtype=np.float64).reshape(4, 3)


def npy(array, **settings):
    written = io.BytesIO()
    np.save(written, array, **settings)
    return written.getvalue()


def npz(**arrays):
    written = io.BytesIO()
    np.savez_compressed(written, **arrays)
    return written.getvalue()


def header(text, version=1):
    """An .npy file of nothing but a header."""
    body = text.encode()
    length = struct.pack("<H" if version == 1 else "<I", len(body))
    return b"\x93NUMPY" + bytes([version, 0]) + length + body


@settings(max_examples=150, deadline=None)
@given(
    hnp.arrays(
        hnp.integer_dtypes() | hnp.unsigned_integer_dtypes() | hnp.floating_dtypes() | hnp.boolean_dtypes(),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
def test_it_reads_what_numpy_writes(array):
    for given_array in (array, np.asfortranarray(array)):
        made = read_npy(npy(given_array))
        assert made.dtype == array.dtype
        np.testing.assert_array_equal(made, array)


def test_instances_of_an_npy():
    made = tensors_from_file(npy(ROWS), "rows.npy", FLOATS).instances
    assert [item.array.tolist() for item in made.items] == ROWS.tolist()
    assert made.items[0].dtype == "float32"
    assert made.name == "rows.npy"
    assert made.ids == ("1", "2", "3", "4")
    one = tensors_from_file(npy(ROWS), "rows.npy", Reads("tensors", (4, 3))).instances
    assert one.items[0].shape == (4, 3)
    big_endian = tensors_from_file(npy(ROWS.astype(">f4")), "a.npy", FLOATS).instances
    assert big_endian.items == made.items


class Marked:
    """Touches a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (open, (str(self.marker), "w"))


def test_nothing_is_unpickled(tmp_path):
    marker = tmp_path / "marker"
    hostile = npy(np.array([Marked(marker)], dtype=object), allow_pickle=True)
    for data in (hostile, hostile.replace(b"|O", b"=O")):
        with pytest.raises(InstancesError, match="Python objects") as caught:
            tensors_from_file(data, "a.npy", FLOATS)
        assert caught.value.code == "instances.pickle"
    with pytest.raises(InstancesError):
        tensors_from_file(pickle.dumps(Marked(marker)), "a.npy", FLOATS)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr("x.npy", hostile)
    with pytest.raises(InstancesError, match="Python objects"):
        tensors_from_file(packed.getvalue(), "a.npz", FLOATS)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**60},), }}", "far too large"),
        (f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**32}, {2**32}), }}", "far too large"),
        (f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**32}, 0), }}", "is 0 numbers|4,294,967,296"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", "cut short"),
        ("{'descr': '<U999999999', 'fortran_order': False, 'shape': (3,), }", "cut short|not known"),
        ("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }", "plain array"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (-3,), }", "plain array"),
        (f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({'1, ' * 100}), }}", "far too large"),
        ("{'descr': '|V8', 'fortran_order': False, 'shape': (3,), }", "no real numbers"),
        ("{'descr': '<c16', 'fortran_order': False, 'shape': (3,), }", "no real numbers"),
        ("{'descr': '<x4', 'fortran_order': False, 'shape': (3,), }", "not known"),
        ("(" * 5_000, "plain array"),
        ("__import__('os').system('true')", "plain array"),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_hostile_headers(text, what, version):
    tracemalloc.start()
    try:
        with pytest.raises(InstancesError, match=what) as caught:
            tensors_from_file(header(text, version), "a.npy", FLOATS)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()
    assert caught.value.remedy


def test_every_cut_of_a_file_is_refused():
    data = npy(ROWS)
    for length in range(6, len(data)):
        with pytest.raises(InstancesError):
            read_npy(data[:length], "a.npy")
    with pytest.raises(InstancesError, match="longer"):
        read_npy(data + b"\x00", "a.npy")


def test_inputs_and_labels_of_an_npz():
    for inputs, labels in (("X", "y"), ("data", "target"), ("arr_0", "arr_1"), ("x_test", "y_test"), ("Q", "labels")):
        made = tensors_from_file(npz(**{inputs: ROWS, labels: np.array(list("abca"))}), "a.npz", FLOATS).instances
        assert len(made) == 4
        assert made.labels == ("a", "b", "c", "a")
    only = tensors_from_file(npz(whatever=ROWS), "a.npz", FLOATS).instances
    assert only.label is None
    assert len(only) == 4


def test_labels_that_do_not_belong_are_left_out_and_said():
    made = tensors_from_file(npz(X=ROWS, y=np.zeros((4, 2))), "a.npz", FLOATS)
    assert made.instances.label is None
    assert "y (4 × 2)" in made.notes[0]
    column = tensors_from_file(npz(X=ROWS, y=np.array([[3], [3], [4], [4]])), "a.npz", FLOATS).instances
    assert column.labels == (3, 3, 4, 4)


@pytest.mark.parametrize("names", [("first", "second"), ("x_train", "x_test", "y_train", "y_test")])
def test_arrays_that_cannot_be_told_apart_are_named(names):
    data = npz(**{name: ROWS if not name.startswith("y") else np.arange(4) for name in names})
    with pytest.raises(InstancesError, match="cannot be told") as caught:
        tensors_from_file(data, "a.npz", FLOATS)
    assert caught.value.choices == names[:2]
    chosen = tensors_from_file(data, "a.npz", FLOATS, part=names[1]).instances
    assert len(chosen) == 4
    assert (chosen.labels == (0, 1, 2, 3)) is ("y_test" in names)
    with pytest.raises(InstancesError, match="no such array") as caught:
        tensors_from_file(data, "a.npz", FLOATS, part="third")
    assert names[0] in caught.value.remedy


def test_a_bomb_is_refused_before_it_is_unpacked():
    data = npz(X=np.zeros((80, 2**20)))
    assert len(data) < 2**20
    tracemalloc.start()
    try:
        with pytest.raises(InstancesError, match="512 MiB"):
            read_npz(data, "a.npz")
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


def test_a_size_that_lies_is_found_out():
    data = bytearray(npz(X=np.zeros(100_000)))
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 100)
    with pytest.raises(InstancesError, match="damaged"):
        read_npz(bytes(data), "a.npz")


def test_zips_that_are_no_npz():
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as opened:
        opened.writestr("readme.txt", "hello")
    with pytest.raises(InstancesError, match="no numpy arrays"):
        tensors_from_file(empty.getvalue(), "a.zip", FLOATS)
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as opened:
        for number in range(1_001):
            opened.writestr(f"{number}.npy", b"")
    with pytest.raises(InstancesError, match="1,000 arrays"):
        tensors_from_file(many.getvalue(), "a.npz", FLOATS)
    with pytest.raises(InstancesError, match="damaged"):
        tensors_from_file(npz(X=ROWS)[:-30], "a.npz", FLOATS)
    squeezed = io.BytesIO()
    with zipfile.ZipFile(squeezed, "w", zipfile.ZIP_BZIP2) as opened:
        opened.writestr("X.npy", npy(ROWS))
    with pytest.raises(InstancesError, match="compressed in a way"):
        tensors_from_file(squeezed.getvalue(), "a.npz", FLOATS)
