"""The tokenizer that belongs to a model, or the reason why there is none."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from embedviz.checkpoints.request import Options
from embedviz.errors import CheckpointError, first_line
from embedviz.records import Finding

log = logging.getLogger(__name__)

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
#: A model may say nothing about its longest input (relative positions); more than this is asked for on purpose only.
DEFAULT_MAX_TOKENS = 512
MAX_TOKENS = 8_192
#: Beyond these a tokenizer takes minutes or gigabytes to read (measured: 200,000 added tokens take 20 s).
_MAX_BYTES, _MAX_ADDED = 100 * 2**20, 20_000
#: Files that transformers reads whole, beside those of ``FILES``: a megabyte is much for the settings among them.
_SETTINGS = (
    *("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.json"),
    *("chat_template.jinja", "processor_config.json", "preprocessor_config.json", "config.json"),
)
_MAX_SETTINGS = 16 * 2**20
#: A vocabulary of more words than the model has rows is of another model; below this many, reading it does no harm.
_MAX_WORDS = 300_000


def find_tokenizer(folders: Sequence[Path], config: Any, options: Options) -> tuple[Any, list[Finding]]:
    """The tokenizer in the first of ``folders`` that has one, or None, and what was noticed.

    With "tokenizer-class" in ``options.repair`` the class is that of the model's family, whatever the folder names;
    with "casing" capital letters are kept where they were made small, and the other way round.
    """
    if options.tokenizer:
        folders = [Path(options.tokenizer), *folders]
    folder = next((each for each in folders if any((each / name).is_file() for name in FILES)), None)
    if folder is None:
        return None, [_none_found(folders)]
    try:
        _check_size(folder, config)
        _check_settings(folder)
        return _repaired(folder, config, options.repair)
    except CheckpointError as error:
        told = Finding(error.code, "error", error.what, str(error.value), error.why, error.remedy)
        return None, [told]


def _none_found(folders: Sequence[Path]) -> Finding:
    return Finding(
        code="tokenizer.missing",
        severity="error",
        title="There is no tokenizer, so text cannot be turned into the model's numbers",
        evidence=f"none of {', '.join(FILES[:4])}, … in {folders[0].name if folders else 'the folder'}",
        why="Another model's tokenizer gives ids that mean other words here, and vectors without meaning.",
        remedy="Copy the tokenizer's files into the folder: `tokenizer.save_pretrained(folder)` writes them.",
    )


def _check_size(folder: Path, config: Any) -> None:
    """CheckpointError where reading the tokenizer would take minutes or gigabytes."""
    for name in (*FILES, "merges.txt", *_SETTINGS):
        size = (folder / name).stat().st_size if (folder / name).is_file() else 0
        if size > (_MAX_SETTINGS if name in _SETTINGS else _MAX_BYTES):
            raise _too_large(f"{name}, {size / 2**20:,.0f} MiB")
    added, words = _counts(folder)
    if added > _MAX_ADDED:
        raise _too_large(f"{added:,} added tokens")
    rows = getattr(config, "vocab_size", None)
    if words > max(_MAX_WORDS, 2 * rows if isinstance(rows, int) else 0):
        raise _too_large(f"{words:,} words, and the model has {rows if isinstance(rows, int) else 'no'} rows for them")


def _counts(folder: Path) -> tuple[int, int]:
    """How many tokens the tokenizer's files add to its vocabulary, and how many words that has."""
    whole, told = _object(folder / "tokenizer.json"), _object(folder / "tokenizer_config.json")
    model = whole.get("model")
    lists = [
        *(whole.get("added_tokens"), _object(folder / "added_tokens.json"), told.get("added_tokens_decoder")),
        *(told.get("extra_special_tokens"), told.get("additional_special_tokens")),
    ]
    vocabularies = [model.get("vocab") if isinstance(model, dict) else None, _object(folder / "vocab.json")]
    words = sum(1 for _ in (folder / "vocab.txt").open("rb")) if (folder / "vocab.txt").is_file() else 0
    return max(map(_length, lists)), max(words, *map(_length, vocabularies))


def _check_settings(folder: Path) -> None:
    """CheckpointError where the settings would have a file of the computer read in place of the vocabulary."""
    told = _object(folder / "tokenizer_config.json")
    named = [name for name in ("vocab", "merges", "init_inputs", "gguf_file") if told.get(name)]
    if named:
        raise CheckpointError(
            "The tokenizer's settings name a vocabulary of their own, which could be any file of this computer",
            value=f"tokenizer_config.json, {', '.join(named)}",
            remedy=f"Remove {', '.join(named)} from tokenizer_config.json.",
            code="tokenizer.reaches-out",
            why="transformers would read the file at that path, and its words would be shown as tokens.",
        )


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


def _repaired(folder: Path, config: Any, repair: frozenset[str]) -> tuple[Any, list[Finding]]:
    family = str(getattr(config, "model_type", "")) if "tokenizer-class" in repair else ""
    tokenizer = _read(folder, config, family)
    findings = []
    if family:
        findings.append(_done("The class of the tokenizer is that of the model's family", type(tokenizer).__name__))
    if "casing" in repair:
        lower = not getattr(tokenizer, "do_lower_case", True)
        tokenizer = _read(folder, config, family, do_lower_case=lower)
        normaliser: Any = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
        if hasattr(normaliser, "lowercase"):
            # A tokenizer.json has the casing of the tokenizer it was written from.
            normaliser.lowercase = lower
            tokenizer.backend_tokenizer.normalizer = normaliser
        findings.append(_done("The casing of the texts was turned round", f"do_lower_case = {lower}"))
    return tokenizer, findings


def _done(title: str, evidence: str) -> Finding:
    return Finding(
        code="tokenizer.repaired",
        severity="info",
        title=title,
        evidence=evidence,
        why="The folder's own setting does not suit its vocabulary.",
        remedy="Nothing to do. A repaired copy has the right setting.",
    )


def _read(folder: Path, config: Any, family: str = "", **settings: Any) -> Any:
    import transformers

    named = {"tokenizer_type": family} if family else {}
    try:
        return transformers.AutoTokenizer.from_pretrained(
            folder, config=config, local_files_only=True, trust_remote_code=False, **named, **settings
        )
    except BaseException as error:
        # The tokenizer library panics on some files with an exception that is not an Exception.
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        log.info("tokenizer refused", exc_info=True)
        raise CheckpointError(
            f"The tokenizer cannot be read ({first_line(error)})",
            value=folder.name,
            remedy="Save it again: `tokenizer.save_pretrained(folder)`.",
            code="tokenizer.unreadable",
        ) from error


def max_tokens(tokenizer: Any, config: Any) -> int:
    """The longest input: what positions and tokenizer allow, within reason."""
    positions = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    told = [limit for limit in (positions, getattr(tokenizer, "model_max_length", None)) if isinstance(limit, int)]
    if isinstance(positions, int) and config.model_type in _OFFSET_POSITIONS:
        # These count positions from the padding id on, so that two of them are never reached.
        told[0] -= (config.pad_token_id or 0) + 1
    limits = [limit for limit in told if 0 < limit < 10**6]
    return min([*limits, MAX_TOKENS]) if limits else DEFAULT_MAX_TOKENS


_OFFSET_POSITIONS = {
    "camembert",
    "data2vec-text",
    "longformer",
    "mpnet",
    "roberta",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
}
