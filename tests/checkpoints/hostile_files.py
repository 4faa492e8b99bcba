"""Single files that are hostile: pickles, safetensors, TorchScript, exported programs, Keras, GGUF, archives, names."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.checkpoints.tiny import Maker, model, secret, tensors, tiny

Write = Callable[[Path], object]


def written(name: str, data: bytes | Callable[[], bytes]) -> Maker:
    def make(folder: Path, marker: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data() if callable(data) else data)
        return folder / name

    return make


# Pickles.


class Runs:
    """Leaves its mark when it is unpickled the usual way."""

    def __init__(self, marker: Path, how: str = "exec") -> None:
        self.marker, self.how = marker, how

    def __reduce__(self) -> Any:
        program = f"open({str(self.marker)!r}, 'w').close()"
        return {
            "exec": (exec, (program,)),
            "eval": (eval, (program,)),
            "system": (os.system, (f"touch {self.marker}",)),
            "open": (io.open, (str(self.marker), "w")),
            "import": (__import__, ("antigravity",)),
        }[self.how]


def saved(value: Callable[[Path], Any], **options: Any) -> Maker:
    """What torch.save makes of ``value(marker)``."""

    def make(folder: Path, marker: Path) -> Path:
        import torch

        folder.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.save(value(marker), folder / "model.pt", **options)
        return folder / "model.pt"

    return make


LEGACY = {"_use_new_zipfile_serialization": False}


def running(how: str = "exec", **options: Any) -> Maker:
    return saved(lambda marker: {**tensors(), "x": Runs(marker, how)}, **options)


def pickled(value: Callable[[Path], Any], name: str = "model.pt", protocol: int = 2) -> Maker:
    def make(folder: Path, marker: Path) -> Path:
        return written(name, pickle.dumps(value(marker), protocol))(folder, marker)

    return make


def in_torch(data: bytes | Callable[[], bytes], container: str) -> Maker:
    """``data`` as the pickle within a zip or a legacy file of torch.save."""

    def make(folder: Path, marker: Path) -> Path:
        content = data() if callable(data) else data
        if container == "legacy":
            head = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
            return written("model.pt", b"".join([*head, content, pickle.dumps([], 2)]))(folder, marker)
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(folder / "model.pt", "w") as out:
            out.writestr("model/data.pkl", content)
            out.writestr("model/version", "3\n")
        return folder / "model.pt"

    return make


def claiming(shape: tuple[int, ...], stride: tuple[int, ...], elements: int = 2_000) -> Maker:
    """A file whose one tensor claims to be of that shape."""

    def make(folder: Path, marker: Path) -> Path:
        import torch

        from tests.checkpoints.torch_save.test_torch_file import tensor_pickle, with_pickle

        folder.mkdir(parents=True, exist_ok=True)
        torch.save({"a": torch.zeros(2_000)}, folder / "whole.pt")
        return with_pickle(folder / "whole.pt", folder / "model.pt", tensor_pickle(shape, stride, 0, elements))

    return make


def zeros_in_torch(folder: Path, marker: Path) -> Path:
    """A small zip whose one storage is 256 MB of zeros."""
    import torch

    from tests.checkpoints.torch_save.test_torch_file import repacked

    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"a": torch.zeros(10)}, folder / "whole.pt")
    grow = lambda name, data: (name, bytes(2**28) if name.endswith("data/0") else data)  # noqa: E731
    return repacked(folder / "whole.pt", folder / "model.pt", grow, compression=zipfile.ZIP_DEFLATED)


def hostile_module(marker: Path) -> Any:
    """A module of torch.nn with a hook and a forward that are programs."""
    import torch

    whole = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
    whole.forward = Runs(marker)
    whole[0]._forward_hooks[0] = Runs(marker)
    return whole


def odd_module(**changes: Any) -> Maker:
    """A Linear with attributes changed after it was made."""

    def make(marker: Path) -> Any:
        import torch

        made = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.1), torch.nn.Conv1d(4, 4, 1))
        for name, value in changes.items():
            setattr(made[2 if hasattr(made[2], name) and not hasattr(made[0], name) else 0], name, value)
        return made

    return saved(make)


def transformers_module(**changes: Any) -> Maker:
    """The tiny model as a pickled module, with values of its configuration changed."""

    def make(marker: Path) -> Any:
        import transformers

        config = json.loads(tiny()["config.json"])
        made = transformers.BertModel(transformers.BertConfig.from_dict(config))
        for name, value in changes.items():
            made.config.__dict__[name] = value
        return made

    return saved(make)


def distributed(folder: Path, marker: Path) -> Path:
    """A folder of a distributed checkpoint whose metadata is a program."""
    (folder / "model").mkdir(parents=True)
    (folder / "model" / ".metadata").write_bytes(pickle.dumps(Runs(marker)))
    (folder / "model" / "__0_0.distcp").write_bytes(b"PK\x03\x04" + bytes(1_000))
    return folder / "model"


def training_arguments(folder: Path, marker: Path) -> Path:
    """The tiny model with programs in the pickles that trainers leave beside weights."""
    made = model(folder / "model")
    for name in ("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth", "pytorch_model.bin"):
        (made / name).write_bytes(pickle.dumps(Runs(marker)))
    return made


def bin_folder(folder: Path, marker: Path) -> Path:
    """The tiny model's folder with a program in its pytorch_model.bin."""
    made = model(folder / "model", **{"model.safetensors": None})
    running()(folder / "x", marker).rename(made / "pytorch_model.bin")
    return made


