"""Every format opens to the vectors of the model it was made from, or says why not and what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

import embedviz as ev
from embedviz.checkpoints import Options, bundled_path
from embedviz.checkpoints.saving import save as save_copy
from tests.conftest import TEXTS, Save, package_file

LAYER = "encoder.layer.2"
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "vocab.txt")


def vectors(path: Path, layer: str = LAYER, **options: Any) -> np.ndarray:
    with ev.open_checkpoint(path, options=Options(**options)) as checkpoint:
        return ev.capture(checkpoint, list(TEXTS), [layer])[layer].vectors


def state(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def beside(target: Path) -> None:
    """Put the bundled tokenizer beside a lone file."""
    for name in TOKENIZER:
        shutil.copy(bundled_path() / name, target)


# Weights alone


def test_the_weights_of_minilm_alone_give_its_vectors(bundled: ev.Checkpoint, tmp_path: Path) -> None:
    shutil.copy(bundled_path() / "model.safetensors", tmp_path / "weights")
    with ev.open_checkpoint(tmp_path / "weights") as alone:
        assumed = {each.name: each.value for each in alone.assumptions}
        codes = {finding.code for finding in alone.findings}
        found = ev.capture(alone, list(TEXTS), ["encoder.layer.5"])["encoder.layer.5"].vectors
    assert assumed["num_attention_heads"] == 12
    assert assumed["tokenizer"] == "bert-base-uncased"
    assert {"configuration.guessed", "tokenizer.assumed"} <= codes
    wanted = ev.capture(bundled, list(TEXTS), ["encoder.layer.5"])["encoder.layer.5"].vectors
    assert np.abs(found - wanted).max() < 1e-6


def wrapped(tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    return {"state_dict": {f"module.bert.{name}": tensor for name, tensor in tensors.items()}, "epoch": 3}


def lightning(tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    named = {f"net.encoder.{name}": tensor for name, tensor in tensors.items()}
    return {
        "pytorch-lightning_version": "2.6.6",
        "state_dict": named,
        "hyper_parameters": {"lr": 1e-3, "heads": 4},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": []}],
    }


WRAPPINGS: dict[str, tuple[Callable[[dict[str, torch.Tensor]], Any], bool]] = {
    "bare": (dict, True),
    "bare legacy": (dict, False),
    "wrapped": (wrapped, True),
    "wrapped legacy": (wrapped, False),
    "lightning": (lightning, True),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_state_dict_however_wrapped(wrapping: str, save: Save, tmp_path: Path) -> None:
    folder, target = save("Bert"), tmp_path / "target"
    target.mkdir()
    wrap, new = WRAPPINGS[wrapping]
    torch.save(wrap(state(folder)), target / "model.pt", _use_new_zipfile_serialization=new)
    beside(target)
    found = vectors(target / "model.pt", assume=(("num_attention_heads", 4),))
    assert np.abs(found - vectors(folder)).max() < 1e-6


def test_what_is_assumed_can_be_corrected(save: Save, tmp_path: Path) -> None:
    folder = save("Bert")
    torch.save(state(folder), tmp_path / "model.pt")
    right = vectors(tmp_path / "model.pt", assume=(("num_attention_heads", 4),))
    wrong = vectors(tmp_path / "model.pt", assume=(("num_attention_heads", 8),))
    assert np.abs(right - vectors(folder)).max() < 1e-6
    assert np.abs(right - wrong).max() > 1e-4
    with pytest.raises(ev.CheckpointError, match=r"heads"):
        vectors(tmp_path / "model.pt", assume=(("num_attention_heads", 5),))


def test_of_several_models_in_a_file_one_is_chosen(save: Save, tmp_path: Path) -> None:
    one, other = save("Bert", name="one"), save("Bert", name="other", hidden_size=48)
    torch.save({"student": state(one), "teacher": state(other)}, tmp_path / "both.pt")
    with pytest.raises(ev.CheckpointError) as asked:
        vectors(tmp_path / "both.pt")
    assert set(asked.value.choices) == {"student", "teacher"}
    assert vectors(tmp_path / "both.pt", part="teacher", assume=(("num_attention_heads", 4),)).shape[1] == 48


# Folders


def test_a_folder_with_a_bin(save: Save, tmp_path: Path) -> None:
    folder = save("Bert")
    target = Path(shutil.copytree(folder, tmp_path / "bin"))
    tensors = state(folder)
    (target / "model.safetensors").unlink()
    torch.save(tensors, target / "pytorch_model.bin")
    assert (vectors(target) == vectors(folder)).all()
    (target / "pytorch_model.bin").unlink()
    names = list(tensors)
    parts = {f"pytorch_model-{n}-of-00002.bin": names[n - 1 :: 2] for n in (1, 2)}
    for part, held in parts.items():
        torch.save({name: tensors[name] for name in held}, target / part)
    index = {"weight_map": {name: part for part, held in parts.items() for name in held}}
    (target / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert (vectors(target) == vectors(folder)).all()


@pytest.mark.parametrize("model", ["bert_ft", "bert_ft_10k_25s", "bert_pretrained"])
def test_real_chemistry_models(model: str) -> None:
    """Two of the three name no model_type; transformers' own loading of the class is the oracle."""
    folder = package_file("rxnfp", f"models/transformers/{model}")
    oracle = transformers.BertModel.from_pretrained(folder).eval()
    with ev.open_checkpoint(folder) as checkpoint:
        recovered = any(finding.code == "configuration.model-type-recovered" for finding in checkpoint.findings)
        assert recovered == (model != "bert_ft_10k_25s")
        assert checkpoint.model.base_model.config.num_attention_heads == oracle.config.num_attention_heads
        ids = torch.tensor([[5, 9, 12, 30, 7]])
        with torch.inference_mode():
            mine = checkpoint.model.base_model(input_ids=ids).last_hidden_state
            theirs = oracle(input_ids=ids).last_hidden_state
        assert (mine - theirs).abs().max() < 1e-5


