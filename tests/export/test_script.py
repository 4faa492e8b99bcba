"""The reproducing script: run without embedviz, it comes to the vectors that embedviz captures."""

from __future__ import annotations

import ast
import json
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

import embedviz as ev
from embedviz.checkpoints import Options
from embedviz.errors import EmbedvizError, ExportError
from embedviz.export.script import Source, reproducing_script
from embedviz.modalities.held import hold
from embedviz.script_command import read_texts
from tests.capture.tiny import tiny
from tests.checkpoints.formats.test_formats import beside, state
from tests.conftest import TEXTS, Save
from tests.export.script_models import MODELS, Model, uncopied
from tests.export.scripts import alone, run


@dataclass
class Case:
    """A script in a folder, how it ended, and the vectors that embedviz has."""

    folder: Path
    wanted: ev.Embeddings
    end: str = ""


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Case]]:
    """All scripts of all models, by group, run one after the other in one fresh process."""
    top = tmp_path_factory.mktemp("scripts")
    made = {}
    for group, models in MODELS.items():
        (top / group).mkdir()
        made[group] = [
            case
            for number, model in enumerate(models(top / group))
            for case in written(model, top / f"{group}-{number}")
        ]
    ends = run([case.folder for each in made.values() for case in each])
    for case in (case for each in made.values() for case in each):
        case.end = ends[case.folder]
    return made


def written(model: Model, top: Path) -> list[Case]:
    """The scripts of one model, each in a folder of its own."""
    made = []
    with ev.open_checkpoint(model.path, options=model.options) as checkpoint:
        instances = brought(model, checkpoint)
        for place, (layer, pooling, post) in enumerate(model.wanted):
            folder = top / str(place)
            found = ev.capture(checkpoint, instances, [layer], pooling, prompt=model.prompt)[layer]
            source = Source(model.path, model.file, folder=folder)
            script = reproducing_script(
                checkpoint, instances, layer, pooling, post, source=source, prompt=model.prompt, embeddings=found
            )
            for name in post.split(" + "):
                found = ev.postprocess(found, name)
            folder.mkdir(parents=True)
            (folder / "reproduce.py").write_text(script, "utf-8")
            made.append(Case(folder, found))
    return made


def brought(model: Model, checkpoint: ev.Checkpoint) -> Any:
    if model.instances is not None or model.file is None:
        return model.instances
    if checkpoint.inputs.modality != "text":
        return hold(model.file, checkpoint.inputs, 100).instances
    return read_texts(model.file, None)[0]


@pytest.mark.slow
@pytest.mark.parametrize("group", MODELS)
def test_it_comes_to_the_same_vectors(group: str, cases: dict[str, list[Case]]) -> None:
    assert [case.end for case in cases[group] if case.end != "ended"] == []
    apart = []
    for case in cases[group]:
        vectors = np.load(case.folder / "vectors.npy")
        assert vectors.dtype == np.float32
        assert json.loads((case.folder / "ids.json").read_text()) == list(case.wanted.ids)
        apart.append(float(np.abs(vectors - case.wanted.vectors).max()))
    print(f"{group}: {len(apart)} scripts, largest difference {max(apart):.2g}")
    assert max(apart) <= 1e-6


@pytest.mark.slow
def test_no_name_is_missing_or_unused_and_none_is_of_embedviz(cases: dict[str, list[Case]]) -> None:
    files = [case.folder / "reproduce.py" for each in cases.values() for case in each]
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F,E9", *map(str, files)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    for file in files:
        nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
        assert not any(name.startswith("embedviz") for name in names)


@pytest.fixture
def script(save: Save, tmp_path: Path) -> Path:
    """A folder with the script of a tiny model, which lies in another."""
    folder = tmp_path / "here"
    folder.mkdir()
    with ev.open_checkpoint(save("Bert", name="model")) as checkpoint:
        text = reproducing_script(
            checkpoint, list(TEXTS), "encoder.layer.1", source=Source(tmp_path / "model", folder=folder)
        )
    (folder / "reproduce.py").write_text(text, "utf-8")
    return folder


@pytest.mark.long
def test_it_stops_where_a_weight_was_changed(script: Path, tmp_path: Path) -> None:
    weights = tmp_path / "model" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    done = alone(script)
    assert done.returncode == 1
    told = "model.safetensors is not the file that this script was made for: its sha256 is another"
    assert done.stderr.strip().endswith(told)
    assert not (script / "vectors.npy").exists()


