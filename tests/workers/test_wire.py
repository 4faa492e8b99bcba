"""Frames: what goes in comes out, and what is not a frame is refused without being believed."""

from __future__ import annotations

import io
import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from embedviz.errors import KINDS, EmbedvizError, LayerError, WorkerError
from embedviz.workers import wire
from embedviz.workers.wire import error_from, error_message, receive, send

#: Any text that Python can hold, halves of characters included.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
NUMBERS = st.sampled_from(["float32", "float64", "int64", "int32", "bool"]).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))
)


def there_and_back(message: dict[str, Any], sent: dict[str, np.ndarray] | None = None) -> Any:
    stream = io.BytesIO()
    send(stream, message, sent)
    stream.seek(0)
    received = receive(stream)
    assert stream.read() == b""
    return received


def frame(header: Any, body: bytes = b"") -> io.BytesIO:
    data = header if isinstance(header, bytes) else json.dumps(header).encode()
    return io.BytesIO(struct.pack("<I", len(data)) + data + body)


@given(st.dictionaries(TEXTS.filter(lambda name: name != "arrays"), VALUES, max_size=5))
def test_any_json_value_comes_back_as_it_was(message: dict[str, Any]) -> None:
    assert there_and_back(message) == (message, {})


@given(st.dictionaries(TEXTS, NUMBERS, max_size=3))
def test_arrays_come_back_bit_for_bit(sent: dict[str, np.ndarray]) -> None:
    _, received = there_and_back({"id": 1}, sent)
    assert list(received) == list(sent)
    for name, array in sent.items():
        assert received[name].dtype == array.dtype
        assert received[name].shape == array.shape
        assert received[name].tobytes() == array.tobytes()


@pytest.mark.parametrize("shape", [(0,), (0, 384), (3, 0), (2, 0, 4)])
def test_an_empty_array_keeps_its_shape(shape: tuple[int, ...]) -> None:
    _, received = there_and_back({}, {"none": np.zeros(shape, np.float32), "some": np.ones(2, np.int64)})
    assert received["none"].shape == shape
    assert received["some"].tolist() == [1, 1]


def test_an_array_that_is_a_view_arrives_as_it_looks() -> None:
    grid = np.arange(12, dtype=np.float32).reshape(3, 4)
    _, received = there_and_back({}, {"turned": grid.T, "thinned": grid[::2, ::-1]})
    np.testing.assert_array_equal(received["turned"], grid.T)
    np.testing.assert_array_equal(received["thinned"], grid[::2, ::-1])


def test_frames_follow_each_other() -> None:
    stream = io.BytesIO()
    for number in range(3):
        send(stream, {"id": number}, {"x": np.full(number, number)})
    stream.seek(0)
    for number in range(3):
        received = receive(stream)
        assert received is not None
        assert received[0] == {"id": number}
        assert received[1]["x"].tolist() == [number] * number
    assert receive(stream) is None


@pytest.mark.parametrize("rest", [b"", b"\x01", b"\x01\x00\x00"])
def test_a_stream_that_ends_between_frames_is_an_end_and_no_error(rest: bytes) -> None:
    assert receive(io.BytesIO(rest)) is None