def prefixed(folder: Path, prefix: str = "module.") -> None:
    from safetensors.torch import save_file

    tensors = {f"{prefix}{name}": tensor for name, tensor in state(folder).items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_prefix_is_found_taken_off_and_saved_without(bundled_copy: Path, tmp_path: Path) -> None:
    """What sentence-transformers would load as random without a word."""
    from sentence_transformers import SentenceTransformer

    wanted = SentenceTransformer(str(bundled_path()), device="cpu").encode(list(TEXTS))
    prefixed(bundled_copy)
    assert np.abs(SentenceTransformer(str(bundled_copy), device="cpu").encode(list(TEXTS)) - wanted).max() > 0.01
    with pytest.raises(ev.CheckpointError, match=r"begin with module\.") as told:
        ev.open_checkpoint(bundled_copy)
    assert told.value.repair == "prefix"
    with ev.open_checkpoint(bundled_copy, options=Options(repair=frozenset({"prefix"}))) as checkpoint:
        assert "weights.prefix" in {finding.code for finding in checkpoint.findings}
        written = save_copy(checkpoint, tmp_path / "repaired")
    assert "model.safetensors" in written
    repaired = SentenceTransformer(str(tmp_path / "repaired"), device="cpu").encode(list(TEXTS))
    assert np.abs(repaired - wanted).max() < 1e-6
    with pytest.raises(ev.CheckpointError, match="not empty"):
        save_copy(checkpoint, tmp_path / "repaired")


def change_config(folder: Path, **values: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **values}))


@pytest.mark.parametrize("wrong", [{"vocab_size": 30000}, {"num_hidden_layers": 2}, {"num_hidden_layers": 5}])
def test_a_config_of_other_sizes_is_corrected_when_asked(wrong: dict[str, int], save: Save) -> None:
    folder = save("Bert")
    wanted = vectors(folder)
    change_config(folder, **wrong)
    with pytest.raises(ev.CheckpointError, match="do not fit") as told:
        ev.open_checkpoint(folder)
    assert told.value.repair == "sizes"
    assert (vectors(folder, repair=frozenset({"sizes"})) == wanted).all()