PICKLED: dict[str, Maker] = {
    **{f"torch: {how}": running(how) for how in ("exec", "eval", "system", "open", "import")},
    **{f"torch, legacy: {how}": running(how, **LEGACY) for how in ("exec", "system")},
    "torch, protocol 5: exec": running("exec", pickle_protocol=5),
    **{
        f"pickle {protocol}: exec": pickled(lambda marker: {"x": Runs(marker)}, protocol=protocol)
        for protocol in range(6)
    },
    "pickle: named .bin": pickled(Runs, "pytorch_model.bin"),
    "pickle: named .ckpt": pickled(Runs, "epoch=1.ckpt"),
    "pickle: named .safetensors": pickled(Runs, "model.safetensors"),
    "pickle: a folder's weights": bin_folder,
    "pickle: beside the weights": training_arguments,
    "pickle: distributed": distributed,
    "torch: Lightning with a program": saved(
        lambda marker: {
            "pytorch-lightning_version": "2.0",
            "state_dict": tensors(),
            "hyper_parameters": {"x": Runs(marker)},
            "callbacks": {"y": Runs(marker)},
        }
    ),
    "torch: module with programs": saved(hostile_module),
    "torch: module of odd sizes": odd_module(in_features=10**9, out_features=10**9),
    "torch: module with an odd forward": odd_module(forward="x"),
    "torch: module with odd groups": odd_module(groups=0),
    "torch: module with odd kernels": odd_module(kernel_size=(10**9,)),
    "torch: transformers module of 3,000 layers": transformers_module(num_hidden_layers=3_000),
    "torch: transformers module of width 2e9": transformers_module(hidden_size=2_000_000_000),
    "torch: transformers module with a kernel": transformers_module(
        _attn_implementation_internal="kernels-community/flash-attn", attn_implementation="kernels-community/flash-attn"
    ),
    "torch: transformers module with 2e9 labels": transformers_module(num_labels=2_000_000_000),
    "torch: 256 MB of zeros": zeros_in_torch,
    "torch: 2**34 elements of one": claiming((2**34,), (0,)),
    "torch: storage too small": claiming((4_000,), (1,), 4_000),
    "torch: negative shape": claiming((-1, 4), (1, 1)),
    "torch: impossible shape": claiming((2**62,), (1,)),
    "torch: sparse": saved(lambda marker: {"a": _sparse_with_bad_indices()}),
    "torch: a tensor of 4 TB on meta": saved(lambda marker: {"a": _on_meta()}),
    "torch: names": saved(lambda marker: dict(zip(NAMES, _ones(), strict=False))),
    "torch: 20,000 tensors": saved(lambda marker: _views(20_000)),
    "torch: a name of 10 MB": saved(lambda marker: {"x" * 10**7: next(iter(_ones()))}),
}


