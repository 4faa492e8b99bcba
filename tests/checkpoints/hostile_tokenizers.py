"""Model folders whose tokenizer is hostile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.checkpoints.hostile_settings import sparse
from tests.checkpoints.tiny import WORDS, Maker, code, model, secret, settings


def tokenizer(**changes: Any) -> Maker:
    """The tiny model with parts of its tokenizer.json changed, and with the class that takes the file at its word."""

    def make(folder: Path, marker: Path) -> Path:
        files = {
            "tokenizer.json": settings("tokenizer.json", **changes),
            "tokenizer_config.json": settings("tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast"),
        }
        return model(folder / "model", **files)

    return make


def tokenizer_config(**changes: Any) -> Maker:
    """The tiny model with values of its tokenizer_config.json changed. ``$SECRET`` stands for the path of a secret."""

    def make(folder: Path, marker: Path) -> Path:
        text = json.dumps(settings("tokenizer_config.json", **changes)).replace("$SECRET", str(secret(folder)))
        files = {"tokenizer_config.json": text.encode(), "code.py": code(marker)}
        return model(folder / "model", **files)

    return make


def files(**files: Any) -> Maker:
    return lambda folder, marker: model(folder / "model", **files)


def split(pattern: str, kind: str = "Split") -> dict[str, Any]:
    return {"type": kind, "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def replaced(*steps: tuple[str, str]) -> dict[str, Any]:
    parts = [{"type": "Replace", "pattern": {"Regex": pattern}, "content": content} for pattern, content in steps]
    return {"type": "Sequence", "normalizers": parts}


def added(number: int, **changes: Any) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    return {"id": number, "content": f"<{number}>", **flags, **changes}


def padding(size: int) -> dict[str, Any]:
    told = {"pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]", "pad_to_multiple_of": None}
    return {"strategy": {"Fixed": size}, "direction": "Right", **told}


def many() -> dict[str, int]:
    return {f"word{number}": number for number in range(1_000_000)}


TOKENIZERS: dict[str, Maker] = {
    "tokenizer: regex bomb": tokenizer(pre_tokenizer=split(r"^(\w+\s?)*$")),
    "tokenizer: regex bomb of letters": tokenizer(pre_tokenizer=split(r"(a|a|[a-z ]+)+[^.]$|(.*)*x")),
    "tokenizer: regex bomb in the normalizer": tokenizer(normalizer=replaced((r"^([\w\s]+)+$", "x"))),
    "tokenizer: a regex that looks back": tokenizer(pre_tokenizer=split(r"(?=(.*)*y)(.+)+\1z")),
    "tokenizer: a regex of 1 MB": tokenizer(pre_tokenizer=split("a?" * 250_000 + "a" * 250_000)),
    "tokenizer: a regex within itself": tokenizer(pre_tokenizer=split("(" * 20_000 + "a" + ")*" * 20_000)),
    "tokenizer: a regex that counts": tokenizer(pre_tokenizer=split("((((a{1000}){1000}){1000}){1000})")),
    "tokenizer: a regex that is none": tokenizer(pre_tokenizer=split("(")),
    "tokenizer: growing": tokenizer(normalizer=replaced(*[(".", "aaaaaaaaaa")] * 12)),
    "tokenizer: growing a little": tokenizer(normalizer=replaced(*[("a", "aaaaaaaaaa")] * 6)),
    "tokenizer: one replacement of 20 MB": tokenizer(normalizer=replaced((" ", "a" * 20_000_000))),
    "tokenizer: prefix of 20 MB": tokenizer(normalizer={"type": "Prepend", "prepend": "a " * 10_000_000}),
    "tokenizer: 2,000 normalizers": tokenizer(normalizer=replaced(*[("a", "b"), ("b", "a")] * 1_000)),
    "tokenizer: padding to 2e9": tokenizer(padding=padding(2_000_000_000)),
    "tokenizer: padding to 1e6": tokenizer(padding=padding(1_000_000)),
    "tokenizer: padding to multiples of 2**62": tokenizer(padding={**padding(8), "pad_to_multiple_of": 2**62}),
    "tokenizer: padding by id 2**31": tokenizer(padding={**padding(512), "pad_id": 2**31}),
    "tokenizer: cut to 0": tokenizer(
        truncation={"direction": "Right", "max_length": 0, "strategy": "LongestFirst", "stride": 0}
    ),
    "tokenizer: stride of 1e9": tokenizer(
        truncation={"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 10**9}
    ),
    "tokenizer: 100,000 special tokens a text": tokenizer(
        post_processor={
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}] * 100_000
            + [{"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2] * 100, "tokens": ["[CLS]"] * 100}},
        }
    ),
    "tokenizer: token type 2**31": tokenizer(
        post_processor={
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 2**31}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {},
        }
    ),
    "tokenizer: 200,000 added tokens": tokenizer(
        added_tokens=lambda: [added(100 + number) for number in range(200_000)]
    ),
    "tokenizer: 20,000 added tokens": tokenizer(added_tokens=lambda: [added(100 + number) for number in range(20_000)]),
    "tokenizer: an added token that is empty": tokenizer(added_tokens=[added(7, content="")]),
    "tokenizer: an added token of 10 MB": tokenizer(added_tokens=[added(7, content="a" * 10**7)]),
    "tokenizer: an added token of id 2**32": tokenizer(added_tokens=[added(2**32)]),
    "tokenizer: added tokens are a dict": tokenizer(added_tokens={"a": 1}),
    "tokenizer: a million words": tokenizer(
        model=lambda: {
            "type": "WordPiece",
            "unk_token": "a",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {"a": 0, **many()},
        }
    ),
    "tokenizer: words of 10**9 letters": tokenizer(
        model={
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 10**18,
            "vocab": {word: place for place, word in enumerate(WORDS)},
        }
    ),
    "tokenizer: ids of 2**32 - 1": tokenizer(
        model={
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {"[UNK]": 1, "the": 2**32 - 1, "a": 2**31},
        }
    ),
    "tokenizer: one id for all": tokenizer(
        model={
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": dict.fromkeys(WORDS, 1),
        }
    ),
    "tokenizer: no unknown": tokenizer(
        model={
            "type": "WordPiece",
            "unk_token": "x",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {"q": 0},
        }
    ),
    "tokenizer: merges that are none": tokenizer(model={"type": "BPE", "vocab": {"a": 0}, "merges": ["b c"] * 1000}),
    "tokenizer: unigram of NaN": tokenizer(model={"type": "Unigram", "unk_id": 10**9, "vocab": [["a", -1e400]]}),
    "tokenizer: unknown parts": tokenizer(model={"type": "X"}, pre_tokenizer={"type": "Y"}),
    "tokenizer: truncated": lambda folder, marker: model(
        folder / "model", **{"tokenizer.json": json.dumps(settings("tokenizer.json")).encode()[:-100]}
    ),
    "tokenizer: deep": files(**{"tokenizer.json": b'{"model": ' + b"[" * 200_000}),
    "tokenizer: deep normalizers": files(
        **{"tokenizer.json": b'{"normalizer": ' + b'{"type": "Sequence", "normalizers": [' * 100 + b"]}" * 100 + b"}"}
    ),
    "tokenizer: precompiled from nothing": tokenizer(
        normalizer={"type": "Precompiled", "precompiled_charsmap": "/////wAAAAAAAAAA" * 100}
    ),
    "tokenizer: 300 MB": sparse("tokenizer.json", 0.3),
    "tokenizer: settings of 300 MB": sparse("tokenizer_config.json", 0.3),
    "tokenizer: 49 MB of settings": tokenizer_config(x="a" * 49_000_000),
    "tokenizer: template of 300 MB": sparse("chat_template.jinja", 0.3),
    "tokenizer: special tokens of 300 MB": sparse("special_tokens_map.json", 0.3),
    "tokenizer: added tokens of 300 MB": sparse("added_tokens.json", 0.3),
    "vocabulary: 300 MB": lambda folder, marker: _without_json(sparse("vocab.txt", 0.3)(folder, marker)),
    "vocabulary: a million words": lambda folder, marker: _without_json(
        model(folder / "model", **{"vocab.txt": "\n".join(["[UNK]", "[PAD]", *many()]).encode()})
    ),
    "vocabulary: a million added": lambda folder, marker: _without_json(
        model(folder / "model", **{"added_tokens.json": {word: 100 + place for word, place in many().items()}})
    ),
    "vocabulary: JSON of 300 MB": lambda folder, marker: _without_json(sparse("vocab.json", 0.3)(folder, marker)),
    "vocabulary: merges of 300 MB": lambda folder, marker: _without_json(
        sparse("merges.txt", 0.3)(folder, marker), **{"vocab.json": {"a": 0}}
    ),
    "vocabulary: sentencepiece of lies": lambda folder, marker: _without_json(
        model(folder / "model"), **{"spiece.model": b"\n\xff\xff\xff\xff\x07" + bytes(1000)}
    ),
    "vocabulary: sentencepiece of 300 MB": lambda folder, marker: _without_json(
        sparse("tokenizer.model", 0.3)(folder, marker)
    ),
    "vocabulary: tekken": lambda folder, marker: _without_json(
        model(folder / "model"), **{"tekken.json": {"config": {"pattern": "(a|a)*$", "x": 1}, "vocab": []}}
    ),
    "settings: code": tokenizer_config(auto_map={"AutoTokenizer": ["code.Slow", "code.Fast"]}),
    "settings: class of its own": tokenizer_config(
        tokenizer_class="Mine", auto_map={"AutoTokenizer": ["code.M", None]}
    ),
    "settings: class is a path": tokenizer_config(tokenizer_class="../../etc/passwd"),
    "settings: class is a list": tokenizer_config(tokenizer_class=["BertTokenizer"]),
    "settings: class is AutoTokenizer": tokenizer_config(tokenizer_class="AutoTokenizer"),
    "settings: class is a base": tokenizer_config(tokenizer_class="PreTrainedTokenizerBase"),
    "settings: class of another library": tokenizer_config(tokenizer_class="MistralCommonBackend"),
    "settings: class for sentencepiece": tokenizer_config(tokenizer_class="LlamaTokenizer"),
    "settings: files elsewhere": tokenizer_config(tokenizer_file="$SECRET", vocab_file="$SECRET"),
    "settings: vocabulary file elsewhere": lambda folder, marker: _without_json(
        tokenizer_config(vocab_file="$SECRET", tokenizer_file=None)(folder, marker)
    ),
    "settings: merges elsewhere": lambda folder, marker: _without_json(
        tokenizer_config(tokenizer_class="GPT2Tokenizer", vocab_file="$SECRET", merges_file="$SECRET")(folder, marker)
    ),
    "settings: the vocabulary's name": tokenizer_config(
        vocab_files_names={"vocab_file": "../secret.txt"}, tokenizer_file="../secret.txt"
    ),
    **{
        f"settings: {key} elsewhere": lambda folder, marker, key=key, value=value: _without_json(
            tokenizer_config(**{key: value})(folder, marker), **{"spiece.model": b"x"}
        )
        for key, value in (("vocab", "$SECRET"), ("merges", "$SECRET"), ("init_inputs", ["$SECRET"]))
    },
    "settings: of another folder": tokenizer_config(name_or_path="/etc", _name_or_path="$SECRET"),
    "settings: GGUF elsewhere": tokenizer_config(gguf_file="$SECRET"),
    "settings: longest of -1": tokenizer_config(model_max_length=-1),
    "settings: longest of 0": tokenizer_config(model_max_length=0),
    "settings: longest is a text": tokenizer_config(model_max_length="long"),
    "settings: longest infinite": tokenizer_config(model_max_length=1e999),
    "settings: a template that loops": tokenizer_config(
        chat_template="{% for a in range(10**9) %}{% for b in range(10**9) %}x{% endfor %}{% endfor %}"
    ),
    "settings: a template that reads": tokenizer_config(
        chat_template="{{ ''.__class__.__mro__[1].__subclasses__() }}{% include '/etc/passwd' %}"
    ),
    "settings: a million decoders": tokenizer_config(
        added_tokens_decoder=lambda: {str(100 + place): added(100 + place) for place in range(200_000)}
    ),
    "settings: decoders of odd ids": tokenizer_config(
        added_tokens_decoder={"-1": added(1), "x": added(2), "4294967296": added(3)}
    ),
    "settings: special tokens of 100,000": tokenizer_config(extra_special_tokens=[f"<{n}>" for n in range(100_000)]),
    "settings: special tokens are odd": tokenizer_config(pad_token={"content": 7}, cls_token=["x"], sep_token=True),
    "settings: padding id of 2**31": tokenizer_config(pad_token="<pad>", pad_token_id=2**31),
    "settings: padding side": tokenizer_config(padding_side="up", truncation_side="down"),
    "settings: markup and formulas": tokenizer_config(
        pad_token="<img src=x onerror=alert(1)>", cls_token="=cmd|'/c calc'!A1", sep_token="\u202e\n\0"
    ),
    "settings: methods": tokenizer_config(__class__="x", encode=1, save_pretrained="x", _tokenizer="y", backend="x"),
    "settings: input names": tokenizer_config(model_input_names=["output_attentions", "past_key_values", "labels"]),
    "settings: a list": files(**{"tokenizer_config.json": [1]}),
    "settings: deep": files(**{"tokenizer_config.json": b"[" * 200_000}),
}


def _without_json(made: Path, **files: Any) -> Path:
    """The folder without its tokenizer.json, so that the slow form of its vocabulary is read."""
    (made / "tokenizer.json").unlink(missing_ok=True)
    if files:
        (made / "vocab.txt").unlink(missing_ok=True)
        for name, content in files.items():
            (made / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return made
