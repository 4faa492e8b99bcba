"""Models and instances of all kinds, for the reproducing script: (layer, pooling, post-processing) of each."""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file

import embedviz as ev
from embedviz.checkpoints import Options, bundled_path
from embedviz.checkpoints.saving import save as save_copy
from embedviz.pooling import POOLINGS
from embedviz.vectors import POSTPROCESSING
from tests.capture.tiny import tiny
from tests.checkpoints.formats.test_formats import adapter, lightning, prefixed, state, tiny_gguf, wrapped
from tests.conftest import TEXTS

SPACED = ["  A text within blanks. ", *TEXTS, "Zebra", "CAPITALS and a “quote”\nand a second line"]
PAIRS = [("A question?", "An answer."), ("Who?", " Somebody else, who is not there. ")]
IDS = [(101, 2000, 3000, 102), (101, 5000, 102), (101, 2000, 3000, 102)]
BERT = "encoder.layer.1"


@dataclass
class Model:
    """A checkpoint, the instances it is given, and the vectors that are wanted: (layer, pooling, post-processing)."""

    path: Path
    instances: Any
    wanted: list[tuple[str, str, str]]
    options: Options = field(default_factory=Options)
    file: Path | None = None
    prompt: str | None = None


def minilm(_folder: Path) -> Iterator[Model]:
    """Every pooling with every post-processing, and every kind of path."""
    posts = [*POSTPROCESSING, "centred + l2"]
    poolings = [name for name in POOLINGS if name != "flatten"]
    last = [("encoder.layer.5", *pair) for pair in itertools.product(poolings, posts)]
    paths = [
        "embeddings",
        "encoder.layer.2",
        "encoder.layer.2:input",
        "encoder.layer.3.attention.self.query:head3",
        "encoder.layer.3.attention.output.dense:input",
        "encoder.layer.3.attention.output.dense:input:head2",
        "encoder.layer.4.attention.self",
        "pooler",
        "",
        ":pooler_output",
    ]
    yield Model(bundled_path(), SPACED, last + [(path, "mean", "none") for path in paths])
    yield Model(bundled_path(), PAIRS, [("encoder.layer.5", "mean", "none")])
    yield Model(bundled_path(), IDS, [("encoder.layer.5", "max", "standardised")])
    yield Model(bundled_path(), ["the same", "the same"], [("encoder.layer.5", "mean", "standardised")])
    yield Model(bundled_path(), list(TEXTS), [("encoder.layer.5", "as trained", "none")], prompt="query: ")


def tokenised(model: Any, folder: Path) -> Path:
    """A model saved with the bundled tokenizer."""
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        shutil.copy(bundled_path() / name, folder)
    return folder


def families(folder: Path) -> Iterator[Model]:
    """Other structures than BERT's: decoders, shared blocks, encoders of a pair, a head on top, a longest input."""
    some = [("mean", "l2"), ("last", "none"), ("first", "centred")]

    def layers(*paths: str) -> list[tuple[str, str, str]]:
        return [(path, *pair) for path, pair in zip(itertools.cycle(paths), some, strict=False)]

    words = {"vocab_size": 30522}
    yield Model(tokenised(tiny("GPT2", **words), folder / "gpt2"), SPACED, layers("h.0", "h.1:input", ""))
    yield Model(tokenised(tiny("T5", "EncoderModel", **words), folder / "t5"), SPACED, layers("encoder.block.1"))
    yield Model(tokenised(tiny("T5", **words), folder / "t5-whole"), SPACED, layers("encoder.block.0"))
    shared = "encoder.albert_layer_groups.0.albert_layers.0"
    yield Model(
        tokenised(tiny("Albert", **words), folder / "albert"),
        SPACED,
        [(f"{shared}#2", "mean", "none"), (f"{shared}#mean", "max", "none"), (f"{shared}#mean", "first", "l2")],
    )
    yield Model(
        tokenised(tiny("Bert", "ForSequenceClassification", **words), folder / "head"),
        [*SPACED, "long " * 100],
        layers("bert.encoder.layer.0", "bert.encoder.layer.1.attention.self.value:head2"),
    )
    yield Model(tokenised(tiny("Llama", **words), folder / "llama"), SPACED, layers("layers.1", "norm"))
    left = tokenised(tiny("Llama", **words), folder / "left")
    told = json.loads((left / "tokenizer_config.json").read_text())
    (left / "tokenizer_config.json").write_text(json.dumps({**told, "padding_side": "left", "pad_token": None}))
    yield Model(left, SPACED, layers("layers.1"))
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    text = {**small, "vocab_size": 30522, "bos_token_id": 101, "eos_token_id": 102, "pad_token_id": 0}
    config = transformers.CLIPConfig(text_config=text, vision_config={**small, "image_size": 32, "patch_size": 8})
    torch.manual_seed(0)
    clip = tokenised(transformers.CLIPModel(config).eval(), folder / "clip")
    yield Model(clip, list(TEXTS), layers("encoder.layers.1"))
    images = Options(assume=(("input.modality", "images"),))
    yield Model(clip, [picture(40, 50)], [("encoder.layers.0", "mean", "none")], images)


