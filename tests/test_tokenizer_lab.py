"""Tokenizers compared: against transformers' own tokenizers and forward pass, and with files of every kind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tokenizers.processors import TemplateProcessing

import embedviz as ev
from embedviz.checkpoints import bundled_path
from embedviz.checkpoints.bundled import tokenizer as bundled_tokenizer
from embedviz.checkpoints.other_tokenizer import open_tokenizer
from embedviz.tokenizer_lab import TOKENIZERS
from tests.capture.tiny import tiny
from tests.checkpoints.tiny import code
from tests.conftest import package_file


def tokenizer_json(vocabulary: dict[str, int]) -> str:
    """Whole words at spaces, "?" where one is unknown."""
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "?"}
    parts = {"pre_tokenizer": {"type": "WhitespaceSplit"}, "added_tokens": []}
    return json.dumps({"version": "1.0", "model": model, **parts})


def test_the_same_tokenizer_changes_nothing(bundled: ev.Checkpoint, texts: list[str]) -> None:
    for pooling in ("as trained", "last"):
        compared = ev.compare_tokenizers(bundled, texts, bundled_path(), pooling=pooling)
        assert [each.cosine for each in compared.texts] == pytest.approx([1.0] * len(texts), abs=1e-6)
        assert all(each.same_ids == 1 for each in compared.texts)
        assert compared.reading.startswith("Both give the same ids")
        own = ev.capture(bundled, texts, pooling=pooling)[bundled.recommended.path].vectors
        np.testing.assert_array_equal(compared.own_vectors, own)


def typed(kind: int) -> Any:
    """The bundled tokenizer, with a token type of its own for what is put around a text."""
    tokenizer = bundled_tokenizer()
    around = [("[CLS]", 101), ("[SEP]", 102)]
    template = TemplateProcessing(single=f"[CLS]:{kind} $A:0 [SEP]:{kind}", special_tokens=around)
    tokenizer.backend_tokenizer.post_processor = template
    return tokenizer


def test_token_types_are_the_tokenizers_own(texts: list[str]) -> None:
    """What is made of ids alone would be another vector, and a type without a row stops the model."""
    checkpoint = ev.open_module(tiny("Bert", vocab_size=30_522), typed(1))
    compared = ev.compare_tokenizers(checkpoint, texts, typed(1))
    assert [each.cosine for each in compared.texts] == pytest.approx([1.0] * len(texts), abs=1e-6)
    compared = ev.compare_tokenizers(checkpoint, texts, bundled_tokenizer())
    assert all(each.same_ids == 1 and each.cosine is not None and each.cosine < 0.9999 for each in compared.texts)
    assert "same ids" in compared.reading
    assert "same vectors" not in compared.reading
    assert (
        ev.compare_tokenizers(checkpoint, "a", typed(5))
        .texts[0]
        .why_not.endswith("token type 5, and the model knows 2")
    )


def test_bytes_are_those_of_transformers(bundled: ev.Checkpoint) -> None:
    texts = ["A lion sleeps.", "Café 日本"]
    compared = ev.compare_tokenizers(bundled, texts, "bytes", "encoder.layer.3", "mean")
    theirs = transformers.ByT5Tokenizer()
    for row, text in enumerate(texts):
        ids = theirs(text)["input_ids"]
        assert [token.id for token in compared.texts[row].other] == ids
        with torch.no_grad():
            hidden = bundled.model(torch.tensor([ids]), output_hidden_states=True).hidden_states[4]
        np.testing.assert_allclose(compared.other_vectors[row], hidden[0].mean(0), atol=2e-5)
    cosine = torch.nn.functional.cosine_similarity(*map(torch.tensor, (compared.own_vectors, compared.other_vectors)))
    np.testing.assert_allclose([each.cosine for each in compared.texts], cosine, atol=1e-5)
    assert compared.other.unknown == 0
    assert compared.other.vocabulary == len(theirs)


def test_tokens_say_where_they_stand_and_what_they_are(bundled: ev.Checkpoint) -> None:
    (text,) = ev.compare_tokenizers(bundled, "  Lions ☂ sleep [SEP] ", "minilm_cased").texts
    assert text.text == "Lions ☂ sleep [SEP]"
    assert [(t.text, t.special, t.unknown) for t in text.own] == [
        ("[CLS]", True, False),
        ("lions", False, False),
        ("[UNK]", False, True),
        ("sleep", False, False),
        ("[SEP]", True, False),
        ("[SEP]", True, False),
    ]
    assert [text.text[t.span[0] : t.span[1]] for t in text.own if t.span] == ["Lions", "☂", "sleep", "[SEP]"]
    assert [t.unknown for t in text.other] == [False, True, True, False, False, False]
    assert text.same_ids == pytest.approx(5 / 6)


def test_ids_beyond_the_table_give_no_cosine_and_harm_no_other_text(bundled: ev.Checkpoint, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(tokenizer_json({"?": 100, "cat": 4937, "far": 40_000}))
    compared = ev.compare_tokenizers(bundled, ["cat", "far", "a cat"], file, pooling="mean")
    assert [each.cosine is None for each in compared.texts] == [False, True, False]
    assert "40,000" in compared.texts[1].why_not
    assert "30,521" in compared.texts[1].why_not
    assert np.isnan(compared.other_vectors[1]).all()
    assert (compared.other.out_of_range, compared.other.highest_id, compared.rows) == (1, 40_000, 30_522)
    assert compared.other.unknown == 1  # "a", by what tokenizer.json says is its unknown token
    characters = ev.compare_tokenizers(bundled, ["a cat"], "characters")
    assert characters.cosine is None
    assert "cannot be given the text" in characters.reading


def test_what_is_cut_is_listed_and_counted(bundled: ev.Checkpoint) -> None:
    text = "word " * 300
    captured = ev.capture(bundled, [text])[bundled.recommended.path]
    assert captured.cut is not None
    for other in ("minilm", "bytes"):
        compared = ev.compare_tokenizers(bundled, text, other)
        assert compared.own.cut == captured.cut[0]
        (each,) = compared.texts
        for side, tokens in ((compared.own, each.own), (compared.other, each.other)):
            assert sum(not token.cut for token in tokens) == side.tokens == bundled.max_tokens
            assert tokens[-1].special
            assert not tokens[-1].cut
            assert 0 < sum(token.cut for token in tokens) <= side.cut
        assert compared.own.tokens_per_word == pytest.approx(1.0)


def test_known_tokens_under_other_ids_are_said(bundled: ev.Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "my", "kitten"]))
    compared = ev.compare_tokenizers(bundled, "My kitten purrs", tmp_path / "vocab.txt")
    assert "1 of 3 tokens is unknown" in compared.reading
    assert "none of the ids is the same, so what is known is taken for other words" in compared.reading


def test_a_real_mismatch_and_what_the_doctor_says_of_it(tmp_path: Path) -> None:
    """rxnfp was trained on SMILES with capitals; its files make a tokenizer that lower-cases them."""
    folder = package_file("rxnfp", "models/transformers/bert_ft_10k_25s")
    words = (folder / "vocab.txt").read_text().split()
    right = json.loads(tokenizer_json({word: number for number, word in enumerate(words)}))
    right["model"]["unk_token"] = "[UNK]"
    pattern = r"\[[^\]]+\]|Br|Cl|>>|."
    right["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    (tmp_path / "tokenizer.json").write_text(json.dumps(right))
    with ev.open_checkpoint(folder) as checkpoint:
        compared = ev.compare_tokenizers(checkpoint, "CC(=O)Cl.OCC>>CC(=O)OCC", tmp_path / "tokenizer.json")
    assert (compared.own.unknown, compared.own.ordinary, compared.own.normalisation[0]) == (7, 16, "lower case")
    assert [t.text for t in compared.texts[0].other[:8]] == ["C", "C", "(", "=", "O", ")", "Cl", "."]
    assert (compared.other.unknown, compared.other.ordinary, compared.other.normalisation) == (0, 21, ())
    assert compared.cosine is not None
    assert compared.cosine < 0.5
    assert "7 of 16" in compared.reading
    assert {"tokenizer.casing", "tokenizer.unknown-instances"} <= {each.code for each in compared.findings}


def _zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder.with_suffix("")), "zip", folder.parent, folder.name))


def _files(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        shutil.copy(bundled_path() / name, folder)
    return folder


@pytest.mark.parametrize(
    "place",
    [
        lambda top: _files(top / "a", "tokenizer.json", "tokenizer_config.json"),
        lambda top: _files(top / "a", "tokenizer.json", "tokenizer_config.json") / "tokenizer.json",
        lambda top: _files(top / "a", "vocab.txt") / "vocab.txt",
        lambda top: _files(top / "a", "vocab.txt", "config.json").parent,
        lambda top: _zipped(_files(top / "a", "tokenizer.json", "tokenizer_config.json")),
        lambda top: shutil.copy(bundled_path() / "tokenizer.json", top / "some name.json"),
    ],
    ids=["folder", "file in it", "lone vocabulary", "folder around it", "zip", "lone tokenizer.json"],
)
def test_wherever_a_tokenizer_lies(tmp_path: Path, place: Any) -> None:
    tokenizer = open_tokenizer(Path(place(tmp_path)), transformers.BertConfig(), tmp_path / "scratch")
    assert tokenizer("A lion sleeps.")["input_ids"] == bundled_tokenizer()("A lion sleeps.")["input_ids"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"notes.md": "#"}, "no tokenizer in here"),
        ({"one/vocab.txt": "[UNK]", "two/vocab.txt": "[UNK]"}, "2 tokenizers"),
        ({"vocab.txt": "[UNK]", "tokenizer_config.json": '{"vocab_file": "x", "vocab": "/etc/passwd"}'}, "vocabulary"),
        ({"tokenizer.json": '{"model": {}}'}, "cannot be read"),
        ({"vocab.txt": "a\n" * 400_000}, "far larger"),
    ],
)
def test_what_is_refused(tmp_path: Path, files: dict[str, str], said: str) -> None:
    for name, content in files.items():
        (tmp_path / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "t" / name).write_text(content)
    with pytest.raises(ev.CheckpointError, match=said):
        open_tokenizer(tmp_path / "t", transformers.BertConfig(), tmp_path)


def test_code_beside_a_tokenizer_is_not_run(tmp_path: Path) -> None:
    folder, marker = _files(tmp_path / "t", "vocab.txt"), tmp_path / "marker"
    told = {"tokenizer_class": "Mine", "auto_map": {"AutoTokenizer": ["code.Mine", "code.Mine"]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    (folder / "code.py").write_bytes(code(marker))
    with pytest.raises(ev.CheckpointError, match="cannot be read"):
        open_tokenizer(folder, transformers.BertConfig(), tmp_path)
    assert not marker.exists()


def test_what_cannot_be_compared_says_why(bundled: ev.Checkpoint) -> None:
    with pytest.raises(ev.EmbedvizError, match="Did you mean bytes"):
        ev.compare_tokenizers(bundled, ["a"], "byte")
    with pytest.raises(ev.InstancesError, match="no texts"):
        ev.compare_tokenizers(bundled, [], "bytes")
    with pytest.raises(ev.InstancesError, match="too many"):
        ev.compare_tokenizers(bundled, ["a"] * 501, "bytes")
    with pytest.raises(ev.InstancesError, match="not a text"):
        ev.compare_tokenizers(bundled, [("a", "b")], "bytes")  # type: ignore[list-item]
    with pytest.raises(ev.InstancesError, match="tokenizer"):
        ev.compare_tokenizers(ev.open_module(tiny("Bert")), ["a"], "bytes")


def test_each_ready_one_survives_odd_texts() -> None:
    checkpoint = ev.open_module(tiny("Bert", vocab_size=30_522), bundled_tokenizer())
    texts = ["", "\0\x1b[31m", "ab\u202ecd", "🙂" * 3, "[MASK]"]
    for name in TOKENIZERS:
        compared = ev.compare_tokenizers(checkpoint, texts, name)
        assert all((each.cosine is None) == bool(each.why_not) for each in compared.texts)
        assert "nan" not in compared.reading
