"""Real checkpoints, each broken in exactly the way that one check looks for."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file

import embedviz as ev
from embedviz.checkpoints import Recipe, bundled_path
from tests.conftest import Save


@dataclass(frozen=True)
class Bench:
    """What a break is made from: the opened bundled model, a maker of tiny models, and a folder to work in."""

    bundled: ev.Checkpoint
    save: Save
    folder: Path


Broken = ev.Checkpoint | tuple[ev.Checkpoint, Sequence[str]]
Break = Callable[[Bench], Broken]


# Weights


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> Path:
    file = folder / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})
    return folder


def drop(*starts: str) -> Callable[[dict[str, torch.Tensor]], object]:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        gone = [name for name in tensors if name.startswith(starts)]
        assert gone
        for name in gone:
            del tensors[name]

    return change


def fill(name: str, value: float) -> Callable[[dict[str, torch.Tensor]], object]:
    return lambda tensors: tensors[name].fill_(value)


def stored(family: str, change: Callable[[dict[str, torch.Tensor]], object], kind: str = "Model") -> Break:
    return lambda bench: ev.open_checkpoint(edit_weights(bench.save(family, kind), change))


def random_by_other_names(bench: Bench) -> ev.Checkpoint:
    """What a loader that goes by names makes of weights with a wrapper's prefix: it loads, and everything is random."""
    folder = bench.save("Bert")
    healthy = ev.open_checkpoint(folder)
    edit_weights(folder, lambda tensors: [tensors.update({f"net.{n}": tensors.pop(n)}) for n in list(tensors)])
    model, report = transformers.BertModel.from_pretrained(folder, output_loading_info=True)
    return replace(healthy, model=model.eval(), untrained=frozenset(report["missing_keys"]))


def halved(bench: Bench) -> ev.Checkpoint:
    folder = bench.save("Bert")
    transformers.BertModel.from_pretrained(folder).half().save_pretrained(folder)
    return ev.open_checkpoint(folder)


# The tokenizer


def edit_json(file: Path, **values: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **values}), "utf-8")


def tokenizer_folder(bench: Bench, *, without: Sequence[str] = (), **values: Any) -> Path:
    """The bundled tokenizer's files, without some, with other values in tokenizer_config.json."""
    folder = bench.folder / "tokenizer"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        if name not in without:
            shutil.copy(bundled_path() / name, folder)
    if values:
        edit_json(folder / "tokenizer_config.json", **values)
    return folder


def read(bench: Bench, folder: Path) -> ev.Checkpoint:
    """The bundled model with the tokenizer that transformers reads from ``folder``."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return replace(bench.bundled, tokenizer=tokenizer)


def configured(without: Sequence[str] = (), **values: Any) -> Break:
    return lambda bench: read(bench, tokenizer_folder(bench, without=without, **values))


def no_tokenizer(bench: Bench) -> ev.Checkpoint:
    folder = bench.save("Bert")
    for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink()
    return ev.open_checkpoint(folder)


def with_vocabulary(words: Sequence[str]) -> Break:
    def make(bench: Bench) -> ev.Checkpoint:
        folder = tokenizer_folder(bench, without=["tokenizer.json"])
        (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
        return read(bench, folder)

    return make


def without_words(bench: Bench) -> ev.Checkpoint:
    """A vocabulary of English that lost its rarer words and all parts of words."""
    words = (bundled_path() / "vocab.txt").read_text("utf-8").splitlines()
    return with_vocabulary([word for word in words[999:2500] if not word.startswith("##")])(bench)


def type_of_second_text(bench: Bench) -> ev.Checkpoint:
    folder = bench.save("Bert", type_vocab_size=1)
    edit_json(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    edit_json(folder / "tokenizer_config.json", model_input_names=["input_ids", "token_type_ids", "attention_mask"])
    parsed = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    for part in parsed["post_processor"]["single"]:
        next(iter(part.values()))["type_id"] = 1
    (folder / "tokenizer.json").write_text(json.dumps(parsed), "utf-8")
    return ev.open_checkpoint(folder)


def no_post_processor(bench: Bench) -> ev.Checkpoint:
    folder = tokenizer_folder(bench, tokenizer_class="PreTrainedTokenizerFast")
    edit_json(folder / "tokenizer.json", post_processor=None)
    return read(bench, folder)


def no_padding_token(bench: Bench) -> ev.Checkpoint:
    broken = configured()(bench)
    broken.tokenizer.pad_token = None
    return broken


def added_padding_token(bench: Bench) -> ev.Checkpoint:
    broken = configured()(bench)
    broken.tokenizer.add_special_tokens({"pad_token": "<my pad>"})
    return broken


def end_for_padding(bench: Bench) -> ev.Checkpoint:
    """What many guides tell people to do where a tokenizer has no padding token."""
    broken = configured(eos_token="[SEP]")(bench)
    broken.tokenizer.pad_token = broken.tokenizer.eos_token
    return broken


# Behaviour


def changed(change: Callable[[Any], object], **values: Any) -> Break:
    """The bundled model with its module changed in memory."""

    def make(bench: Bench) -> ev.Checkpoint:
        model = copy.deepcopy(bench.bundled.model)
        with torch.no_grad():
            change(model)
        return replace(bench.bundled, model=model, **values)

    return make


class FunctionalDropout(torch.nn.Module):
    """The usual slip: a function's ``training`` is True unless told otherwise."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.dropout(hidden, 0.3)


class Deaf(transformers.BertModel):
    """Takes the mask and does not pass it on."""

    def forward(self, input_ids: Any, attention_mask: Any = None, **others: Any) -> Any:
        return super().forward(input_ids, **others)


