"""Session files: what goes in comes out, and what anybody may have put in is refused in one line."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import embedviz as ev
from embedviz.errors import ExportError
from embedviz.projection.trust import trust
from embedviz.records import Finding, ImageItem, Instances, Layer, Likeness, Reads, TensorItem
from embedviz.sessions import Choices, Session, is_session, read_session, write_session
from embedviz.sessions.session import INDEX, Summary

N = 20
LAYERS = (
    Layer("", "BertModel", "model", 100, ("instances", "tokens", 6), (1,), "tokens", order=None),
    Layer("encoder", "Encoder", "block", 10, None, status="unused", why="never called <b>", order=3),
)
ITEMS: dict[str, Callable[[int], Any]] = {
    "text": lambda place: (f"text {place} \ud800 </script>", ("a", f"pair {place}"), (1, 2, place))[place % 3],
    "tensors": lambda place: TensorItem.of(np.full((2, 3), place, dtype=np.float32)),
    "images": lambda place: ImageItem(bytes([place]) * (place + 1), f"picture {place}"),
}


def made(modality: str = "text", own: int = 2, dimensions: int = 2) -> Session:
    """Vectors, a PCA and its trust of ``N`` instances, ``own`` of them added."""
    items = tuple(ITEMS[modality](place) for place in range(N))
    ids = tuple(f"i{place}" for place in range(N - own))
    columns = {"label": tuple(("x", None, 1.5, True)[place % 4] for place in range(N - own))}
    base = Instances(items[: N - own], ids, columns, "label", "mine", 3, modality)
    rows = np.random.default_rng(0).normal(size=(N, 6)).astype(np.float32)
    embeddings = ev.Embeddings(rows, tuple(map(str, range(N))), layer="", pooling="mean", notes=("a note",))
    projection = ev.project(embeddings, "pca", dimensions=dimensions)
    return Session(
        Choices("upload", "tiny.zip", "", "mean", "l2", "pca", dimensions, 0, (), "query: ", None, "i3", ("i3", "i4")),
        Summary(
            "tiny", "BERT", "zip", "f" * 64, 512, "", "not told", "", LAYERS,
            (Finding("weights.a", "warning", "t", "e", "w", "r"),), "", Reads(modality, (None, 3)), "",
            {"q": "query: "}, False, 1e-6,
        ),
        base,
        items[N - own :],
        embeddings,
        {name: likeness(embeddings, name) for name in ("none", "centred")},
        projection,
        trust=trust(embeddings, projection.coordinates),
        provenance="from here",
        versions={"torch": "2"},
    )  # fmt: skip


def likeness(embeddings: ev.Embeddings, name: str) -> Likeness:
    from embedviz.export.page import cosines_of

    found = cosines_of(embeddings, name)
    return Likeness(found.indices, found.cosines, found.most, found.least, found.crowding, (), N)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and all(
            same(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__
        )
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and type(one) is type(other)


@pytest.mark.parametrize("modality", list(ITEMS))
def test_what_goes_in_comes_out(modality: str) -> None:
    session = made(modality, dimensions=3 if modality == "text" else 2)
    data = write_session(session)
    assert is_session(io.BytesIO(data))
    found = read_session(data)
    for name in session.__dataclass_fields__:
        if name != "embeddings":
            assert same(getattr(session, name), getattr(found, name)), name
    assert same(session.embeddings.vectors, found.embeddings.vectors)
    assert found.embeddings.checkpoint == session.summary.fingerprint
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {name.rpartition(".")[2] for name in archive.namelist()} == {"json", "npy"}
        for name in archive.namelist():
            if name.endswith(".npy"):
                np.load(io.BytesIO(archive.read(name)), allow_pickle=False)


# Files that anybody may have made


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", kind) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return written.getvalue()


@pytest.fixture(scope="module")
def parts() -> dict[str, bytes]:
    return members(write_session(made()))


def changed(parts: dict[str, bytes], change: Callable[[dict[str, Any]], Any]) -> bytes:
    told = json.loads(parts[INDEX])
    change(told)
    return packed({**parts, INDEX: json.dumps(told).encode()})


def array(values: Any, **kind: Any) -> bytes:
    written = io.BytesIO()
    np.save(written, values, **kind)
    return written.getvalue()


def refused(data: bytes, told: str) -> None:
    with pytest.raises(ExportError) as error:
        read_session(data)
    line = str(error.value)
    assert told in line
    assert "\n" not in line
    assert len(line) < 600


def test_what_is_no_session_is_said() -> None:
    for data in (b"", b"PK\x03\x04", b"\x93NUMPY" * 100, packed({"config.json": b"{}"}), b"PK\x05\x06" + bytes(18)):
        assert not is_session(io.BytesIO(data))
        refused(data, "This is no session of embedviz")


def test_a_newer_one_is_said(parts: dict[str, bytes]) -> None:
    newer = {"format": 2, "version": "9.0 <b>"}
    refused(changed(parts, lambda told: told.update(embedviz=newer)), "saved by a newer embedviz: 9.0")
    for damaged in (None, {}, {"format": True}, {"format": "1"}, {"format": 0}, []):
        refused(changed(parts, lambda told, each=damaged: told.update(embedviz=each)), "damaged")  # type: ignore[misc]


def test_what_would_fill_the_memory_is_refused(parts: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    refused(packed({**parts, "vectors.npy": parts["vectors.npy"][:128] + bytes(2**20)}), "damaged")
    header = array(np.zeros((1, 1), np.float32)).replace(b"(1, 1), }", b"(20, 99999999), }"[:9] + b"9, }    ")
    refused(packed({**parts, "vectors.npy": header}), "damaged")
    refused(packed({**parts, **{f"{number}.npy": b"" for number in range(200)}}), "no session")
    refused(changed(parts, lambda told: told.update(x=0)).replace(INDEX.encode(), b"session.jsox"), "no session")
    deep = b'{"embedviz":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    refused(packed({**parts, INDEX: deep}), "damaged")
    refused(packed(parts, zipfile.ZIP_BZIP2), "damaged")
    monkeypatch.setattr("embedviz.sessions.unpacking.MOST_BYTES", 1_000)
    refused(packed(parts), "would come out of this session file")


def test_pickles_are_not_read(parts: dict[str, bytes]) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            raise AssertionError("unpickled")

    data = array(np.array([{}], dtype=object), allow_pickle=True)
    refused(packed({**parts, "vectors.npy": data}), "damaged")


WRONG_ARRAYS = {
    "vectors": [np.zeros((N, 0), np.float32), np.zeros((N - 1, 6), np.float32), np.full((N, 6), np.nan, np.float32),
                np.zeros((N, 6)), np.full((N, 6), np.inf, np.float32), np.zeros(N, np.float32)],
    "none.indices": [np.full((N, 5), N), np.full((N, 5), -2), np.zeros((N + 1, 5), np.int64)],
    "none.cosines": [np.full((N, N - 1), 7, np.float32), np.zeros((N, 3), np.float32)],
    "none.most": [np.full((3, 2), N), np.zeros((3, 3), np.int64), np.full((3, 2), -1)],
    "coordinates": [np.zeros((N, 4), np.float32), np.full((N, 2), np.inf, np.float32), np.zeros((N, 2))],
    "shares": [np.zeros(N - 1, np.float32)],
    "near.places": [np.full((2, 2), N)],
    "near.ranks": [np.zeros(99, np.int64)],
}  # fmt: skip


@pytest.mark.parametrize("name", list(WRONG_ARRAYS))
def test_arrays_of_another_kind_are_refused(parts: dict[str, bytes], name: str) -> None:
    for wrong in WRONG_ARRAYS[name]:
        refused(packed({**parts, f"{name}.npy": array(wrong)}), f"damaged: {name.rpartition('.')[0]}")
    without = {each: part for each, part in parts.items() if each != f"{name}.npy"}
    refused(packed(without), f"damaged: {name}")


def test_any_value_of_another_kind_is_read_or_refused_in_one_line(parts: dict[str, bytes]) -> None:
    """Each value of the JSON in turn becomes something else; nothing but an ExportError comes of it."""
    whole = json.loads(parts[INDEX])
    others = [None, -1, 2**70, 1e308, float("nan"), "x", "", True, [], {}, [[]], {"x": 1}]
    rng, said = random.Random(0), []
    for path in _paths(whole):
        told = copy.deepcopy(whole)
        inside = told
        for step in path[:-1]:
            inside = inside[step]
        inside[path[-1]] = rng.choice(others)
        try:
            read_session(packed({**parts, INDEX: json.dumps(told).encode()}, zipfile.ZIP_STORED))
            said.append("")
        except ExportError as error:
            said.append(str(error))
    assert len(said) > 120
    assert sum(bool(line) for line in said) > 100
    assert not [line for line in said if "\n" in line]


def _paths(value: Any) -> list[list[Any]]:
    if isinstance(value, dict):
        return [[name, *rest] for name, each in value.items() for rest in ([], *_paths(each))]
    if isinstance(value, list):
        # The first of many alike stands for the others.
        return [[place, *rest] for place, each in enumerate(value[:1]) for rest in ([], *_paths(each))]
    return []


def test_layers_that_no_model_has_are_refused(parts: dict[str, bytes]) -> None:
    for name, change in (
        ("choices.layer", lambda told: told["choices"].update(layer="nowhere")),
        ("choices.layer", lambda told: told["choices"].update(layer="encoder")),
        ("choices.layer", lambda told: told["checkpoint"].update(recommended="nowhere")),
        ("choices.pooling", lambda told: told["choices"].update(pooling="nonsense")),
        ("checkpoint.layers", lambda told: told["checkpoint"]["layers"][0].update(heads=2**40)),
    ):
        refused(changed(parts, change), f"damaged: {name}")


def test_items_that_lie_about_their_size_are_refused() -> None:
    for modality, wrong in (
        ("tensors", ["float32", [2, 3], 25]), ("tensors", ["object", [1], 8]), ("tensors", ["float32", [-1, -6], 24]),
        ("images", ["name", -1]), ("images", ["name", 10**9]),
    ):  # fmt: skip
        parts = members(write_session(made(modality)))
        data = changed(parts, lambda told, each=wrong: told["base"]["items"]["items"].__setitem__(0, each))  # type: ignore[misc]
        refused(data, "damaged: base")
