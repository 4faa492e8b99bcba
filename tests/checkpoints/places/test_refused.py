"""What is not opened is named, with the reason and the way out."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from embedviz.checkpoints.places import sniff
from embedviz.checkpoints.places.place import locate
from embedviz.checkpoints.places.refused import REFUSED, refuse, refuse_file, refuse_folder, refuse_quantised
from embedviz.errors import CheckpointError
from tests.checkpoints.places.test_sniff import MADE
from tests.conftest import Save


def test_every_kind_that_is_not_opened_has_a_refusal() -> None:
    opened = {name for name, kind in sniff.KINDS.items() if kind.role in (sniff.MODEL, sniff.ARCHIVE)}
    assert sniff.KINDS.keys() - opened - {"unknown", "unreadable", "special", "folder"} <= REFUSED.keys()
    assert not opened & REFUSED.keys()


def test_refusals_are_whole_sentences_with_stable_codes() -> None:
    for refusal in REFUSED.values():
        assert re.fullmatch(r"(files|configuration)\.[a-z-]+", refusal.code)
        assert refusal.what[0].islower() or refusal.what.startswith(("7", "Python", "SQL"))
        assert not refusal.what.endswith(".")
        assert refusal.why.endswith(".")
        assert refusal.remedy.endswith(".")
        assert refusal.remedy.count("`") % 2 == 0


@pytest.mark.parametrize("what", [what for what, (kind, _) in MADE.items() if kind in REFUSED])
def test_files_that_are_not_opened(what: str, tmp_path: Path) -> None:
    kind, make = MADE[what]
    file = tmp_path / "model.bin"
    make(file)
    with pytest.raises(CheckpointError, match=re.escape(file.name)) as caught:
        refuse(locate(file, tmp_path / "u"))
    refusal = REFUSED[kind]
    assert (caught.value.code, caught.value.why, caught.value.remedy) == (refusal.code, refusal.why, refusal.remedy)


@pytest.mark.parametrize("what", ["safetensors", "torch zip", "torch legacy", "torchscript", "keras"])
def test_files_that_may_be_opened_are_let_through(what: str, tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    MADE[what][1](file)
    refuse(locate(file, tmp_path / "u"))


def test_the_unknown_shows_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"\x01\x02\x03\xff" * 9)
    with pytest.raises(CheckpointError, match="first bytes are 01 02 03 ff") as caught:
        refuse_file(tmp_path / "model.bin")
    assert caught.value.code == "files.unknown"


def only(folder: Path, *names: str) -> Path:
    """Keep config.json and the tokenizer, and put files of these names in place of the weights."""
    (folder / "model.safetensors").unlink()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        kind = {".h5": "hdf5", ".msgpack": "flax", ".onnx": "onnx, by pytorch", ".npz": "npz"}.get(Path(name).suffix)
        MADE[kind or "torch zip"][1](folder / name)
    return folder


def emptied(folder: Path, text: str) -> Path:
    (folder / "model.safetensors").write_text(text)
    return folder


def sharded(folder: Path) -> Path:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    return folder


def without_config(folder: Path) -> Path:
    (sharded(folder) / "config.json").unlink()
    (folder / "model.safetensors.index.json").write_text("{}")
    return folder


def configured(folder: Path, **settings: object) -> Path:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))
    return folder


def distributed(folder: Path) -> Path:
    import torch
    import torch.distributed.checkpoint as dcp

    shutil.rmtree(folder)
    dcp.save({"a": torch.ones(3, 4)}, checkpoint_id=folder / "pytorch_model_fsdp_0", no_dist=True)
    return folder


def named(folder: Path, *names: str) -> Path:
    shutil.rmtree(folder)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        MADE["torch zip"][1](folder / name)
    return folder


DEEPSPEED = (
    "global_step500/mp_rank_00_model_states.pt",
    "global_step500/bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt",
)
FOLDERS: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "tensorflow alone": (lambda f: only(f, "tf_model.h5"), "files.tensorflow", "from_tf=True"),
    "flax alone": (lambda f: only(f, "flax_model.msgpack"), "files.flax", "from_flax=True"),
    "onnx alone": (lambda f: only(f, "model.onnx"), "files.onnx", "save_pretrained"),
    "mlx alone": (lambda f: only(f, "weights.npz"), "files.numpy", "safetensors.numpy.save_file"),
    "no weights": (only, "files.no-weights", "Copy model.safetensors"),
    "an optimizer alone": (lambda f: only(f, "optimizer.pt", "training_args.bin"), "files.no-weights", "Copy model"),
    "shards without index": (sharded, "files.no-index", "Copy it beside the shards"),
    "shards without configuration": (without_config, "files.no-configuration", "Copy config.json"),
    "lfs": (lambda f: emptied(f, "version https://git-lfs.github.com/spec/v1\n"), "files.lfs-pointer", "git lfs pull"),
    "html": (lambda f: emptied(f, "<!DOCTYPE html>"), "files.web-page", "login"),
    "empty": (lambda f: emptied(f, ""), "files.empty", "again"),
    "gptq": (
        lambda f: configured(f, quantization_config={"quant_method": "gptq", "bits": 4}),
        "configuration.quantised",
        "before it was quantised",
    ),
    "bitsandbytes": (
        lambda f: configured(f, quantization_config={"load_in_4bit": True}),
        "configuration.quantised",
        r"model.dequantize\(\)",
    ),
    "dcp": (distributed, "files.distributed", "dcp_to_torch DIR model.pt"),
    "deepspeed": (lambda f: named(f, *DEEPSPEED, "latest"), "files.deepspeed", r"zero_to_fp32.py \. "),
    "deepspeed, a step": (lambda f: named(f, *DEEPSPEED) / "global_step500", "files.deepspeed", "zero_to_fp32.py"),
    "deepspeed in a trainer's folder": (lambda f: only(f, *DEEPSPEED), "files.deepspeed", "zero_to_fp32.py"),
    "megatron": (lambda f: named(f, "iter_0000100/mp_rank_00/model_optim_rng.pt"), "files.megatron", "export_ckpt"),
    "saved model": (lambda f: named(f, "saved_model.pb", "variables/variables.index"), "files.tensorflow", "from_tf"),
    "tensorflow 1": (
        lambda f: named(f, "bert.ckpt.data-00000-of-00001", "bert.ckpt.index"),
        "files.tensorflow",
        "from_tf",
    ),
    "orbax": (lambda f: named(f, "_CHECKPOINT_METADATA", "_METADATA", "d/1"), "files.flax", "safetensors.flax"),
    "tokenizer": (lambda f: (only(f) / "config.json").unlink() or f, "files.tokenizer-only", "save_pretrained"),
}


@pytest.mark.parametrize("what", FOLDERS)
def test_folders_that_are_not_opened(what: str, save: Save, tmp_path: Path) -> None:
    make, code, remedy = FOLDERS[what]
    folder = make(save("Bert"))
    with pytest.raises(CheckpointError) as caught:
        refuse(locate(folder, tmp_path / "u"))
    assert caught.value.code == code
    assert re.search(remedy, caught.value.remedy)


def test_folders_that_may_be_opened_are_let_through(save: Save, bundled_copy: Path) -> None:
    folder = save("Bert")
    refuse_folder(folder)
    refuse_folder(bundled_copy)
    for name in ("tf_model.h5", "flax_model.msgpack", "onnx/model.onnx"):
        (folder / name).parent.mkdir(exist_ok=True)
        MADE["hdf5"][1](folder / name)
    refuse_folder(folder)
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    refuse_folder(folder)
    (folder / "config.json").write_text("[" * 100_000)
    refuse_folder(folder)


def test_hostile_settings_are_only_words(tmp_path: Path) -> None:
    for settings in ({"quant_method": "<img onerror>" * 1000}, {"quant_method": ["a"]}, [1], "x", True):
        with pytest.raises(CheckpointError) as caught:
            refuse_quantised(settings)
        assert len(str(caught.value)) < 400


@pytest.mark.long
def test_the_commands_exist(tmp_path: Path) -> None:
    """Those that can be run here do what the remedy says."""
    (tmp_path / "model").mkdir()
    folder = distributed(tmp_path / "model")
    source, target = folder / "pytorch_model_fsdp_0", tmp_path / "model.pt"
    command = [sys.executable, "-m", "torch.distributed.checkpoint.format_utils", "dcp_to_torch", source, target]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    assert locate(target, tmp_path / "u").kind == "torch"
    import numpy as np
    import safetensors.numpy

    np.savez(tmp_path / "weights.npz", a=np.ones(3))
    safetensors.numpy.save_file(dict(np.load(tmp_path / "weights.npz")), tmp_path / "model.safetensors")
    assert locate(tmp_path / "model.safetensors", tmp_path / "u").kind == "safetensors"
    packed = tmp_path / "model.zip"
    subprocess.run([sys.executable, "-m", "zipfile", "-c", packed, target], check=True)
    assert locate(packed, tmp_path / "v").kind == "torch"