def _sparse_with_bad_indices() -> Any:
    import torch

    return torch.sparse_csr_tensor(
        torch.tensor([0, 10**6, 2]), torch.tensor([10**9, 1]), torch.ones(2), (2, 2), check_invariants=False
    )


def _on_meta() -> Any:
    import torch

    return torch.empty(10**6, 10**6, device="meta")


def _ones() -> list[Any]:
    import torch

    return [torch.ones(2) for _ in range(100)]


def _views(count: int) -> dict[str, Any]:
    import torch

    whole = torch.zeros(10)
    return {f"{number}": whole[:1] for number in range(count)}


# Safetensors.


def safetensors(entries: Any, data: bytes = b"", length: int | None = None) -> Maker:
    """A header of ``entries`` (a function is called for them, bytes are taken as they are), then ``data``."""

    def make(folder: Path, marker: Path) -> Path:
        given = entries() if callable(entries) else entries
        header = given if isinstance(given, bytes) else json.dumps(given).encode()
        size = struct.pack("<Q", len(header) if length is None else length)
        return written("model.safetensors", size + header + data)(folder, marker)

    return make


def entry(start: int, end: int, shape: Any = None, dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": [(end - start) // 4] if shape is None else shape, "data_offsets": [start, end]}


def renamed(names: Callable[[list[str]], list[str]]) -> Maker:
    """The tiny model's weights alone under other names."""

    def make(folder: Path, marker: Path) -> Path:
        from safetensors.torch import save

        held = tensors()
        return written("model.safetensors", save(dict(zip(names(list(held)), held.values(), strict=True))))(
            folder, marker
        )

    return make


NAMES = (
    "<img src=x onerror=alert(1)>",
    "=cmd|'/c calc'!A1",
    "a\nb\r\n# Big\t`x`",
    "\u202egpj.exe\u2066",
    "$\\href{javascript:alert(1)}{x}$",
    "\0",
    "../../etc/passwd",
    "__class__.__init__.__globals__",
    "x" * 10_000,
    "." * 10_000,
    "a." * 5_000,
    "\\1(?P<x>.*)*$",
    "encoder.layer.99999999999999999999.x",
    "encoder.layer.٣.x",
    "",
)
SAFETENSORS: dict[str, Maker] = {
    "safetensors: header of 2**63": safetensors({}, length=2**63),
    "safetensors: header of 2**64 - 1": safetensors(b'{"a":{}}', length=2**64 - 1),
    "safetensors: header past the end": safetensors({"a": entry(0, 4)}, bytes(4), length=10**6),
    "safetensors: 400,000 tensors": safetensors(lambda: {f"{n}": entry(0, 0) for n in range(400_000)}),
    "safetensors: a million tensors": safetensors(lambda: b"{" + b'"a":{},' * 10**6 + b'"b":{}}'),
    "safetensors: 99,000 tensors": safetensors(lambda: {f"layer.{n}.x": entry(0, 0) for n in range(99_000)}),
    "safetensors: overlap": safetensors({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)),
    "safetensors: hole": safetensors({"a": entry(0, 4), "b": entry(8, 12)}, bytes(12)),
    "safetensors: too little": safetensors({"a": entry(0, 4_000)}, bytes(12)),
    "safetensors: too much": safetensors({"a": entry(0, 4)}, bytes(12)),
    "safetensors: overflowing shape": safetensors({"a": entry(0, 4, [2**32, 2**32, 2**32])}, bytes(4)),
    "safetensors: shape of zeros": safetensors({"a": entry(0, 0, [2**39, 0, 2**39])}),
    "safetensors: negative": safetensors({"a": entry(0, 4, [-1, -1])}, bytes(4)),
    "safetensors: a float": safetensors({"a": entry(0, 4, [1.0])}, bytes(4)),
    "safetensors: 100,000 axes": safetensors({"a": entry(0, 4, [1] * 100_000)}, bytes(4)),
    "safetensors: no type": safetensors({"a": entry(0, 4, dtype="Q4")}, bytes(4)),
    "safetensors: type is a list": safetensors({"a": entry(0, 4, dtype=["F32"])}, bytes(4)),
    "safetensors: entries are numbers": safetensors({"a": 7}),
    "safetensors: twice the same name": safetensors(
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        bytes(8),
    ),
    "safetensors: deep": safetensors(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "safetensors: metadata of 20 MB": safetensors(lambda: {"__metadata__": {"x": "y" * 20_000_000}}),
    "safetensors: metadata that is none": safetensors({"__metadata__": 7, "a": entry(0, 4)}, bytes(4)),
    "safetensors: markup and formulas": safetensors(
        lambda: {name: entry(4 * place, 4 * place + 4) for place, name in enumerate(NAMES)}, bytes(4 * len(NAMES))
    ),
    "safetensors: hostile prefix": renamed(
        lambda names: [f"<img src=x onerror=alert(1)>\n$x$.{name}" for name in names]
    ),
    "safetensors: prefix of 10,000": renamed(lambda names: [f"{'x.' * 5_000}{name}" for name in names]),
    "safetensors: prefix with patterns": renamed(lambda names: [f"(a*)*\\1$.{name}" for name in names]),
    "safetensors: 3,000 blocks": safetensors(
        lambda: {f"encoder.layer.{n}.attention.self.query.weight": entry(0, 0, [0, 16]) for n in range(3_000)}
    ),
    "safetensors: a block of number 10**9": safetensors(
        {f"encoder.layer.{n}.attention.self.query.weight": entry(0, 0, [0, 16]) for n in (0, 10**9)}
    ),
}


# Programs.


def torchscript(folder: Path, marker: Path) -> Path:
    """A TorchScript program whose forward writes a file."""
    import torch

    class Writes(torch.nn.Module):
        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path
            self.weight = torch.nn.Parameter(torch.ones(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.from_file(self.path, True, 4) + self.weight.sum() + x.sum()

    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(Writes(str(marker))).save(str(folder / "model.pt"))
    return folder / "model.pt"


def exported(folder: Path, marker: Path) -> Path:
    """A program of torch.export whose example inputs are a program of another kind."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    torch.export.save(torch.export.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),)), folder / "whole.pt2")
    torch.save(Runs(marker), folder / "runs.pt")
    with zipfile.ZipFile(folder / "whole.pt2") as source, zipfile.ZipFile(folder / "model.pt2", "w") as out:
        for name in source.namelist():
            inputs = "sample_inputs" in name
            out.writestr(name, (folder / "runs.pt").read_bytes() if inputs else source.read(name))
    return folder / "model.pt2"


def keras(*layers: Mapping[str, Any], weights: Write | None = None) -> Maker:
    """A Keras archive of a Sequential with these layers, written without Keras."""

    def make(folder: Path, marker: Path) -> Path:
        import h5py

        folder.mkdir(parents=True, exist_ok=True)
        first = layer("InputLayer", batch_shape=[None, 4], dtype="float32", name="input")
        text = json.dumps(layer("Sequential", module="keras", name="model", layers=[first, *layers]))
        text = text.replace("$MARKER", str(marker)).replace("$SECRET", str(secret(folder)))
        with h5py.File(folder / "weights.h5", "w") as file:
            file.create_group("layers")
        if weights is not None:
            weights(folder / "weights.h5")
        with zipfile.ZipFile(folder / "model.keras", "w") as out:
            out.writestr("metadata.json", json.dumps({"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"}))
            out.writestr("config.json", text)
            out.write(folder / "weights.h5", "model.weights.h5")
        return folder / "model.keras"

    return make


def layer(kind: str, module: Any = "keras.layers", registered: Any = None, **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": kind, "config": config, "registered_name": registered}


def _reads_the_host(file: Path) -> None:
    import h5py

    with h5py.File(file, "w") as made:
        group = made.create_group("layers/dense/vars")
        held = secret(file.parent)
        group.create_dataset("0", (4, 1), "f4", external=[(str(held), 0, 16)])
        group.create_dataset("1", data=[0.0])


def _links_to_the_host(file: Path) -> None:
    import h5py

    with h5py.File(file.parent / "other.h5", "w") as made:
        made.create_dataset("x", data=[[1.0]] * 4)
    with h5py.File(file, "w") as made:
        made.create_group("layers/dense/vars")["0"] = h5py.ExternalLink(str(file.parent / "other.h5"), "x")


_LAMBDA = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}
KERAS: dict[str, Maker] = {
    "keras: Lambda": keras(layer("Lambda", function=_LAMBDA)),
    "keras: Lambda in a wrapper": keras(layer("TimeDistributed", layer=layer("Lambda", function=_LAMBDA))),
    "keras: a function of Python": keras(layer("function", module="builtins", config="exec")),
    "keras: os.system": keras(layer("system", module="os", command="touch $MARKER")),
    "keras: exec": keras(layer("exec", module="builtins", source="open('$MARKER', 'w')")),
    "keras: a download": keras(layer("get_file", module="keras.utils", fname="$MARKER", origin="file:///etc/passwd")),
    "keras: module is a list": keras(layer("Dense", module=["keras", "layers"], units=1)),
    "keras: registered": keras(layer("Dense", registered="Mine>Dense", units=1, name="dense")),
    "keras: module of torch": keras(layer("TorchModuleWrapper", module="keras.layers", module_=1)),
    "keras: class within keras": keras(layer("load_model", module="keras.saving", filepath="$SECRET")),
    "keras: vocabulary of the host": keras(layer("StringLookup", vocabulary="$SECRET", name="words")),
    "keras: dense of 1e9": keras(layer("Dense", units=10**9, name="dense")),
    "keras: 20,000 layers": keras(*[layer("Activation", activation="relu", name=f"l{n}") for n in range(20_000)]),
    "keras: deep": keras(layer("Dense", units=1, name="dense", x=json.loads("[" * 900 + "]" * 900))),
    "keras: activation by name": keras(layer("Dense", units=1, name="dense", activation="os.system")),
    "keras: data of the host": keras(layer("Dense", units=1, name="dense"), weights=_reads_the_host),
    "keras: link to the host": keras(layer("Dense", units=1, name="dense"), weights=_links_to_the_host),
}
PROGRAMS: dict[str, Maker] = {"torchscript: writes a file": torchscript, "exported: runs": exported, **KERAS}


# GGUF.


def gguf(tensors: int = 0, values: int = 0, body: bytes = b"", version: int = 3) -> Maker:
    return written("model.gguf", b"GGUF" + struct.pack("<IQQ", version, tensors, values) + body)


def _text(value: str | bytes, length: int | None = None) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data) if length is None else length) + data


def _value(name: str, kind: int, data: bytes) -> bytes:
    return _text(name) + struct.pack("<I", kind) + data


def _tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    return _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def tampered_gguf(old: bytes, new: bytes) -> Maker:
    """A whole tiny GGUF model with some bytes changed."""

    def make(folder: Path, marker: Path) -> Path:
        from tests.checkpoints.formats.test_formats import tiny_gguf

        folder.mkdir(parents=True, exist_ok=True)
        tiny_gguf(folder / "model.gguf")
        data = (folder / "model.gguf").read_bytes()
        assert old in data
        (folder / "model.gguf").write_bytes(data.replace(old, new, 1))
        return folder / "model.gguf"

    return make


def _number(name: str, value: int) -> bytes:
    return name.encode() + struct.pack("<II", 4, value)


GGUF: dict[str, Maker] = {
    "gguf: 2**64 - 1 tensors": gguf(2**64 - 1),
    "gguf: 2**63 values": gguf(0, 2**63),
    "gguf: 90,000 tensors that are not there": gguf(90_000, 0),
    "gguf: text of 2**63": gguf(0, 1, _text("x", 2**63)),
    "gguf: array of 2**62": gguf(0, 1, _value("x", 9, struct.pack("<IQ", 4, 2**62))),
    "gguf: array of 1e8 texts": gguf(0, 1, _value("x", 9, struct.pack("<IQ", 8, 10**8)) + bytes(10**6)),
    "gguf: array of 2e7 bytes": gguf(0, 1, _value("x", 9, struct.pack("<IQ", 0, 2 * 10**7)) + bytes(2 * 10**7)),
    "gguf: arrays in arrays": gguf(0, 1, _value("x", 9, struct.pack("<IQ", 9, 1) * 100_000)),
    "gguf: tensor of 2**62": gguf(1, 0, _tensor("a", (2**62,)) + bytes(64)),
    "gguf: tensor of 2**80": gguf(1, 0, _tensor("a", (2**40, 2**40)) + bytes(64)),
    "gguf: tensor of 2**32 - 1 axes": gguf(1, 0, _text("a") + struct.pack("<I", 2**32 - 1) + bytes(100)),
    "gguf: tensor elsewhere": gguf(1, 0, _tensor("a", (4,), 0, 2**62) + bytes(64)),
    "gguf: tensor of no type": gguf(1, 0, _tensor("a", (4,), 999) + bytes(64)),
    "gguf: alignment of 0": gguf(1, 1, _value("general.alignment", 4, bytes(4)) + _tensor("a", (4,)) + bytes(64)),
    "gguf: alignment of 3": gguf(
        1, 1, _value("general.alignment", 4, struct.pack("<I", 3)) + _tensor("a", (4,)) + bytes(64)
    ),
    "gguf: alignment is a text": gguf(
        1, 1, _value("general.alignment", 8, _text("x")) + _tensor("a", (4,)) + bytes(64)
    ),
    "gguf: version 9": gguf(0, 0, b"", 9),
    "gguf: another byte order": gguf(0, 0, b"", 3 << 24),
    "gguf: family unknown": gguf(0, 1, _value("general.architecture", 8, _text("../../etc/passwd"))),
    "gguf: 2e9 blocks": tampered_gguf(_number("llama.block_count", 2), _number("llama.block_count", 2_000_000_000)),
    "gguf: 3,000 blocks": tampered_gguf(_number("llama.block_count", 2), _number("llama.block_count", 3_000)),
    "gguf: vocabulary of 2e9": tampered_gguf(
        _number("llama.vocab_size", 300), _number("llama.vocab_size", 2_000_000_000)
    ),
    "gguf: width of 2e9": tampered_gguf(
        _number("llama.embedding_length", 32), _number("llama.embedding_length", 2_000_000_000)
    ),
    "gguf: no heads": tampered_gguf(_number("llama.attention.head_count", 4), _number("llama.attention.head_count", 0)),
    "gguf: inner size of 2e7": tampered_gguf(
        _number("llama.feed_forward_length", 64), _number("llama.feed_forward_length", 20_000_000)
    ),
}


# Archives, and what is no model.


def zipped(folder: Path, names: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "model.zip", "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in names.items():
            out.writestr(name, data)
    return folder / "model.zip"


def with_model(names: Mapping[str, bytes]) -> Maker:
    """A zip of the tiny model and of further entries."""
    return lambda folder, marker: zipped(folder, {**tiny(), **names})


def tarred(*members: tuple[str, bytes, str]) -> Maker:
    """A tar of the tiny model and of links: (name, kind, target)."""

    def make(folder: Path, marker: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(folder / "model.tar", "w") as out:
            out.add(model(folder / "model"), "model")
            for name, kind, target in members:
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, target
                out.addfile(info)
        return folder / "model.tar"

    return make


def nested(levels: int) -> Maker:
    """A zip in a zip in a zip."""

    def make(folder: Path, marker: Path) -> Path:
        packed = zipped(folder, tiny())
        for _ in range(levels):
            packed = zipped(folder, {"model.zip": packed.read_bytes()})
        return packed

    return make


def many_folders(folder: Path, marker: Path) -> Path:
    """Folders in folders, and thousands of files that are nearly models."""
    deep = folder / "model"
    for number in range(60):
        deep = deep / f"folder{number}"
    deep.mkdir(parents=True)
    for number in range(2_500):
        (folder / "model" / f"{number}.pt").write_bytes(b"PK\x03\x04" + bytes(26))
    return folder / "model"


def looping(folder: Path, marker: Path) -> Path:
    """A folder with links to itself and to the host."""
    made = model(folder / "model", **{"model.safetensors": None})
    (made / "loop").symlink_to(made)
    (made / "host").symlink_to("/etc")
    (made / "model.safetensors").symlink_to("model.safetensors")
    return made


def named(name: str) -> Maker:
    """The tiny model's weights in a file of a hostile name."""
    return written(name, lambda: tiny()["model.safetensors"])


ARCHIVED: dict[str, Maker] = {
    "zip: slip beside a model": with_model({"../escaped": b"x"}),
    "zip: slip to the marker": lambda folder, marker: zipped(folder, {**tiny(), f"{marker}": b"x"}),
    "zip: code beside a model": lambda folder, marker: zipped(
        folder,
        {**tiny(), "code.py": f"open({str(marker)!r}, 'w')".encode(), "__init__.py": b"", "x.pth": b"import os\n"},
    ),
    "zip: hostile names": with_model(
        dict.fromkeys(("<img src=x onerror=alert(1)>", "=cmd|'!A1", "\u202egpj.exe"), b"x")
    ),
    "zip: a name of a line": with_model({"a\nb": b"x"}),
    "zip: nested twice": nested(1),
    "zip: nested ten times": nested(10),
    "tar: link to the host": tarred(("model/extra.json", tarfile.SYMTYPE, "/etc/passwd")),
    "tar: folder is a link": tarred(
        ("model/1_Pooling", tarfile.SYMTYPE, "/etc"), ("model/1_Pooling/x", tarfile.REGTYPE, "")
    ),
    "tar: hard link out": tarred(("model/vocab2.txt", tarfile.LNKTYPE, "../../../etc/passwd")),
    "folder: 60 deep, 2,500 files": many_folders,
    "folder: links to itself and to the host": looping,
    "file: LFS pointer": written(
        "model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    ),
    "file: web page": written("model.bin", b"<!DOCTYPE html><html><img src=x onerror=alert(1)></html>"),
    "file: empty": written("model.safetensors", b""),
    "file: zeros": written("model.pt", bytes(10**6)),
    "file: noise": written("model.pt", lambda: __import__("random").Random(0).randbytes(10**6)),
    "name: markup": named("<img src=x onerror=alert(1)>.safetensors"),
    "name: formula": named("=cmd|' calc'!A1.safetensors"),
    "name: lines": named("a\nb\r# Big.safetensors"),
    "name: from right to left": named("\u202esrotnesafas.safetensors"),
    "name: 255 bytes": named("x" * 243 + ".safetensors"),
    "name: no text": named(os.fsdecode(b"\xff\xfe.safetensors")),
}