def test_layers_that_were_not_in_the_file_are_refused_unless_insisted_on(save: Save) -> None:
    from safetensors.torch import save_file

    folder = save("Bert")
    tensors = {name: tensor for name, tensor in state(folder).items() if not name.startswith("pooler")}
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with ev.open_checkpoint(folder) as checkpoint:
        untrained = {layer.path for layer in checkpoint.layers if layer.untrained}
        assert {"pooler", "encoder.layer.1", "encoder.layer.2"} <= untrained
        assert not {"embeddings", "encoder.layer.0"} & untrained
        assert not checkpoint.recommended.untrained
        for path in ("pooler", "encoder.layer.2"):
            with pytest.raises(ev.LayerError, match="would be random"):
                ev.capture(checkpoint, ["a"], [path])
            assert ev.capture(checkpoint, ["a"], [path], insist=True)[path].vectors.shape == (1, 32)


def test_of_a_model_of_pictures_and_texts_the_tower_for_texts(tmp_path: Path) -> None:
    torch.manual_seed(0)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    text = {**small, "vocab_size": 30522, "bos_token_id": 101, "eos_token_id": 102, "pad_token_id": 0}
    config = transformers.CLIPConfig(text_config=text, vision_config={**small, "image_size": 32, "patch_size": 16})
    model = transformers.CLIPModel(config).eval()
    model.save_pretrained(tmp_path)
    beside(tmp_path)
    with ev.open_checkpoint(tmp_path) as checkpoint:
        batch = checkpoint.tokenizer(TEXTS[0], return_tensors="pt")
        with torch.inference_mode():
            mine = checkpoint.model(batch["input_ids"]).last_hidden_state
            theirs = model.text_model(batch["input_ids"]).last_hidden_state
        assert (mine - theirs).abs().max() < 1e-6


def test_a_model_of_images_shows_its_tree(tmp_path: Path) -> None:
    config = transformers.ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32)
    transformers.ViTModel(config).save_pretrained(tmp_path)
    with ev.open_checkpoint(tmp_path) as checkpoint:
        assert checkpoint.reads == "images"
        paths = {layer.path: layer for layer in checkpoint.layers if layer.part == "" and layer.call == 1}
        assert len(paths) == len(list(checkpoint.model.named_modules()))
        assert checkpoint.recommended.path == "layernorm"
        assert checkpoint.recommended.over == "patches"
        with pytest.raises(ev.InstancesError, match="cannot be read"):
            ev.capture(checkpoint, ["no file"])


# Whole modules


def test_a_pickled_transformers_model(save: Save, tmp_path: Path) -> None:
    folder = save("Bert")
    torch.save(transformers.BertModel.from_pretrained(folder), tmp_path / "model.pt")
    beside(tmp_path)
    assert np.abs(vectors(tmp_path / "model.pt") - vectors(folder)).max() < 1e-6


def test_a_pickled_module_of_built_ins_shows_its_tree(tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(16, 3))
    torch.save(net, tmp_path / "net.pt")
    with ev.open_checkpoint(tmp_path / "net.pt") as checkpoint:
        picture = torch.randn(2, 1, 4, 4)
        assert torch.equal(checkpoint.model(picture), net.eval()(picture))
        kinds = [layer.kind for layer in checkpoint.layers if not layer.part]
        assert kinds == ["Sequential", "Conv2d", "ReLU", "Flatten", "Linear"]
        assert checkpoint.inputs.shape == (1, 4, 4)


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Linear(4, 8), torch.nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x).relu())


def test_a_class_of_ones_own_is_named(tmp_path: Path) -> None:
    torch.save(Net(), tmp_path / "net.pt")
    with pytest.raises(ev.CheckpointError, match="Net") as told:
        ev.open_checkpoint(tmp_path / "net.pt")
    assert told.value.code == "configuration.class-missing"


# Adapters


def adapter(folder: Path, target: Path, kind: Any = None) -> Any:
    """A LoRA adapter with weights that are not zero, saved by peft; the adapted model."""
    import peft

    base = (kind or transformers.BertModel).from_pretrained(folder)
    config = peft.LoraConfig(r=3, lora_alpha=7, target_modules=["query", "value"])
    torch.manual_seed(1)
    adapted = peft.get_peft_model(base, config)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    adapted.save_pretrained(target)
    return adapted.eval()


