"""Pickles read as plain values and stubs; hostile ones are refused in time, in memory, and without running anything."""

from __future__ import annotations

import argparse
import collections
import enum
import functools
import os
import pickle
import random
import resource
import struct
import time
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

from embedviz.checkpoints.torch_save.inert import CONSTRUCTORS, danger
from embedviz.checkpoints.torch_save.pickles import Pickle, read_pickle
from embedviz.checkpoints.torch_save.plain import describe, plain
from embedviz.checkpoints.torch_save.stubs import Stub
from embedviz.errors import CheckpointError


def read(data: bytes) -> Pickle:
    return read_pickle(data, constructors=CONSTRUCTORS)


VALUES: list[Any] = [
    *(None, True, False, 0, 255, 256, 65_536, -1, 2**31, -(2**31), 2**80, -(2**200), 1.5, float("inf"), 1 + 2j),
    *("", "text", "é" * 300, "𝄞\ud800", "a\nb", b"", b"\x00\xff" * 300, bytearray(b"ab")),
    *([], (), {}, set(), [1, [2, [3]]], (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {"a": {"b": 1}}, {1, 2}),
    *(frozenset({"a"}), {("a", "b"): 1, 1.5: 2, None: 3, (1, 2): 4}, list(range(3_000)), dict.fromkeys("abc", 0)),
    *(collections.OrderedDict(a=1, b=[2]), collections.Counter("aab"), {i: str(i) for i in range(2_000)}),
]


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_are_read_as_pickle_reads_them(protocol: int) -> None:
    for value in VALUES:
        assert read(pickle.dumps(value, protocol)).root == value, (protocol, value)


@pytest.mark.parametrize("protocol", range(6))
def test_sharing_and_self_reference_survive(protocol: int) -> None:
    shared: list[Any] = [1]
    value: dict[str, Any] = {"one": shared, "two": shared}
    value["self"] = value
    root = read(pickle.dumps(value, protocol)).root
    assert root["one"] is root["two"]
    assert root["self"] is root


class Colour(enum.Enum):
    RED = 3


class Slotted:
    __slots__ = ("a", "b")


class Mine(dict):  # type: ignore[type-arg]
    pass


class Numbers(list):  # type: ignore[type-arg]
    pass


@pytest.mark.parametrize("protocol", range(2, 6))
def test_objects_become_stubs_that_remember(protocol: int) -> None:
    slotted, mine, numbers = Slotted(), Mine(x=1), Numbers([1, 2])
    slotted.a = 1
    mine.note = "n"  # type: ignore[attr-defined]
    value = [argparse.Namespace(lr=0.1), slotted, mine, numbers, Colour.RED, functools.partial(max, 1), Path("/a/b")]
    space, slots, entries, elements, colour, partial, path = read(pickle.dumps(value, protocol)).root
    assert (space.path, space.attributes) == ("argparse.Namespace", {"lr": 0.1})
    assert slots.attributes == {"a": 1}
    assert (entries.pairs, entries.attributes, entries.name) == ({"x": 1}, {"note": "n"}, "Mine")
    assert elements.elements == [1, 2]
    assert isinstance(colour, Stub)
    assert partial.path == "functools.partial"
    assert plain([space, entries, elements, colour, path]) == [
        {"lr": 0.1},
        {"x": 1},
        [1, 2],
        3,
        str(PurePosixPath("/a/b")),
    ]


def test_numpy_scalars_and_descriptions() -> None:
    root = read(pickle.dumps([np.float32(2.5), np.int64(-3), np.zeros((2, 3)), np.dtype(">f8").type(1)], 2)).root
    assert plain(root)[:2] == [2.5, -3]
    assert describe(root[2]) == "array of shape (2, 3), float64"
    assert describe({"a": 1}) == "dict of 1"
    assert describe("x" * 100_000) == repr("x" * 60 + "…")
    assert len(describe(10**2_000)) <= 60


def test_names_of_globals_are_listed_as_python_3_knows_them() -> None:
    found = read(b"\x80\x02c__builtin__\nset\n]\x85Rc__main__\nNet\n)\x81\x86.")
    assert found.globals == ("__main__.Net", "builtins.set")


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("posix.system", "runs programs"),
        ("builtins.exec", "runs code"),
        ("torch.hub.load", "loads other files"),
        ("pathlib.Path.unlink", "reads or writes the disk"),
        *((honest, "") for honest in ("builtins.getattr", "pathlib.PosixPath", "code.model.Net", "osmium.Net")),
    ],
)
def test_names_that_no_model_needs(path: str, what: str) -> None:
    assert danger(path) == what