@pytest.mark.long
def test_it_stops_where_a_file_is_gone_or_its_vectors_are_others(script: Path) -> None:
    text = (script / "reproduce.py").read_text("utf-8")
    changes = {
        "gone": ("/model')", "/nowhere')"),
        "layer": ("get_submodule('encoder.layer.1')", "get_submodule('encoder.layer.0')"),
        "rows": ("    'Zebra',\n", ""),
        "earlier": ("", ""),
    }
    for name, (old, new) in changes.items():
        folder = script.parent / name
        folder.mkdir()
        assert old in text
        (folder / "reproduce.py").write_text(text.replace(old, new, 1), "utf-8")
    np.save(script.parent / "earlier" / "vectors.npy", np.zeros((7, 32), np.float32))
    ends = {folder.name: end for folder, end in run([script.parent / name for name in changes]).items()}
    assert re.fullmatch(r"stopped .*nowhere.model.safetensors is not there: write at the top .*", ends["gone"])
    assert ends["layer"].startswith("stopped these are not the vectors that embedviz showed: they differ by up to")
    assert ends["rows"] == "stopped the vectors are (6, 32), and embedviz showed (7, 32)"
    assert ends["earlier"] == "stopped vectors.npy in this folder holds other vectors, and is left as it is"
    assert not np.load(script.parent / "earlier" / "vectors.npy").any()


def test_it_says_what_it_was_made_of(script: Path) -> None:
    head = (script / "reproduce.py").read_text("utf-8").partition("\nimport")[0]
    told = {line[2:18].strip(): line[18:] for line in head.splitlines()[3:]}
    assert told["layer"] == "encoder.layer.1 (BertLayer, instances × tokens × 32)"
    assert told["pooling"] == "mean"
    assert told["post-processing"] == "none"
    assert told["seed"].startswith("0 ")
    assert f"torch {torch.__version__}" in told["made with"]
    assert f"embedviz {ev.__version__}" in told["made with"]
    assert len(told["fingerprint"]) == 64


HOSTILE = [
    "\"\"\"'''",
    "\\",
    "\\'\"",
    "a\x00b\r\n# c\x0c\u2028d",
    "\ud800",
    "{}{0}%s$x",
    "'); import os; os.abort() #",
    "# -*- coding: utf-7 -*-",
    "\u202eHERE",
]


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ev.Checkpoint]:
    folder = tmp_path_factory.mktemp("tiny")
    tiny("Bert", vocab_size=30522).save_pretrained(folder)
    beside(folder)
    with ev.open_checkpoint(folder) as checkpoint:
        yield checkpoint


def made_of(checkpoint: ev.Checkpoint, texts: Sequence[str], name: str) -> str:
    """A script with this prompt, these names, and made-up vectors: nothing goes through the tokenizer."""
    ids = tuple(f"{text}{number}" for number, text in enumerate(texts))
    instances = ev.Instances(tuple(texts), ids, name=name)
    vectors = np.ones((len(texts), 32), np.float32)
    embeddings = ev.Embeddings(vectors, ids, pooling="mean", tokens=np.full(len(texts), 5), notes=(name,))
    checkpoint.name = name
    source = Source(Path(name.replace("\0", "0") or "x"), None, name)
    return reproducing_script(
        checkpoint, instances, "encoder.layer.0", source=source, prompt=name, embeddings=embeddings
    )


class _Bare(ast.NodeTransformer):
    """Code without its literals."""

    def visit_Constant(self, _node: ast.Constant) -> ast.AST:
        return ast.Constant(0)

    def visit_List(self, _node: ast.List) -> ast.AST:
        return ast.Constant(0)


def bare(code: str) -> set[str]:
    return {ast.dump(_Bare().visit(node)) for node in ast.parse(code).body}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(), min_size=1, max_size=5), name=st.text(max_size=80))
