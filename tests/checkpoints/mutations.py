"""Checkpoints of every format, damaged by chance: each is opened, or refused in words, and nothing else happens.

``python -m tests.checkpoints.mutations FOLDER FIRST LAST`` tries those numbers and writes a JSON line for each. One
that takes longer than ``HANGS`` seconds ends the process with the place where it hung.
"""

from __future__ import annotations

import faulthandler
import gzip
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.checkpoints.tiny import model, tensors, tiny

#: Seconds of processor time for one, and seconds after which it hangs: a busy machine takes several times as long.
LIMIT, HANGS = 20.0, 60.0
ROOT = Path(__file__).parents[2]
Files = dict[str, bytes]
#: JSON values that are odd in some place or other.
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 7, 10**9, 2**31, 2**63, 10**30, -0.0, 0.5, 1e308, float("nan"), float("inf")),
    *("", "x", "\0", "../x", "/etc/passwd", "1", "\ud800", "<b>", "bert", "gpt2", "t5", "float16", "mean", "a/b"),
    *([], [1], ["x"], [[]], {}, {"x": 1}, {"": None}, [None] * 50, {"0": {"x": []}}),
)


# What is damaged.


def folder() -> Files:
    return dict(tiny())


def pickled_folder() -> Files:

    return {
        **{name: data for name, data in tiny().items() if name != "model.safetensors"},
        "pytorch_model.bin": saved(tensors()),
    }


def sentence_folder() -> Files:
    import torch
    from safetensors.torch import save

    parts = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for place, (kind, path) in enumerate(
            (("Transformer", ""), ("Pooling", "1_Pooling"), ("Dense", "2_Dense"), ("Normalize", ""))
        )
    ]
    values: dict[str, Any] = {
        "modules.json": parts,
        "1_Pooling/config.json": {
            "word_embedding_dimension": 16,
            "pooling_mode_mean_tokens": True,
            "include_prompt": True,
        },
        "2_Dense/config.json": {
            "in_features": 16,
            "out_features": 4,
            "bias": True,
            "activation_function": "torch.nn.Tanh",
        },
        "sentence_bert_config.json": {"max_seq_length": 32, "do_lower_case": True},
        "config_sentence_transformers.json": {"prompts": {"query": "find: "}, "default_prompt_name": "query"},
    }
    dense = save({"linear.weight": torch.ones(4, 16), "linear.bias": torch.ones(4)})
    written = {name: json.dumps(value).encode() for name, value in values.items()}
    return {**tiny(), **written, "2_Dense/model.safetensors": dense}


def adapter_folder() -> Files:
    import torch
    from safetensors.torch import save

    name = "base_model.model.encoder.layer.0.attention.self.query.lora_{}.weight"
    weights = save({name.format("A"): torch.ones(2, 16), name.format("B"): torch.ones(16, 2)})
    settings = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["query"], "use_dora": False}
    return {"adapter_config.json": json.dumps(settings).encode(), "adapter_model.safetensors": weights}


def saved(value: Any, **options: Any) -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def lightning() -> bytes:
    state = {f"model.{name}": tensor for name, tensor in tensors().items()}
    return saved(
        {"state_dict": state, "pytorch-lightning_version": "2.6.6", "epoch": 3, "hyper_parameters": {"lr": 0.1}}
    )


def transformers_module() -> bytes:
    import transformers

    return saved(transformers.BertModel(transformers.BertConfig.from_dict(json.loads(tiny()["config.json"]))))


def built_in_module() -> bytes:
    import torch

    encoder = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
    return saved(torch.nn.Sequential(torch.nn.Linear(4, 8), encoder, torch.nn.LSTM(8, 4), torch.nn.LayerNorm(4)))


def torchscript() -> bytes:
    import torch
    import transformers

    buffer = io.BytesIO()
    config = transformers.BertConfig.from_dict({**json.loads(tiny()["config.json"]), "return_dict": False})
    traced = torch.jit.trace(transformers.BertModel(config).eval(), torch.ones(1, 4, dtype=torch.int64), strict=False)
    torch.jit.save(traced, buffer)
    return buffer.getvalue()


