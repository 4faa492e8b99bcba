"""Tokenizers that are there without any file of a person's: each a way in which texts reach models, or fail to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedviz.errors import CheckpointError

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint


@dataclass(frozen=True)
class Ready:
    """A tokenizer to compare with. ``make`` gives it for a checkpoint; ``about`` is a sentence on what it is."""

    label: str
    about: str
    make: Callable[[Checkpoint], Any]


def _minilm(_checkpoint: Checkpoint) -> Any:
    from embedviz.checkpoints import bundled

    return bundled.tokenizer()


def _minilm_cased(checkpoint: Checkpoint) -> Any:
    from embedviz.checkpoints.tokenizer import set_casing

    tokenizer = _minilm(checkpoint)
    set_casing(tokenizer, lower=False)
    return tokenizer


def _bytes(_checkpoint: Checkpoint) -> Any:
    import transformers

    return transformers.ByT5Tokenizer()


def _characters(_checkpoint: Checkpoint) -> Any:
    import transformers

    return transformers.CanineTokenizer()


def _words(checkpoint: Checkpoint) -> Any:
    """The checkpoint's own vocabulary, normaliser and special tokens, with nothing that takes words to pieces."""
    import tokenizers
    import transformers

    own = checkpoint.tokenizer
    if own.unk_token is None:
        raise CheckpointError(
            "Whole words cannot be looked up: the checkpoint's tokenizer has no unknown token",
            value=checkpoint.name,
            remedy="Compare with another tokenizer.",
        )
    whole = tokenizers.Tokenizer(tokenizers.models.WordLevel(own.get_vocab(), unk_token=str(own.unk_token)))
    whole.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    own_parts = getattr(own, "backend_tokenizer", None)
    if own_parts is not None and own_parts.normalizer is not None:
        whole.normalizer = own_parts.normalizer
    if own_parts is not None and own_parts.post_processor is not None:
        whole.post_processor = own_parts.post_processor
    names = {name: str(token) for name, token in own.special_tokens_map.items() if isinstance(token, str)}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=whole, **names)


#: By name. What is added here is offered everywhere.
TOKENIZERS: dict[str, Ready] = {
    "minilm": Ready(
        "BERT's WordPiece",
        "The tokenizer of all-MiniLM-L6-v2: lower case, common words whole, rare ones in pieces.",
        _minilm,
    ),
    "minilm_cased": Ready(
        "BERT's WordPiece, capitals kept",
        "BERT's WordPiece without lower case: words with capitals or accents become unknown. A classic mistake.",
        _minilm_cased,
    ),
    "bytes": Ready(
        "Bytes",
        "Each byte of the text is a token, as ByT5 reads it: nothing is unknown, and the ids mean other words here.",
        _bytes,
    ),
    "characters": Ready(
        "Characters",
        "Each character is a token, and its code point the id, as CANINE reads it: beyond the table of most models.",
        _characters,
    ),
    "words": Ready(
        "Whole words",
        "Cut at spaces only, each word looked up in the checkpoint's own vocabulary: what is not there is unknown.",
        _words,
    ),
}