class TimeFirst(torch.nn.Module):
    """A recurrent layer that takes the batch for time, as torch's do unless told ``batch_first``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.recurrent = torch.nn.GRU(width, width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden + 4 * self.recurrent(hidden)[0]


def deafen(model: Any) -> None:
    model.__class__ = Deaf


def few_positions(model: Any) -> None:
    model.embeddings.position_embeddings = torch.nn.Embedding(4, 384)


def drop_by_function(model: Any) -> None:
    model.encoder.layer[2].output.dropout = FunctionalDropout()


def recur_over_batch(model: Any) -> None:
    torch.manual_seed(0)
    model.embeddings.dropout = TimeFirst(384).eval()


def last_norm(model: Any) -> Any:
    return model.encoder.layer[-1].output.LayerNorm


def too_large_for_half(bench: Bench) -> ev.Checkpoint:
    folder = bench.save("Bert")
    model = transformers.BertModel.from_pretrained(folder)
    with torch.no_grad():
        model.encoder.layer[0].intermediate.dense.bias.fill_(60_000)
        model.encoder.layer[0].output.dense.weight.fill_(1.0)
    model.half().save_pretrained(folder)
    return ev.open_checkpoint(folder)


# Configuration


def read_as_roberta(bench: Bench) -> ev.Checkpoint:
    folder = bench.save("Bert")
    edit_json(folder / "config.json", model_type="roberta", architectures=["RobertaModel"])
    return ev.open_checkpoint(folder)


def configured_model(**values: Any) -> Break:
    """The bundled weights under another configuration."""

    def make(bench: Bench) -> ev.Checkpoint:
        folder = Path(shutil.copytree(bundled_path(), bench.folder / "model"))
        edit_json(folder / "config.json", **values)
        return ev.open_checkpoint(folder)

    return make


#: One break a check, by the code of the check.
BREAKS: dict[str, Break] = {
    "configuration.family": read_as_roberta,
    "configuration.heads": configured_model(num_attention_heads=6),
    "configuration.other-activation": configured_model(hidden_act="relu"),
    "weights.mostly-random": random_by_other_names,
    "weights.missing": stored("Bert", drop("encoder.layer.1.output.dense.")),
    "weights.untrained-pooler": stored("Bert", drop("pooler.")),
    "weights.untrained-head": stored("Bert", drop("classifier."), "ForSequenceClassification"),
    "weights.not-finite": stored("Bert", fill("encoder.layer.1.output.dense.weight", float("nan"))),
    "weights.constant": stored("Bert", fill("encoder.layer.1.output.dense.weight", 0.0)),
    "weights.fresh": lambda bench: ev.open_checkpoint(bench.save("Bert")),
    "weights.half-precision": halved,
    "tokenizer.missing": no_tokenizer,
    "tokenizer.empty": configured(without=["tokenizer.json", "vocab.txt"]),
    "tokenizer.vocabulary": lambda bench: ev.open_checkpoint(bench.save("Bert", vocab_size=30_000)),
    "tokenizer.ids-out-of-range": lambda bench: ev.open_checkpoint(bench.save("Bert", vocab_size=2_500)),
    "tokenizer.type-ids": type_of_second_text,
    "tokenizer.class": configured(tokenizer_class="LlamaTokenizer"),
    "tokenizer.casing": configured(do_lower_case=False),
    "tokenizer.unknown": without_words,
    "tokenizer.unknown-instances": lambda bench: (bench.bundled, ["ᚠᚢᚦᚨᚱᚲ ᚷᚹᚺ", "ᛒᛖᛗᛚ", "a rune"]),
    "tokenizer.pieces": configured(tokenizer_class="LlamaTokenizer"),
    "tokenizer.letters": with_vocabulary([str(number) for number in range(30_000)]),
    "tokenizer.special": no_post_processor,
    "tokenizer.pad-missing": no_padding_token,
    "tokenizer.pad-out-of-range": added_padding_token,
    "tokenizer.pad-is-end": end_for_padding,
    "tokenizer.padding-side": configured(padding_side="left"),
    "tokenizer.length": configured(model_max_length=4_096),
    "tokenizer.cut": lambda bench: (bench.bundled, ["one word and another " * 200, "short"]),
    "behaviour.fails": changed(few_positions),
    "behaviour.train-mode": changed(lambda model: model.train()),
    "behaviour.repeat": changed(drop_by_function),
    "behaviour.batch": changed(deafen),
    "behaviour.order": changed(recur_over_batch),
    "behaviour.padding": lambda bench: replace(bench.bundled, recipe=Recipe()),
    "behaviour.not-finite": changed(lambda model: model.encoder.layer[3].output.dense.weight.fill_(1e38)),
    "behaviour.half-overflow": too_large_for_half,
    "behaviour.dead": changed(lambda model: last_norm(model).weight[:100].zero_()),
    "behaviour.dominant": changed(lambda model: last_norm(model).bias[7].fill_(40.0)),
    "behaviour.same-vector": changed(lambda model: model.embeddings.word_embeddings.weight.zero_()),
    "behaviour.crowded": changed(lambda model: last_norm(model).bias.add_(5.0)),
    "behaviour.word-order": changed(lambda model: model.embeddings.position_embeddings.weight.zero_()),
    "choice.recipe": lambda bench: replace(bench.bundled, recipe=Recipe()),
    "choice.pooling": lambda bench: bench.bundled,
    "choice.head": lambda bench: ev.open_checkpoint(bench.save("Bert", "ForSequenceClassification")),
    "choice.first-token": lambda bench: ev.open_checkpoint(bench.save("GPT2")),
    "choice.causal": lambda bench: ev.open_checkpoint(bench.save("GPT2")),
    "choice.encoder-only": lambda bench: ev.open_checkpoint(bench.save("T5", "EncoderModel")),
}