def gguf() -> bytes:
    import tempfile

    from tests.checkpoints.formats.test_formats import tiny_gguf

    with tempfile.TemporaryDirectory() as made:
        tiny_gguf(Path(made) / "model.gguf")
        return (Path(made) / "model.gguf").read_bytes()


def zipped(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as out:
        for name, data in tiny().items():
            out.writestr(f"model/{name}", data)
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as out:
        for name, data in tiny().items():
            info = tarfile.TarInfo(f"model/{name}")
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


#: The files of a checkpoint, by name. Where there is one only, that file is what is opened.
FORMATS: dict[str, Callable[[], Files]] = {
    "folder": folder,
    "folder, .bin": pickled_folder,
    "sentence-transformers": sentence_folder,
    "adapter": adapter_folder,
    "safetensors": lambda: {"model.safetensors": tiny()["model.safetensors"]},
    "state dict": lambda: {"model.pt": saved({"model": tensors(), "epoch": 3})},
    "state dict, legacy": lambda: {"model.pt": saved(tensors(), _use_new_zipfile_serialization=False)},
    "Lightning": lambda: {"model.ckpt": lightning()},
    "transformers module": lambda: {"model.pt": transformers_module()},
    "built-in module": lambda: {"model.pt": built_in_module()},
    "TorchScript": lambda: {"model.pt": torchscript()},
    "GGUF": lambda: {"model.gguf": gguf()},
    "zip, stored": lambda: {"model.zip": zipped(zipfile.ZIP_STORED)},
    "zip, deflated": lambda: {"model.zip": zipped(zipfile.ZIP_DEFLATED)},
    "tar": lambda: {"model.tar": tarred()},
    "tar.gz": lambda: {"model.tar.gz": gzip.compress(tarred(), mtime=0)},
}


# How.


def flip(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed; half of them where the structure is, at the beginning or the end."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        changed[_place(len(data), chance)] = chance.randrange(256)
    return bytes(changed)


def _place(size: int, chance: random.Random) -> int:
    near = chance.choice((size, size, min(size, 600), min(size, 6_000)))
    place = chance.randrange(near)
    return place if chance.random() < 0.6 else size - 1 - place


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def number(data: bytes, chance: random.Random) -> bytes:
    """A length, an offset or a count overwritten by an odd one."""
    width = chance.choice((1, 2, 4, 8))
    value = chance.choice((0, 1, 2, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**62, 2**63, 2**64 - 1)) % 2 ** (
        8 * width
    )
    place = _place(len(data), chance)
    return data[:place] + value.to_bytes(width, chance.choice(("little", "big"))) + data[place + width :]


def drop(data: bytes, chance: random.Random) -> bytes:
    """Some bytes taken out, doubled, or put in."""
    place, size = _place(len(data), chance), chance.choice((1, 2, 7, 8, 64, 512))
    middle = chance.choice((b"", data[place : place + size] * 2, bytes(size), chance.randbytes(size)))
    return data[:place] + middle + data[place + chance.choice((0, size)) :]


def json_value(data: bytes, chance: random.Random) -> bytes:
    """One value of a JSON text swapped by an odd one, taken out, or put under another name."""
    parsed = json.loads(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        places = list(_places(parsed))
        if not places:
            break
        holder, key = chance.choice(places)
        how = chance.random()
        if how < 0.75:
            holder[key] = chance.choice(ODD)
        elif how < 0.9 or isinstance(holder, list):
            del holder[key]
        else:
            holder[chance.choice(("", "x", "vocab", "attn_implementation", "model_type", "hidden_size"))] = holder.pop(
                key
            )
    return json.dumps(parsed).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(inner)[:2_000]:
        yield value, key
        yield from _places(item)


def header_value(data: bytes, chance: random.Random) -> bytes:
    """One value in the header of a safetensors file swapped by an odd one."""
    length = int.from_bytes(data[:8], "little")
    header = json_value(data[8 : 8 + length], chance)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def lose(files: Files, chance: random.Random) -> Files:
    """One file left out, emptied, or put in another's place."""
    name, other = chance.choice(sorted(files)), chance.choice(sorted(files))
    new = chance.choice((None, b"", files[other], b"{}", b"[]", b"null"))
    return {key: data for key, data in {**files, name: new}.items() if data is not None}


BYTES = (flip, cut, number, drop)


def mutated(files: Mapping[str, bytes], chance: random.Random) -> tuple[str, Files]:
    """What was done, and the files after it."""
    if len(files) > 1 and chance.random() < 0.08:
        return "lose", lose(dict(files), chance)
    name = chance.choice(sorted(files))
    ways: list[Callable[[bytes, random.Random], bytes]] = [chance.choice(BYTES)]
    if name.endswith(".json"):
        ways = [json_value, json_value, json_value, *ways]
    if name.endswith(".safetensors"):
        ways = [header_value, *ways]
    way = chance.choice(ways)
    return f"{way.__name__} of {name}", {**files, name: way(files[name], chance)}


def write(files: Mapping[str, bytes], target: Path) -> Path:
    """The path that is given to the app."""
    if target.exists():
        shutil.rmtree(target)
    for name, data in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(data)
    only = list(files)
    return target / only[0] if len(only) == 1 and "/" not in only[0] and not only[0].endswith(".json") else target


def made(number: int, whole: Mapping[str, Files], target: Path) -> tuple[str, Path]:
    """Mutation of that number: what was done, and the path of what came out."""
    chance = random.Random(number)
    kind = sorted(whole)[number % len(whole)]
    how, files = mutated(whole[kind], chance)
    return f"{kind}: {how}", write(files, target)


# The trying.


def one(path: Path, kind: str, scratch: Path) -> str:
    """ "opened", or the code of the refusal."""
    import embedviz as ev
    from embedviz.errors import want_of_memory
    from embedviz.workers.model_operations import summary

    base = str(scratch / "base") if kind.startswith("adapter") else ""
    try:
        with ev.open_checkpoint(path, options=ev.checkpoints.Options(base=base), scratch=scratch) as checkpoint:
            json.dumps(summary(checkpoint))
            return "opened"
    except ev.EmbedvizError as error:
        return error.code or type(error).__name__
    except Exception as error:
        if want_of_memory(error):
            return "memory"
        raise


def main() -> None:
    folder, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    warnings.simplefilter("ignore")
    # What libraries print must not stand among the results.
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _prepare(folder)
    whole = {name: make() for name, make in FORMATS.items()}
    model(folder / "base")
    print(json.dumps({"ready": True}), file=told, flush=True)
    for place in range(first, last):
        how, path = made(place, whole, folder / "upload")
        faulthandler.dump_traceback_later(HANGS, exit=True)
        begun = time.process_time()
        try:
            outcome, trace = one(path, how, folder), ""
        except BaseException as error:  # noqa: BLE001 (that there is none is what is tested)
            outcome, trace = repr(error)[:300], "".join(traceback.format_exception(error)[-6:])
        faulthandler.cancel_dump_traceback_later()
        seconds = time.process_time() - begun
        line = {"number": place, "how": how, "outcome": outcome, "trace": trace, "seconds": seconds}
        print(json.dumps(line), file=told, flush=True)


def _prepare(folder: Path) -> None:
    import logging

    from embedviz.workers import limits
    from embedviz.workers.model_operations import warm

    os.environ["EMBEDVIZ_WORKER_MEMORY_GB"] = "4"
    logging.disable(logging.CRITICAL)
    warm()
    limits.confine()


def tried(folder: Path, first: int, last: int) -> Iterator[dict[str, Any]]:
    """Every mutation of those numbers in a process of its own; one that dies is told of, and the next goes on."""
    while first < last:
        command = [sys.executable, "-m", "tests.checkpoints.mutations", str(folder), str(first), str(last)]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
        with (folder / "errors.txt").open("w+") as errors:
            process = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            )
            assert process.stdout is not None
            ready = False
            for line in process.stdout:
                told = json.loads(line)
                ready |= "ready" in told
                if "number" in told:
                    first = told["number"] + 1
                    yield told
            code = process.wait()
            errors.seek(0)
            said = errors.read()[-3_000:]
        if not ready:
            raise RuntimeError(said)
        if first < last:
            yield {
                "number": first,
                "how": "?",
                "outcome": f"the process ended with {code}",
                "trace": said,
                "seconds": HANGS,
            }
            first += 1


if __name__ == "__main__":
    main()