class Runs:
    """Touches a file when it is unpickled the usual way."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


def test_nothing_runs(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    for function in (os.system, exec, eval):
        argument = f"touch {marker}" if function is os.system else f"open({str(marker)!r}, 'w').close()"
        data = pickle.dumps({"a": Runs(function, argument)}, 2)
        stub = read(data).root["a"]
        assert stub.args == (argument,)
        assert danger(stub.path)
        assert not marker.exists()
    pickle.loads(data)
    assert marker.exists(), "the file would have run"


def test_building_on_a_class_changes_nothing() -> None:
    root = read(b"\x80\x02cargparse\nNamespace\nq\x00}X\x01\x00\x00\x00aK\x01sb0h\x00)\x81.").root
    assert root.attributes == {}
    assert not hasattr(argparse.Namespace, "a")


def nested_key() -> bytes:
    return b"\x80\x02}" + b")" + b"2\x86" * 60 + b"Ns."


def laughs() -> bytes:
    """Lists of ten times the list before, sixty levels deep."""
    levels = [b"](" + b"h" + bytes([level]) + b"2" * 9 + b"eq" + bytes([level + 1]) for level in range(60)]
    return b"\x80\x02]q\x00" + b"".join(levels) + b"."


def colliding() -> bytes:
    """Integers that have the same hash."""
    keys = b"".join(b"\x8a\x0b" + (index * (2**61 - 1)).to_bytes(11, "little") + b"N" for index in range(60_000))
    return b"\x80\x02}(" + keys + b"u."


def colliding_tuples() -> bytes:
    """Tuples of -1 and -2, which have the same hash."""
    minus = (b"J\xff\xff\xff\xff", b"J\xfe\xff\xff\xff")
    keys = b"".join(b"(" + b"".join(minus[index >> bit & 1] for bit in range(15)) + b"tN" for index in range(2**15))
    return b"\x80\x02}(" + keys + b"u."


def copied(function: bytes) -> bytes:
    """A call that copies its argument, over and over."""
    start = b"\x80\x02X" + struct.pack("<I", 10**6) + b"a" * 10**6 + b"q\x00X\x06\x00\x00\x00latin1q\x01"
    return start + b"".join([b"c" + function + b"\nh\x00h\x01\x86R"] * 20_000) + b"."


HOSTILE: dict[str, tuple[bytes, str]] = {
    "bytearray of 1.6e9": (
        b"\x80\x02cbuiltins\nbytearray\nJ" + struct.pack("<i", 1_600_000_000) + b"\x85R.",
        "hostile",
    ),
    "2M marks": (b"\x80\x02" + b"(" * 2_000_000 + b".", "too-large"),
    "20M marks": (b"\x80\x02" + b"(" * 20_000_000 + b".", "too-large"),
    "20M lists": (b"\x80\x02" + b"]" * 20_000_000 + b".", "too-large"),
    "20M dicts": (b"\x80\x02" + b"}" * 20_000_000 + b".", "too-large"),
    "20M sets": (b"\x80\x02" + b"\x8f" * 20_000_000 + b".", "too-large"),
    "objects": (b"\x80\x02cx\ny\nq\x00" + b"h\x00)\x81" * 2_000_000 + b".", "too-large"),
    "built objects": (b"\x80\x02cx\ny\nq\x00" + b"h\x00)\x81}K\x01K\x01sb" * 2_000_000 + b".", "too-large"),
    "memo index 2**32-1": (b"\x80\x02Nr\xff\xff\xff\xff.", ""),
    "memo index in text": (b"Np99999999999999999999\n.", ""),
    "nested lists": (b"\x80\x02" + b"]" * 900_000 + b"a" * 899_999 + b".", ""),
    "nested tuples": (b"\x80\x02)" + b"\x85" * 1_000_000 + b".", ""),
    "billion laughs": (laughs(), ""),
    "a key that hashes for ever": (nested_key(), ""),
    "colliding integers": (colliding(), "too-large"),
    "colliding tuples": (colliding_tuples(), "too-large"),
    "huge LONG4": (b"\x80\x02\x8b" + struct.pack("<I", 10**7) + b"\x01" * 10**7 + b".", "too-large"),
    "negative LONG4": (b"\x80\x02\x8b\xff\xff\xff\xff.", "too-large"),
    "huge LONG in text": (b"L" + b"1" * 9_000 + b"L\n.", "corrupt"),
    "endless line": (b"c" + b"a" * 50_000_000, "corrupt"),
    "text of 2**63 bytes": (b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7f.", "truncated"),
    "text of wide characters": (
        b"\x80\x02X" + struct.pack("<I", 40_000_004) + "𝄞".encode() + b"a" * 40_000_000 + b".",
        "",
    ),
    "copies": (copied(b"_codecs\nencode"), "too-large"),
    "names": (b"".join(b"cm\nn%d\n" % index for index in range(100_000)) + b".", "too-large"),
    "EXT1": (b"\x80\x02\x82\x01.", "corrupt"),
    "PERSID": (b"\x80\x02Pabc\n.", "corrupt"),
    "NEXT_BUFFER": (b"\x80\x05\x97.", "corrupt"),
    "empty stack": (b"\x80\x02R.", "corrupt"),
    "call of a number": (b"\x80\x02K\x01)R.", ""),
    "append to a number": (b"\x80\x02K\x01K\x02a.", "corrupt"),
    "unhashable key": (b"\x80\x02}]Ns.", ""),
    "no end": (b"\x80\x02]", "truncated"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_pickles_end_soon_and_take_little(case: str) -> None:
    data, code = HOSTILE[case]
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    if code:
        with pytest.raises(CheckpointError) as caught:
            read(data)
        assert caught.value.code == f"files.{code}"
        assert caught.value.remedy
    else:
        root = read(data).root
        assert describe(root)
        plain(root)
        del root
    assert time.process_time() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20, "KiB: more than 1 GiB"


def test_flipped_and_cut_pickles_raise_nothing_else() -> None:
    rng = random.Random(0)
    whole = [pickle.dumps([*VALUES[:34], argparse.Namespace(a=1), np.zeros(3), Colour.RED], p) for p in range(6)]
    outcomes = collections.Counter()
    for _ in range(600):
        data = bytearray(rng.choice(whole))
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        cut = bytes(data[: rng.randrange(len(data))] if rng.random() < 0.3 else data)
        try:
            plain(read(cut).root)
            outcomes["read"] += 1
        except CheckpointError as error:
            outcomes[error.code] += 1
    assert outcomes["files.corrupt"] > 50
    assert outcomes["files.truncated"] > 50
    assert outcomes["read"] > 10