def recipes(folder: Path) -> Iterator[Model]:
    """Folders of sentence-transformers with all that one may say."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules

    torch.manual_seed(0)
    base = tokenised(tiny("Bert", vocab_size=30522), folder / "base")
    modes = {
        "everything": ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"],
        "root": ["mean_sqrt_len_tokens"],
        "weighted": ["weightedmean"],
    }
    for name, chosen in modes.items():
        pooling = modules.Pooling(32, pooling_mode=tuple(chosen))
        parts = [modules.Transformer(str(base), max_seq_length=24), pooling]
        if name != "root":
            parts += [modules.Dense(32 * len(chosen), 16, activation_function=torch.nn.Tanh()), modules.Dense(16, 8)]
        model = SentenceTransformer(modules=[*parts, modules.Normalize()] if name == "everything" else parts)
        model.prompts, model.default_prompt_name = (
            {"query": "query: 'quoted' "},
            "query" if name == "weighted" else None,
        )
        model.save(str(folder / name))
        if name == "root":
            (folder / name / "sentence_bert_config.json").write_text('{"max_seq_length": 9, "do_lower_case": true}')
        yield Model(
            folder / name,
            [*SPACED, "long " * 100],
            [("encoder.layer.1", "as trained", "none"), ("encoder.layer.0", "as trained", "l2")],
        )


def files(folder: Path) -> Iterator[Model]:
    """Weights alone, however wrapped, and folders that transformers would not open as they are."""
    wanted = [(BERT, "mean", "none")]
    base = tokenised(tiny("Bert", vocab_size=30522), folder / "base")
    heads = Options(assume=(("num_attention_heads", 4),))
    tensors = state(base)
    for name, made in {"bare": tensors, "wrapped": wrapped(tensors), "extra": {**tensors, "epoch": 3}}.items():
        target = beside(folder / name)
        torch.save(made, target / "model.pt")
        yield Model(target / "model.pt", list(TEXTS), wanted, heads)
    for name, made in {"legacy": tensors, "lightning": lightning(tensors)}.items():
        target = beside(folder / name)
        torch.save(made, target / "model.ckpt", _use_new_zipfile_serialization=False)
        yield Model(target / "model.ckpt", list(TEXTS), wanted, heads)
    (folder / "lone").mkdir()
    save_file(tensors, folder / "lone" / "weights")
    yield Model(folder / "lone" / "weights", list(TEXTS), wanted, heads)
    broken = Path(shutil.copytree(base, folder / "prefixed"))
    prefixed(broken)
    yield Model(broken, list(TEXTS), wanted, Options(repair=frozenset({"prefix"})))
    shorter = changed(base, folder / "sizes", num_hidden_layers=1)
    yield Model(shorter, list(TEXTS), wanted, Options(repair=frozenset({"sizes"})))
    yield Model(changed(base, folder / "untyped", model_type=None), list(TEXTS), wanted)
    yield Model(changed(base, folder / "eager", attn_implementation="eager"), list(TEXTS), wanted)
    cased = Options(repair=frozenset({"casing", "tokenizer-class"}))
    yield Model(Path(shutil.copytree(base, folder / "cased")), list(TEXTS), wanted, cased)
    pickled = Path(shutil.copytree(base, folder / "bin"))
    (pickled / "model.safetensors").unlink()
    torch.save(tensors, pickled / "pytorch_model.bin")
    yield Model(pickled, list(TEXTS), wanted)
    sharded = folder / "shards"
    transformers.BertModel.from_pretrained(base).save_pretrained(sharded, max_shard_size="500KB")
    beside(sharded)
    assert len(list(sharded.glob("*.safetensors"))) > 1
    yield Model(sharded, list(TEXTS), wanted)
    shutil.copytree(base, folder / "around" / "inner")
    yield Model(folder / "around", list(TEXTS), wanted)
    yield Model(base / "config.json", list(TEXTS), wanted)
    with zipfile.ZipFile(folder / "packed.zip", "w") as packed:
        for file in base.iterdir():
            packed.write(file, f"inner/{file.name}")
    yield Model(folder / "packed.zip", list(TEXTS), wanted)
    shutil.make_archive(str(folder / "packed"), "gztar", base)
    yield Model(folder / "packed.tar.gz", list(TEXTS), wanted)
    tiny_gguf(folder / "tiny.gguf")
    yield Model(folder / "tiny.gguf", ["abc", "a longer text"], [("layers.1", "mean", "none")])


def beside(target: Path) -> Path:
    target.mkdir(exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(bundled_path() / name, target)
    return target


def changed(base: Path, target: Path, **values: Any) -> Path:
    shutil.copytree(base, target)
    config = {**json.loads((base / "config.json").read_text()), **values}
    told = {name: value for name, value in config.items() if value is not None}
    (target / "config.json").write_text(json.dumps(told))
    return target


NETS = {
    "convolutions": "nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), "
    "nn.Linear(36, 3))",
    "double": "nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2)).double()",
    "fused": "nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)",
    "odd": "nn.Sequential(__import__('collections').OrderedDict([('it\\'s \"odd\"', nn.Linear(6, 5))]))",
    "recurrent": "nn.LSTM(5, 4, num_layers=2, bidirectional=True)",
}


def arrays(folder: Path) -> Iterator[Model]:
    """Tensors, from every kind of file and written out, through modules of torch's own."""
    draw = np.random.default_rng(0)
    code = Options(allow_code=True)

    def saved(name: str) -> Path:
        target = folder / name
        target.mkdir()
        (target / "architecture.py").write_text(f"from torch import nn\n\n\ndef build():\n    return {NETS[name]}\n")
        torch.manual_seed(0)
        net = eval(NETS[name], {"nn": torch.nn})
        torch.save({f"module.{key}": value for key, value in net.state_dict().items()}, target / "net.pt")
        return target / "net.pt"

    digits = draw.standard_normal((70, 1, 8, 8)).astype(np.float32)
    np.save(folder / "digits.npy", digits.astype(np.float64))
    grey = Options(allow_code=True, assume=(("input.shape", [1, 8, 8]), ("input.modality", "tensors")))
    yield Model(
        saved("convolutions"),
        digits,
        [("0", "mean", "none"), ("0", "flatten", "l2"), ("1", "max", "none"), ("4", "mean", "standardised")],
        grey,
        folder / "digits.npy",
    )
    rows = draw.standard_normal((9, 6)).astype(np.float32)
    np.savez(folder / "rows.npz", X=rows, y=np.arange(9))
    table = "id,a,b,c,d,e,f,label\n" + "".join(f"{n},{','.join(map(str, row))},x\n" for n, row in enumerate(rows))
    (folder / "rows.csv").write_text(table)
    double = saved("double")
    for file in (folder / "rows.npz", folder / "rows.csv", None):
        yield Model(double, np.vstack([rows, rows[:2]]) if file is None else rows, [("1", "mean", "none")], code, file)
    yield Model(saved("odd"), rows, [('it\'s "odd"', "mean", "none")], code)
    steps = [draw.standard_normal((length, 8)).astype(np.float32) for length in (3, 5, 3)]
    any_length = Options(allow_code=True, assume=(("input.shape", [None, 8]),))
    yield Model(saved("fused"), steps, [("layers.0", "mean", "none"), ("layers.1", "last", "none")], any_length)
    turned = Options(allow_code=True, assume=(("input.shape", [7, 5]), ("input.batch_axis", 1)))
    series = draw.standard_normal((4, 7, 5)).astype(np.float32)
    yield Model(
        saved("recurrent"), series, [("", "mean", "none"), (":h_n", "mean", "none"), (":c_n", "mean", "l2")], turned
    )
    net = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU())
    batch = torch.export.Dim("batch", min=1, max=4096)
    program = torch.export.export(net, (torch.from_numpy(rows),), dynamic_shapes=({0: batch},))
    torch.export.save(program, folder / "program.pt2")
    yield Model(folder / "program.pt2", rows, [("0", "mean", "none")], code)