def damaged() -> dict[str, io.BytesIO]:
    vectors = ["vectors", "float32", [2, 3]]
    return {
        "longer than any message": io.BytesIO(struct.pack("<I", 2**32 - 1)),
        "a header cut short": io.BytesIO(struct.pack("<I", 50) + b'{"id": 1'),
        "not JSON": frame(b"hello"),
        "not UTF-8": frame(b'{"id": "\xff\xfe", "arrays": []}'),
        "JSON, but a list": frame([1, 2]),
        "JSON, but a number": frame(7),
        "JSON, but null": frame(None),
        "no arrays": frame({"id": 1}),
        "arrays that are a number": frame({"id": 1, "arrays": 3}),
        "an array of two parts": frame({"id": 1, "arrays": [["vectors", "float32"]]}),
        "an array without a shape": frame({"id": 1, "arrays": [["vectors", "float32", None]]}),
        "a shape of words": frame({"id": 1, "arrays": [["vectors", "float32", ["two"]]]}),
        "an infinite shape": frame(b'{"arrays": [["vectors", "float32", [Infinity]]]}'),
        "a shape below zero": frame({"id": 1, "arrays": [["vectors", "float32", [-1, 4]]]}),
        "a shape beyond all numbers": frame({"id": 1, "arrays": [["vectors", "float32", [0, 10**30]]]}),
        "more axes than an array has": frame({"id": 1, "arrays": [["vectors", "float32", [1] * 100]]}, bytes(4)),
        "more bytes than allowed": frame({"id": 1, "arrays": [["vectors", "float32", [2**20, 2**20]]]}),
        "more bytes than allowed in all": frame({"arrays": [[str(each), "bool", [0]] for each in range(3)] + [
            ["vectors", "float64", [2**32]]
        ]}),
        "fewer bytes than told": frame({"id": 1, "arrays": [vectors]}, bytes(23)),
        "no bytes at all": frame({"id": 1, "arrays": [vectors]}),
        "objects": frame({"id": 1, "arrays": [["vectors", "object", [1]]]}, bytes(8)),
        "objects by their short name": frame({"id": 1, "arrays": [["vectors", "O", [1]]]}, bytes(8)),
        "a record of objects": frame({"id": 1, "arrays": [["vectors", "f4,O", [1]]]}, bytes(16)),
        "text": frame({"id": 1, "arrays": [["vectors", "<U4", [1]]]}, bytes(16)),
        "nested too deeply": frame(b"[" * 200_000),
    }  # fmt: skip


@pytest.mark.parametrize("how", list(damaged()))
def test_what_is_not_a_frame_is_an_error_that_can_be_shown(how: str) -> None:
    with pytest.raises(WorkerError, match=r"A worker (sent|stopped)"):
        receive(damaged()[how])


@given(st.binary(max_size=80))
def test_any_bytes_are_a_frame_an_end_or_a_worker_error(data: bytes) -> None:
    try:
        receive(io.BytesIO(struct.pack("<I", len(data)) + data))
    except WorkerError:
        return


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    mark = tmp_path / "unpickled"
    trap = pickle.dumps(Trap(mark))
    header = {"id": 1, "arrays": [["vectors", "object", [1]]]}
    for stream in (frame(trap), frame(header, trap), frame({"arrays": [["x", "bool", [len(trap)]]]}, trap)):
        try:
            receive(stream)
        except WorkerError:
            continue
    assert not mark.exists()
    pickle.loads(trap)
    assert mark.exists(), "The trap must work for this test to mean anything."


def test_neither_side_knows_pickle() -> None:
    for module in ("wire", "serve", "process", "pool", "zygote", "model_operations", "numbers_operations"):
        text = Path(str(wire.__file__)).with_name(f"{module}.py").read_text(encoding="utf-8")
        for word in ("import pickle", "import marshal", "allow_pickle", "torch.load", "multiprocessing", "joblib"):
            assert word not in text, f"{module} must not use {word}"


@pytest.mark.parametrize("kind", list(KINDS.values()))
def test_an_error_comes_back_as_the_kind_it_was(kind: type[EmbedvizError]) -> None:
    error = kind("It is “broken”", value="\ud800 7", remedy="Mend it.")
    message, _ = there_and_back(error_message(error))
    again = error_from(message)
    assert type(again) is kind
    assert (again.what, again.value, again.remedy) == (error.what, error.value, error.remedy)


@pytest.mark.parametrize("message", [{}, {"kind": "SystemExit", "what": 3}, {"kind": ["x"], "remedy": None}])
def test_an_error_of_no_known_kind_is_still_one_of_ours(message: dict[str, Any]) -> None:
    assert type(error_from(message)) is EmbedvizError
    assert type(error_from({"kind": "LayerError", "what": "gone"})) is LayerError
