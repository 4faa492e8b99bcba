"""The tokenizer that belongs to a model, or the reason why there is none."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from embedviz.checkpoints.request import Options
from embedviz.checkpoints.tokenizer_limits import FILES, check
from embedviz.errors import CheckpointError, first_line
from embedviz.records import Finding

log = logging.getLogger(__name__)

#: A model may say nothing about its longest input (relative positions); more than this is asked for on purpose only.
DEFAULT_MAX_TOKENS = 512
MAX_TOKENS = 8_192


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
        check(folder, config)
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


def _repaired(folder: Path, config: Any, repair: frozenset[str]) -> tuple[Any, list[Finding]]:
    family = str(getattr(config, "model_type", "")) if "tokenizer-class" in repair else ""
    tokenizer = read(folder, config, family)
    findings = []
    if family:
        findings.append(_done("The class of the tokenizer is that of the model's family", type(tokenizer).__name__))
    if "casing" in repair:
        lower = not getattr(tokenizer, "do_lower_case", True)
        tokenizer = read(folder, config, family, do_lower_case=lower)
        # A tokenizer.json has the casing of the tokenizer it was written from.
        set_casing(tokenizer, lower=lower)
        findings.append(_done("The casing of the texts was turned round", f"do_lower_case = {lower}"))
    return tokenizer, findings


def set_casing(tokenizer: Any, *, lower: bool) -> None:
    """Have a tokenizer of BERT's kind put texts into lower case, or keep their capitals; another kind is left alone."""
    normaliser: Any = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
    if hasattr(normaliser, "lowercase"):
        normaliser.lowercase = lower
        tokenizer.backend_tokenizer.normalizer = normaliser


def _done(title: str, evidence: str) -> Finding:
    return Finding(
        code="tokenizer.repaired",
        severity="info",
        title=title,
        evidence=evidence,
        why="The folder's own setting does not suit its vocabulary.",
        remedy="Nothing to do. A repaired copy has the right setting.",
    )


def read(folder: Path, config: Any, family: str = "", **settings: Any) -> Any:
    """The tokenizer in ``folder``, of the class that it names, else of ``family``'s or ``config``'s.

    Raises CheckpointError. Have ``tokenizer_limits.check`` look at the folder first.
    """
    named = {"tokenizer_type": family} if family else {}
    return _reading(folder, "AutoTokenizer", config=config, trust_remote_code=False, **named, **settings)


def read_at_its_word(folder: Path) -> Any:
    """The tokenizer that tokenizer.json in ``folder`` spells out, whatever models of any family have. As ``read``."""
    return _reading(folder, "PreTrainedTokenizerFast")


def _reading(folder: Path, kind: str, **settings: Any) -> Any:
    import transformers

    try:
        return getattr(transformers, kind).from_pretrained(folder, local_files_only=True, **settings)
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