def picture(width: int, height: int, mode: str = "RGB", **settings: Any) -> bytes:
    values = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    written = io.BytesIO()
    Image.fromarray(values).convert(mode).save(written, "PNG", **settings)
    return written.getvalue()


def turned_picture() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture(30, 20, exif=exif)


def deep_picture() -> bytes:
    written = io.BytesIO()
    values = np.random.default_rng(3).integers(0, 65_536, (25, 30), dtype=np.uint16)
    Image.fromarray(values).save(written, "PNG")
    return written.getvalue()


def pictures(folder: Path) -> Iterator[Model]:
    """Pictures of all kinds: through an image processor and without, from a folder, a zip, a file, and memory."""
    kinds = {
        "cats/wide.png": picture(50, 30),
        "cats/'high\".png": picture(30, 50),
        "dogs/turned.png": turned_picture(),
        "dogs/deep.png": deep_picture(),
        "dogs/grey.png": picture(20, 20, "L"),
        "dogs/palette.png": picture(21, 20, "P"),
        "dogs/clear.png": picture(22, 20, "RGBA"),
        "dogs/again.png": picture(20, 20, "L"),
    }
    for name, data in kinds.items():
        (folder / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "pictures" / name).write_bytes(data)
    with zipfile.ZipFile(folder / "pictures.zip", "w") as packed:
        for name, data in kinds.items():
            packed.writestr(name, data)
    (folder / "one.png").write_bytes(kinds["cats/wide.png"])
    torch.manual_seed(0)
    vit = folder / "vit"
    tiny("ViT").save_pretrained(vit)
    several = [
        ("encoder.layer.1", "mean", "l2"),
        ("encoder.layer.0", "first", "none"),
        ("encoder.layer.1", "flatten", "none"),
    ]
    yield Model(vit, None, vit_layers(several), file=folder / "pictures")
    processed = Path(shutil.copytree(vit, folder / "processed"))
    told = {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": 32, "width": 32},
        "image_mean": [0.4, 0.5, 0.6],
    }
    (processed / "preprocessor_config.json").write_text(json.dumps(told))
    yield Model(processed, None, vit_layers(several[:2]), file=folder / "pictures.zip")
    yield Model(processed, None, vit_layers(several[:1]), file=folder / "one.png")
    yield Model(processed, list(kinds.values()), vit_layers(several[:1]))
    tiny("ConvNext").save_pretrained(folder / "convnext")
    yield Model(folder / "convnext", None, [("encoder.stages.0", "mean", "none")], file=folder / "pictures")
    tiny("ViT", num_channels=1).save_pretrained(folder / "grey")
    yield Model(folder / "grey", list(kinds.values()), vit_layers(several[:1]))