@example(texts=HOSTILE, name="# -*- coding: utf-7 -*-\nimport os")
@example(texts=[" "], name="")
@example(texts=["x"], name='\n# coding: rot13\n\x00\ud800\'"""')
def test_hostile_texts_and_names_stay_texts(texts: list[str], name: str, tiny_bert: ev.Checkpoint) -> None:
    """Whatever texts, ids, prompt and names are, the script is the same code with other literals."""
    made = made_of(tiny_bert, texts, name)
    # The bytes are what Python reads, the line that may tell their encoding among them.
    tree = ast.parse(made.encode("utf-8"))
    told = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    assert ast.literal_eval(told["TEXTS"]) == texts
    assert ast.literal_eval(told["IDS"]) == [f"{text}{number}" for number, text in enumerate(texts)]
    assert not name or ast.literal_eval(told["PROMPT"]) == name
    # Texts that are the same, and texts with space around them, each with and without the other.
    kinds = (["a", "b"], ["a", "a"], [" a", "b"], [" a", " a"])
    plain = [made_of(tiny_bert, some, prompt) for some in kinds for prompt in ("", "p")]
    assert bare(made) <= set().union(*map(bare, plain))


def test_every_format_has_a_script_or_a_reason() -> None:
    from embedviz.export.script import opening

    root = Path(ev.__file__).parent / "checkpoints"
    named = {name for file in root.rglob("*.py") for name in re.findall(r'format="([^"]+)"', file.read_text("utf-8"))}
    named |= {"safetensors file", "state dict", "LoRA adapter"}
    assert len(named) > 10
    assert named == opening.FORMATS.keys() | opening.WHY_NOT.keys()
    assert not opening.FORMATS.keys() & opening.WHY_NOT.keys()


def refused(checkpoint: ev.Checkpoint, instances: Any = ("a",), layer: str = "encoder.layer.0", **given: Any) -> str:
    with pytest.raises(ExportError) as told:
        reproducing_script(checkpoint, instances, layer, source="model", **given)
    assert told.value.remedy
    return str(told.value)


def test_what_is_refused_and_told_to_be_copied(save: Save, tmp_path: Path) -> None:
    """That scripts of the copies work is seen above, in the group "copies"."""
    for path, options in uncopied(tmp_path):
        with ev.open_checkpoint(path, options=options) as checkpoint:
            assert "doctor" in refused(checkpoint)


def test_what_no_script_can_make(tiny_bert: ev.Checkpoint, save: Save, tmp_path: Path) -> None:
    assert "save_pretrained" in refused(ev.open_module(tiny("Bert"), tiny_bert.tokenizer))
    assert "mixed" in refused(tiny_bert, ["a", ("a", "b")])
    assert "JSON lines" in refused(tiny_bert, ["x" * 400_000, "y" * 700_000])
    with pytest.raises(EmbedvizError, match="no such post-processing"):
        reproducing_script(tiny_bert, ["a"], "encoder.layer.0", postprocessing="l2 + whitened", source="x")
    with pytest.raises(EmbedvizError, match="no such pooling"):
        reproducing_script(tiny_bert, ["a"], "encoder.layer.0", "median", source="x")
    folder = save("Bert")
    with ev.open_checkpoint(folder, options=Options(random_weights=1)) as null:
        assert "at random" in refused(null)
    tensors = state(folder)
    save_file({name: tensor for name, tensor in tensors.items() if "pooler" not in name}, folder / "model.safetensors")
    with ev.open_checkpoint(folder) as checkpoint:
        assert "random numbers" in refused(checkpoint, layer="pooler")


def test_packed_sequences_are_refused(tmp_path: Path) -> None:
    (tmp_path / "architecture.py").write_text(PACKS)
    model = runpy.run_path(str(tmp_path / "architecture.py"))["build"]()
    torch.save(model.state_dict(), tmp_path / "net.pt")
    options = Options(allow_code=True, assume=(("input.shape", [None]), ("input.dtype", "int64")))
    with ev.open_checkpoint(tmp_path / "net.pt", options=options) as checkpoint:
        ids = np.array([[3, 4, 0, 0], [5, 6, 7, 8]])
        assert "packed" in refused(checkpoint, ids, "rnn")


PACKS = """
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Packs(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.rnn, self.head = nn.Embedding(20, 5), nn.LSTM(5, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, ids):
        lengths = (ids > 0).sum(1).clamp(min=1)
        out, _ = self.rnn(pack_padded_sequence(self.table(ids), lengths, True, enforce_sorted=False))
        return self.head(pad_packed_sequence(out, batch_first=True)[0][:, 0])


def build():
    return Packs()
"""