@pytest.mark.parametrize("kind", ["BertModel", "BertForMaskedLM"])
def test_an_adapter_is_merged_into_its_base(kind: str, save: Save, tmp_path: Path) -> None:
    folder, target = save("Bert"), tmp_path / "adapter"
    adapted = adapter(folder, target, getattr(transformers, kind))
    with pytest.raises(ev.CheckpointError, match="adapter") as told:
        ev.open_checkpoint(target)
    assert told.value.code == "configuration.adapter-base"
    with ev.open_checkpoint(target, options=Options(base=str(folder))) as checkpoint:
        batch = checkpoint.tokenizer(list(TEXTS), return_tensors="pt", padding=True)
        with torch.inference_mode():
            inner = adapted.base_model.model
            theirs = getattr(inner, "bert", inner)(**batch).last_hidden_state
            mine = checkpoint.model(**batch).last_hidden_state
        assert (mine - theirs).abs().max() < 1e-5
        assert "encoder.layer.2" in {layer.path for layer in checkpoint.layers}
    assert np.abs(vectors(target, base=str(folder)) - vectors(folder)).max() > 1e-3


def test_an_adapter_of_another_base(save: Save, tmp_path: Path) -> None:
    adapter(save("Bert"), tmp_path / "adapter")
    with pytest.raises(ev.CheckpointError, match="does not fit this base"):
        ev.open_checkpoint(tmp_path / "adapter", options=Options(base=str(save("GPT2"))))
    with pytest.raises(ev.CheckpointError, match="does not fit this base"):
        ev.open_checkpoint(tmp_path / "adapter", options=Options(base=str(save("Bert", name="wide", hidden_size=64))))


def test_an_adapters_base_is_never_followed(save: Save, tmp_path: Path) -> None:
    folder = save("Bert")
    adapter(folder, tmp_path / "adapter")
    settings = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    settings["base_model_name_or_path"] = str(folder)
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps(settings))
    with pytest.raises(ev.CheckpointError, match="small changes to another model"):
        ev.open_checkpoint(tmp_path / "adapter")


# Programs


ARCHITECTURE = """
import pathlib, torch
pathlib.Path({marker!r}).write_text("ran")
def build():
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
"""


def test_an_architecture_file_runs_only_where_code_is_allowed(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    torch.save({f"module.{name}": tensor for name, tensor in net.state_dict().items()}, tmp_path / "net.pt")
    marker, file = tmp_path / "marker", tmp_path / "architecture.py"
    file.write_text(ARCHITECTURE.format(marker=str(marker)))
    with pytest.raises(ev.CheckpointError, match="does not allow"):
        ev.open_checkpoint(tmp_path / "net.pt", options=Options(architecture=str(file)))
    assert not marker.exists()
    with ev.open_checkpoint(tmp_path / "net.pt", options=Options(architecture=str(file), allow_code=True)) as opened:
        given = torch.randn(3, 4)
        assert torch.equal(opened.model(given), net(given))
    assert marker.exists()
    marker.unlink()
    with pytest.raises(ev.CheckpointError):
        ev.open_checkpoint(tmp_path / "net.pt")
    assert not marker.exists(), "beside the weights it runs no more than when it is named"
    with ev.open_checkpoint(tmp_path / "net.pt", options=Options(allow_code=True)) as beside:
        assert torch.equal(beside.model(given), net(given))
    for code, told in (("x = 1", "defines no build"), ("def build(): return 3", "returns int"), ("1/0", "failed")):
        file.write_text(code)
        with pytest.raises(ev.CheckpointError, match=told):
            ev.open_checkpoint(tmp_path / "net.pt", options=Options(architecture=str(file), allow_code=True))


def test_a_real_digit_recogniser_with_its_own_code(tmp_path: Path) -> None:
    weights = package_file("digit_recognizer", "models/handwriting_model.pth")
    code = package_file("digit_recognizer", "model.py").read_text()
    name = next(line.split("(")[0].split()[1] for line in code.splitlines() if line.startswith("class "))
    (tmp_path / "architecture.py").write_text(f"{code}\n\ndef build():\n    return {name}()\n")
    options = Options(architecture=str(tmp_path / "architecture.py"), allow_code=True)
    with ev.open_checkpoint(weights, options=options) as checkpoint:
        assert not checkpoint.untrained
        assert not [finding for finding in checkpoint.findings if finding.severity == "warning"]
        assert checkpoint.model(torch.zeros(1, 1, 28, 28)).shape == (1, 10)
    with pytest.raises(ev.CheckpointError, match="architecture") as told:
        ev.open_checkpoint(weights)
    assert told.value.code == "configuration.unknown-architecture"


def test_an_exported_program_opens_only_where_code_is_allowed(tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)).eval()
    given = torch.randn(3, 4)
    torch.export.save(torch.export.export(net, (given,)), tmp_path / "net.pt2")
    with pytest.raises(ev.CheckpointError, match="does not allow"):
        ev.open_checkpoint(tmp_path / "net.pt2")
    with ev.open_checkpoint(tmp_path / "net.pt2", options=Options(allow_code=True)) as checkpoint:
        assert torch.allclose(checkpoint.model(given), net(given))
        assert {"0", "2"} <= {layer.path for layer in checkpoint.layers}
        assert not any(layer.capturable for layer in checkpoint.layers), "It takes three instances and no other number."
    batch = torch.export.Dim("batch", min=1, max=4096)
    program = torch.export.export(net, (given,), dynamic_shapes=({0: batch},))
    torch.export.save(program, tmp_path / "any.pt2")
    with ev.open_checkpoint(tmp_path / "any.pt2", options=Options(allow_code=True)) as checkpoint:
        assert checkpoint.inputs.shape == (4,)
        captured = ev.capture(checkpoint, given, ["1"])["1"]
        assert torch.allclose(torch.from_numpy(captured.vectors), net[1](net[0](given)), atol=1e-6)


