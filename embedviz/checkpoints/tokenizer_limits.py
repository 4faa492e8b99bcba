"""Tokenizer files that are refused before any library reads them: too large, ever growing, or reaching elsewhere.

transformers reads these files whole, and what is built from them can make gigabytes of a line of text.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedviz.errors import CheckpointError

log = logging.getLogger(__name__)

#: Where a vocabulary may be, in any of the formats that transformers knows.
FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "spm.model",
    "tokenizer.model",
    "tekken.json",
)
#: Read whole as well; a megabyte is much for settings.
_SETTINGS = (
    *("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.json"),
    *("chat_template.jinja", "processor_config.json", "preprocessor_config.json", "config.json"),
)
MAX_BYTES, _MAX_SETTINGS = 100 * 2**20, 16 * 2**20
#: 200,000 added tokens take 20 s to read, and one of 10 MB a gigabyte.
_MAX_ADDED, _MAX_TOKEN = 20_000, 10_000
#: A vocabulary of more words than the model has rows is of another model; below this many, reading it does no harm.
_MAX_WORDS = 300_000
#: The parts of tokenizer.json beside vocabulary and tokens; the largest of real ones are tables of half a megabyte.
_PARTS, _MAX_PARTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder"), 3 * 2**20
#: How many letters may become of one, and how many special tokens may be put around a text.
_MAX_GROWTH, _MAX_AROUND = 10_000, 1_000
#: Settings that are read as paths of any file, and whose words would then be shown as tokens.
_REACHING = ("vocab", "merges", "init_inputs", "gguf_file")


def check(folder: Path, config: Any) -> None:
    """CheckpointError where reading or using the tokenizer in ``folder`` would take minutes, gigabytes or other files.

    ``config`` is the model's configuration.
    """
    for name in (*FILES, "merges.txt", *_SETTINGS):
        size = (folder / name).stat().st_size if (folder / name).is_file() else 0
        if size > (_MAX_SETTINGS if name in _SETTINGS else MAX_BYTES):
            raise _too_large(f"{name}, {size / 2**20:,.0f} MiB")
    whole, told = _object(folder / "tokenizer.json"), _object(folder / "tokenizer_config.json")
    _check_reach(told)
    _check_added(folder, whole, told)
    _check_words(folder, whole, getattr(config, "vocab_size", None))
    _check_growth({name: whole.get(name) for name in _PARTS})


def _check_reach(told: dict[str, Any]) -> None:
    named = [name for name in _REACHING if told.get(name)]
    if named:
        raise CheckpointError(
            "The tokenizer's settings name a vocabulary of their own, which could be any file of this computer",
            value=f"tokenizer_config.json, {', '.join(named)}",
            remedy=f"Remove {', '.join(named)} from tokenizer_config.json.",
            code="tokenizer.reaches-out",
            why="transformers would read the file at that path, and its words would be shown as tokens.",
        )


def _check_added(folder: Path, whole: dict[str, Any], told: dict[str, Any]) -> None:
    lists = [
        *(whole.get("added_tokens"), _object(folder / "added_tokens.json"), told.get("added_tokens_decoder")),
        *(told.get("extra_special_tokens"), told.get("additional_special_tokens")),
    ]
    most = max(map(_length, lists))
    if most > _MAX_ADDED:
        raise _too_large(f"{most:,} added tokens")
    for listed in lists:
        for token in _items(listed):
            content = token.get("content") if isinstance(token, dict) else token
            if isinstance(content, str) and len(content) > _MAX_TOKEN:
                raise _too_large(f"an added token of {len(content):,} letters")


def _items(listed: Any) -> list[Any]:
    """What a list holds, or what a dict has as names and as values."""
    if isinstance(listed, dict):
        return [*listed, *listed.values()]
    return listed if isinstance(listed, list) else []


def _check_words(folder: Path, whole: dict[str, Any], rows: Any) -> None:
    model = whole.get("model")
    vocabularies = [model.get("vocab") if isinstance(model, dict) else None, _object(folder / "vocab.json")]
    listed = folder / "vocab.txt"
    words = sum(1 for _ in listed.open("rb")) if listed.is_file() else 0
    words = max(words, *map(_length, vocabularies))
    rows = rows if isinstance(rows, int) else 0
    if words > max(_MAX_WORDS, 2 * rows):
        raise _too_large(f"{words:,} words, and the model has {rows:,} rows for them")


def _check_growth(parts: dict[str, Any]) -> None:
    size = len(json.dumps(parts))
    steps = list(_steps(parts))
    growth = math.prod(_growth(step) for step in steps)
    around = max((_around(step) for step in steps), default=0)
    if size > _MAX_PARTS or growth > _MAX_GROWTH or around > _MAX_AROUND:
        raise CheckpointError(
            "The tokenizer would make gigabytes of a line of text",
            value=f"{size / 2**20:.1f} MiB of steps, a letter becomes up to {min(growth, 10**12):,}, "
            f"{around:,} special tokens around a text",
            remedy="Put the tokenizer of the original model into the folder.",
            code="tokenizer.too-large",
        )


def _steps(parts: Any) -> Iterator[dict[str, Any]]:
    """All dictionaries within, whatever their depth."""
    waiting = [parts]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _growth(step: dict[str, Any]) -> int:
    """How many letters a step may make of one."""
    text = {"Replace": "content", "Prepend": "prepend"}.get(str(step.get("type")))
    if text is not None:
        return max(1, len(str(step.get(text))))
    return 2 if step.get("type") == "ByteLevel" else 1


def _around(step: dict[str, Any]) -> int:
    """How many special tokens a template puts around a text."""
    single, known = step.get("single"), step.get("special_tokens")
    if step.get("type") != "TemplateProcessing" or not isinstance(single, list) or not isinstance(known, dict):
        return 0
    ids = [known.get(_special(piece)) for piece in single]
    return sum(max(1, _length(entry.get("ids"))) for entry in ids if isinstance(entry, dict))


def _special(piece: Any) -> str:
    token = piece.get("SpecialToken") if isinstance(piece, dict) else None
    return str(token.get("id")) if isinstance(token, dict) else ""


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list | dict) else 0


def _object(file: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none, and where its reader will say what is wrong with it."""
    try:
        parsed = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    except (ValueError, RecursionError):
        log.info("%s is not valid JSON", file.name, exc_info=True)
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _too_large(value: str) -> CheckpointError:
    return CheckpointError(
        "The tokenizer is far larger than any model's",
        value=value,
        remedy="Save it again: `tokenizer.save_pretrained(folder)`.",
        code="tokenizer.too-large",
    )