def vit_layers(wanted: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    names = {name for name, _ in tiny("ViT").named_modules()}
    prefix = "encoder.layer." if "encoder.layer.0" in names else "layers."
    return [(layer.replace("encoder.layer.", prefix), pooling, post) for layer, pooling, post in wanted]


def tables(folder: Path) -> Iterator[Model]:
    """More texts than stand in a script, from files."""
    model = tokenised(tiny("Bert", vocab_size=30522), folder / "model")
    long = [f"{number}: a “text”, with commas\tand tabs, " + "x" * 9_000 for number in range(120)]
    rows = [(f"row {number}", text) for number, text in enumerate(long)]
    with (folder / "texts.csv").open("w", newline="") as opened:
        csv.writer(opened).writerows([("id", "text"), *rows, ("empty", " ")])
    with (folder / "texts.jsonl").open("w") as opened:
        opened.writelines(json.dumps({"id": name, "body": text}) + "\n" for name, text in rows)
    (folder / "texts.txt").write_text("\n".join(text.replace(",", "").replace("\t", " ") for text in long))
    pd.DataFrame(rows, columns=["id", "text"]).to_parquet(folder / "texts.parquet")
    for name in ("texts.csv", "texts.jsonl", "texts.txt", "texts.parquet"):
        yield Model(model, None, [(BERT, "mean", "none")], file=folder / name)


def uncopied(folder: Path) -> Iterator[tuple[Path, Options]]:
    """Checkpoints that take more than plain torch and transformers, of which a copy can be saved."""
    base = tokenised(tiny("Bert", vocab_size=30522), folder / "base")
    adapter(base, folder / "adapter")
    yield folder / "adapter", Options(base=str(base))
    model = transformers.BertModel.from_pretrained(base, attn_implementation="eager").eval()
    heads = Options(assume=(("num_attention_heads", 4),))
    torch.save(model, beside(folder / "pickled") / "model.pt")
    yield folder / "pickled" / "model.pt", heads
    torch.save({"model": state(base), "args": argparse.Namespace(lr=1)}, beside(folder / "args") / "model.pt")
    yield folder / "args" / "model.pt", heads
    model.config.return_dict = False
    traced = torch.jit.trace(model, torch.tensor([[101, 2000, 102]]), strict=False)
    traced.save(str(beside(folder / "script") / "model.pt"))
    yield folder / "script" / "model.pt", heads


def copies(folder: Path) -> Iterator[Model]:
    """The copies that the doctor saves of them."""
    for number, (path, options) in enumerate(uncopied(folder)):
        with ev.open_checkpoint(path, options=options) as checkpoint:
            save_copy(checkpoint, folder / f"copy-{number}")
        yield Model(folder / f"copy-{number}", list(TEXTS), [(BERT, "mean", "none")])


MODELS: dict[str, Callable[[Path], Iterator[Model]]] = {
    "minilm": minilm,
    "families": families,
    "recipes": recipes,
    "files": files,
    "arrays": arrays,
    "pictures": pictures,
    "tables": tables,
    "copies": copies,
}
