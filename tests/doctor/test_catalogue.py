"""Failures that raise nothing anywhere, each made from a real checkpoint: some check has to say it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers

import embedviz as ev
from embedviz.checkpoints import bundled_path
from embedviz.doctor import CHECKS, OPENING, Report, examine
from tests.doctor.breaks import BREAKS, Bench, drop, edit_json, edit_weights

Row = tuple[Callable[[Bench], Report], str]


def opened(path: Path) -> Report:
    """What a person is told who brings this path."""
    try:
        with ev.open_checkpoint(path) as checkpoint:
            return examine(checkpoint)
    except ev.CheckpointError as error:
        return examine(error)


def checked(code: str) -> Row:
    def report(bench: Bench) -> Report:
        broken = BREAKS[code](bench)
        return examine(*broken) if isinstance(broken, tuple) else examine(broken)

    return report, code


def copied(bench: Bench) -> Path:
    return Path(shutil.copytree(bundled_path(), bench.folder / "copy"))


def prefixed(bench: Bench) -> Report:
    def rename(tensors: dict[str, torch.Tensor]) -> None:
        for name in list(tensors):
            tensors[f"module.net.{name}"] = tensors.pop(name)

    return opened(edit_weights(bench.save("Bert"), rename))


def with_blocks(count: int) -> Callable[[Bench], Report]:
    def report(bench: Bench) -> Report:
        folder = bench.save("Bert")
        edit_json(folder / "config.json", num_hidden_layers=count)
        return opened(folder)

    return report


def head_dropped(bench: Bench) -> Report:
    folder = bench.save("Bert", "ForMaskedLM")
    edit_json(folder / "config.json", architectures=["BertModel"])
    return opened(folder)


def without_modules(bench: Bench) -> Report:
    folder = copied(bench)
    (folder / "modules.json").unlink()
    return opened(folder)


def loaded_loosely(bench: Bench) -> Report:
    return opened(edit_weights(bench.save("Bert"), drop("encoder.layer.2.attention.self.query.")))


def bytes_flipped_in_pt(bench: Bench) -> Report:
    """torch reads a damaged .bin without a word: it ignores the archive's checksums."""
    folder = bench.save("Bert")
    torch.save(transformers.BertModel.from_pretrained(folder).state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    data = bytearray((folder / "pytorch_model.bin").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = b"\xff" * 64
    (folder / "pytorch_model.bin").write_bytes(data)
    assert torch.load(folder / "pytorch_model.bin", weights_only=True)
    return opened(folder)


#: What happens → how it is made, and the code that says it.
SILENT: dict[str, Row] = {
    "the pooler is newly initialised": checked("weights.untrained-pooler"),
    "weights behind a prefix: everything is random": (prefixed, "weights.prefix"),
    "weights under other names: everything is random": checked("weights.mostly-random"),
    "a head is dropped": (head_dropped, "weights.unexpected"),
    "the configuration has fewer layers: some are dropped": (with_blocks(2), "weights.mismatched"),
    "the configuration has more layers: some are random": (with_blocks(4), "weights.mismatched"),
    "wrong number of heads": checked("configuration.heads"),
    "wrong model_type": checked("configuration.family"),
    "wrong activation": checked("configuration.other-activation"),
    "an empty tokenizer is made up": checked("tokenizer.empty"),
    "tokenizer_class LlamaTokenizer on BERT": checked("tokenizer.class"),
    "do_lower_case false on a vocabulary without capitals": checked("tokenizer.casing"),
    "padding in the mean, padding taken for the last token": checked("behaviour.padding"),
    "a model that does not look at its mask": checked("behaviour.batch"),
    "padding in front with positions from the front": checked("tokenizer.padding-side"),
    "train mode": checked("behaviour.train-mode"),
    "dropout that stays on in eval mode": checked("behaviour.repeat"),
    "CLS or pooler of a model trained for the mean": checked("choice.pooling"),
    "float16 overflows": checked("behaviour.half-overflow"),
    "NaN in the vectors": checked("behaviour.not-finite"),
    "a model that was never trained": checked("weights.fresh"),
    "a trained model whose cosines are all near 1": checked("behaviour.crowded"),
    "a sentence-transformers folder without modules.json": (without_modules, "choice.recipe"),
    "keys that strict=False leaves out": (loaded_loosely, "weights.missing"),
    "damaged bytes inside a .bin": (bytes_flipped_in_pt, "files.corrupt"),
}


@pytest.mark.parametrize("row", SILENT)
def test_a_silent_failure_is_said(row: str, bench: Bench) -> None:
    make, code = SILENT[row]
    assert code in CHECKS or code in OPENING
    report = make(bench)
    (finding,) = [finding for finding in report.findings if finding.code == code]
    assert finding.remedy
    assert code not in report.passed
    assert code not in dict(report.unchecked)


def test_crowding_is_told_apart_by_the_loading(bench: Bench) -> None:
    """All cosines near 1: random weights and a trained model's common part look the same, and are not."""
    trained = BREAKS["behaviour.crowded"](bench)
    assert isinstance(trained, ev.Checkpoint)
    (anisotropic,) = [each for each in examine(trained).findings if each.code == "behaviour.crowded"]
    assert "Loading does not explain it" in anisotropic.why
    torch.manual_seed(0)
    config = transformers.BertConfig(
        num_hidden_layers=24, hidden_size=128, num_attention_heads=4, intermediate_size=512
    )
    folder = bench.save("Bert", name="deep")
    model = transformers.BertModel(config)
    with torch.no_grad():
        model.embeddings.word_embeddings.weight.mul_(0.05)
    model.save_pretrained(folder)
    (random,) = [each for each in opened(folder).findings if each.code == "behaviour.crowded"]
    assert "Loading explains it" in random.why
    assert random.remedy != anisotropic.remedy