def test_of_torchscript_the_weights_where_they_are_known(save: Save, tmp_path: Path) -> None:
    folder = save("Bert")
    model = transformers.BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    model.config.return_dict = False
    torch.jit.trace(model, torch.tensor([[101, 2000, 102]]), strict=False).save(str(tmp_path / "model.pt"))
    found = vectors(tmp_path / "model.pt", assume=(("num_attention_heads", 4),))
    assert np.abs(found - vectors(folder)).max() < 1e-6


def test_torchscript_of_another_architecture_names_the_way_out() -> None:
    with pytest.raises(ev.CheckpointError, match="TorchScript") as told:
        ev.open_checkpoint(package_file("silero_vad", "data/silero_vad.jit"))
    assert "state_dict" in told.value.remedy


# Extras


def tiny_gguf(target: Path) -> None:
    import gguf

    writer = gguf.GGUFWriter(target, "llama")
    width, inner, words = 32, 64, 300
    writer.add_context_length(128)
    writer.add_embedding_length(width)
    writer.add_block_count(2)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_dimension_count(8)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(words)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    letters = [chr(code) for code in range(33, 33 + words - 4)]
    writer.add_token_list(["<unk>", "<s>", "</s>", "ab", *letters])
    writer.add_token_types([2, 3, 3, *[1] * (words - 3)])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    generator = np.random.default_rng(0)

    def tensor(name: str, *shape: int) -> None:
        writer.add_tensor(name, generator.normal(0, 0.1, shape).astype(np.float32))

    tensor("token_embd.weight", words, width)
    tensor("output_norm.weight", width)
    tensor("output.weight", words, width)
    for block in range(2):
        for name, shape in {
            "attn_norm": (width,),
            "ffn_norm": (width,),
            "attn_q": (width, width),
            "attn_k": (16, width),
            "attn_v": (16, width),
            "attn_output": (width, width),
            "ffn_gate": (inner, width),
            "ffn_up": (inner, width),
            "ffn_down": (width, inner),
        }.items():
            tensor(f"blk.{block}.{name}.weight", *shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_gguf_file(tmp_path: Path) -> None:
    tiny_gguf(tmp_path / "tiny.gguf")
    oracle = transformers.AutoModel.from_pretrained(tmp_path, gguf_file="tiny.gguf", dtype=torch.float32).eval()
    with ev.open_checkpoint(tmp_path / "tiny.gguf") as checkpoint:
        assert checkpoint.family == "llama"
        with torch.inference_mode():
            ids = torch.tensor([[5, 9, 12]])
            assert torch.equal(checkpoint.model(ids).last_hidden_state, oracle(ids).last_hidden_state)
        assert ev.capture(checkpoint, ["abc"])[checkpoint.recommended.path].vectors.shape == (1, 32)
    data = (tmp_path / "tiny.gguf").read_bytes()
    (tmp_path / "cut.gguf").write_bytes(data[: len(data) // 2])
    with pytest.raises(ev.CheckpointError, match="GGUF"):
        ev.open_checkpoint(tmp_path / "cut.gguf")


KERAS = """
import os, sys
os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy as np
parts = [keras.layers.Dense(5, activation="relu", name="hidden"), keras.layers.Dense(3, name="scores")]
if sys.argv[2] == "lambda":
    parts.append(keras.layers.Lambda(lambda x: x + 1))
model = keras.Sequential([keras.Input((4,)), *parts])
model.save(sys.argv[1])
np.save(sys.argv[1] + ".npy", np.asarray(model(np.ones((2, 4), "float32")).detach()))
"""


@pytest.mark.slow
def test_a_keras_archive(tmp_path: Path) -> None:
    import subprocess
    import sys

    for kind in ("plain", "lambda"):
        subprocess.run([sys.executable, "-c", KERAS, str(tmp_path / f"{kind}.keras"), kind], check=True)
    check = (
        "import sys, numpy as np, torch, embedviz as ev\n"
        "with ev.open_checkpoint(sys.argv[1]) as c:\n"
        "    print([l.path for l in c.layers])\n"
        "    print(np.abs(c.model(torch.ones(2, 4)).detach().numpy() - np.load(sys.argv[1] + '.npy')).max() < 1e-6)\n"
        "    print(c.inputs.text, ev.capture(c, np.ones((2, 4)), ['hidden'])['hidden'].vectors.shape)"
    )
    told = subprocess.check_output([sys.executable, "-c", check, str(tmp_path / "plain.keras")], text=True)
    assert "'hidden'" in told
    assert "True" in told
    assert "a float tensor of 4 (2, " in told
    with pytest.raises(ev.CheckpointError, match="program code of its own"):
        ev.open_checkpoint(tmp_path / "lambda.keras")


# Repairs of the tokenizer, and what is asked before a large model is loaded


def test_capitals_that_never_came_out_of_a_real_tokenizer(tmp_path: Path) -> None:
    """rxnfp's own tokenizer keeps capitals; the one that its files make lower-cases them."""
    from embedviz.doctor import examine

    folder = package_file("rxnfp", "models/transformers/bert_ft_10k_25s")
    with ev.open_checkpoint(folder) as checkpoint:
        (finding,) = [each for each in examine(checkpoint).findings if each.code == "tokenizer.casing"]
        assert finding.repair == "casing"
        assert "C" not in checkpoint.tokenizer.tokenize("C C O")
    with ev.open_checkpoint(folder, options=Options(repair=frozenset({"casing"}))) as checkpoint:
        assert checkpoint.tokenizer.tokenize("C C O") == ["C", "C", "O"]
        report = examine(checkpoint)
        assert "tokenizer.casing" in report.passed
        assert "tokenizer.repaired" in {each.code for each in report.findings}
        save_copy(checkpoint, tmp_path / "copy")
    with ev.open_checkpoint(tmp_path / "copy") as checkpoint:
        assert checkpoint.tokenizer.tokenize("C C O") == ["C", "C", "O"]


def test_capitals_that_became_unknown(bundled_copy: Path) -> None:
    parsed = json.loads((bundled_copy / "tokenizer.json").read_text())
    parsed["normalizer"]["lowercase"] = False
    (bundled_copy / "tokenizer.json").write_text(json.dumps(parsed))
    settings = json.loads((bundled_copy / "tokenizer_config.json").read_text())
    (bundled_copy / "tokenizer_config.json").write_text(json.dumps({**settings, "do_lower_case": False}))
    with ev.open_checkpoint(bundled_copy) as checkpoint:
        assert "[UNK]" in checkpoint.tokenizer.tokenize("Cats sleep")
    with ev.open_checkpoint(bundled_copy, options=Options(repair=frozenset({"casing"}))) as checkpoint:
        assert checkpoint.tokenizer.tokenize("Cats sleep") == ["cats", "sleep"]


def test_a_tokenizer_of_another_class(bundled_copy: Path) -> None:
    from embedviz.doctor import examine

    settings = json.loads((bundled_copy / "tokenizer_config.json").read_text())
    changed = {**settings, "tokenizer_class": "LlamaTokenizer"}
    (bundled_copy / "tokenizer_config.json").write_text(json.dumps(changed))
    with ev.open_checkpoint(bundled_copy) as checkpoint:
        repairs = {each.repair for each in examine(checkpoint).findings if each.code == "tokenizer.class"}
    assert repairs == {"tokenizer-class"}
    with ev.open_checkpoint(bundled_copy, options=Options(repair=frozenset(repairs))) as checkpoint:
        assert checkpoint.tokenizer.tokenize("Cats sleep") == ["cats", "sleep"]
        assert "tokenizer.class" in examine(checkpoint).passed


def test_before_a_large_model_is_loaded_its_cost_is_said(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save("Bert")
    with pytest.raises(ev.CheckpointError, match="MiB as float32") as asked:
        ev.open_checkpoint(folder, options=Options(ask_above=1_000_000))
    assert asked.value.repair == "load-large"
    ev.open_checkpoint(folder, options=Options(ask_above=1_000_000, repair=frozenset({"load-large"}))).close()
    monkeypatch.setattr("embedviz.checkpoints.loading.free_memory", lambda: 1_000_000)
    with pytest.raises(ev.CheckpointError, match="does not fit into memory"):
        ev.open_checkpoint(folder)


def test_parts_of_sentence_transformers_without_their_list(bundled_copy: Path) -> None:
    (bundled_copy / "modules.json").unlink()
    with ev.open_checkpoint(bundled_copy) as checkpoint:
        assert "files.lost-modules" in {finding.code for finding in checkpoint.findings}
        assert checkpoint.recipe.untold


@pytest.mark.parametrize("package", ["gguf", "keras"])
def test_a_format_whose_package_is_missing_says_how_to_install_it(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util
    import zipfile

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == package else find(name, *rest))
    file = tmp_path / "model"
    if package == "gguf":
        tiny_gguf(file)
    else:
        with zipfile.ZipFile(file, "w") as packed:
            for name in ("config.json", "metadata.json", "model.weights.h5"):
                packed.writestr(name, "{}")
    with pytest.raises(ev.CheckpointError, match="not installed") as told:
        ev.open_checkpoint(file)
    assert f"pip install {package}" in told.value.remedy


def test_a_tokenizer_beside_lone_weights_is_part_of_what_they_are(save: Save, tmp_path: Path) -> None:
    torch.save(state(save("Bert")), tmp_path / "model.pt")
    beside(tmp_path)

    def fingerprint() -> str:
        with ev.open_checkpoint(tmp_path / "model.pt") as checkpoint:
            return checkpoint.fingerprint

    before = fingerprint()
    assert fingerprint() == before
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({**settings, "model_max_length": 9}))
    assert fingerprint() != before


@pytest.mark.parametrize("pickled", [False, True])
def test_a_copy_keeps_the_dense_part(pickled: bool, tmp_path: Path) -> None:
    """A transformer in a folder of its own, then pooling, then a dense layer: as sentence-transformers saves them."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers import models as parts

    torch.manual_seed(0)
    transformer = parts.Transformer(str(bundled_path()))
    dense = parts.Dense(384, 16)
    made = SentenceTransformer(modules=[transformer, parts.Pooling(384), dense], device="cpu")
    made.save(str(tmp_path / "made"))
    if pickled:
        (file,) = (tmp_path / "made").glob("*_Dense/model.safetensors")
        from safetensors.torch import load_file

        torch.save(load_file(file), file.with_name("pytorch_model.bin"))
        file.unlink()
    with ev.open_checkpoint(tmp_path / "made") as checkpoint:
        written = save_copy(checkpoint, tmp_path / "copy")
    assert not [name for name in written if name.endswith(".bin")]
    found = SentenceTransformer(str(tmp_path / "copy"), device="cpu").encode(list(TEXTS))
    assert np.abs(found - made.encode(list(TEXTS))).max() < 1e-6
