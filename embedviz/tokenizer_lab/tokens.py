"""The tokens that a tokenizer makes of texts, each with what is to be known of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedviz.modalities.text import Tokenised, encode, type_rows, vocabulary_rows
from embedviz.records import Token, TokenizerTotals

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint

#: Of the tokens that do not fit so many are listed.
_LISTED = 50


@dataclass(frozen=True)
class Listed:
    """The tokens of each text, with the first of those cut off, and why the model cannot be given it ("": it can)."""

    tokens: list[tuple[Token, ...]]
    tokenised: Tokenised
    why_not: list[str]

    def ids(self, place: int) -> list[int]:
        """What the model is given of a text."""
        return self.tokenised.features["input_ids"][place]


def list_tokens(checkpoint: Checkpoint, given: Sequence[str]) -> Listed:
    """What the checkpoint's tokenizer makes of texts as it is given them. CaptureError where it fails on them."""
    tokenizer, longest = checkpoint.tokenizer, checkpoint.max_tokens
    tokenised = encode(checkpoint, given)
    more = tokenizer(
        list(given),
        truncation=True,
        max_length=longest + _LISTED,
        verbose=False,
        return_special_tokens_mask=True,
        return_offsets_mapping=bool(getattr(tokenizer, "is_fast", False)),
    )
    rows, specials = vocabulary_rows(checkpoint), special_ids(tokenizer)
    tokens = []
    for place, kept in enumerate(tokenised.features["input_ids"]):
        whole = list(more["input_ids"][place])
        spans = more["offset_mapping"][place] if "offset_mapping" in more else [(0, 0)] * len(whole)
        cut, around = _cut(whole, kept), more["special_tokens_mask"][place]
        names = tokenizer.convert_ids_to_tokens(whole)
        tokens.append(
            tuple(
                Token(
                    id=int(number),
                    text=str(names[at] if names[at] is not None else ""),
                    span=(int(spans[at][0]), int(spans[at][1])) if spans[at][0] < spans[at][1] else None,
                    special=bool(around[at]) or (number in specials and number != tokenizer.unk_token_id),
                    unknown=number == tokenizer.unk_token_id and not around[at],
                    out_of_range=rows is not None and not 0 <= number < rows,
                    cut=at in cut,
                )
                for at, number in enumerate(whole)
            )
        )
    return Listed(tokens, tokenised, _why_not(checkpoint, tokenised, rows))


def _cut(whole: list[int], kept: list[int]) -> range:
    """Which places of ``whole`` are not in ``kept``: one stretch, before the special tokens at the end."""
    before = 0
    while before < min(len(whole), len(kept)) and whole[before] == kept[before]:
        before += 1
    return range(before, len(whole) - (len(kept) - before))


def special_ids(tokenizer: Any) -> set[int]:
    """Ids of the special tokens: those that have a name, and those that were added as special."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    return {*tokenizer.all_special_ids, *(number for number, token in added.items() if token.special)}


def _why_not(checkpoint: Checkpoint, tokenised: Tokenised, rows: int | None) -> list[str]:
    types = type_rows(checkpoint)
    kinds = tokenised.features.get("token_type_ids", [[]] * len(tokenised.lengths))
    told = []
    for ids, kind in zip(tokenised.features["input_ids"], kinds, strict=True):
        wrong = [number for number in ids if rows is not None and not 0 <= number < rows]
        if not ids:
            told.append("it makes no token of this text")
        elif wrong:
            some = "1 id is" if len(wrong) == 1 else f"{len(wrong):,} ids are"
            told.append(f"{some} out of range: up to {max(wrong):,}, and the model's end at {(rows or 0) - 1:,}")
        elif types is not None and max(kind, default=0) >= types:
            told.append(f"it gives token type {max(kind)}, and the model knows {types}")
        else:
            told.append("")
    return told


def totals(name: str, about: str, tokenizer: Any, listed: Listed, words: int) -> TokenizerTotals:
    """One tokenizer's tokens of all texts together."""
    given = [token for tokens in listed.tokens for token in tokens if not token.cut]
    return TokenizerTotals(
        name=name,
        about=about,
        kind=type(tokenizer).__name__,
        normalisation=normalisation(tokenizer),
        vocabulary=len(tokenizer),
        tokens=len(given),
        special=sum(token.special for token in given),
        unknown=sum(token.unknown for token in given),
        out_of_range=sum(token.out_of_range for token in given),
        cut=int(listed.tokenised.cut.sum()),
        highest_id=max((token.id for token in given), default=-1),
        words=words,
    )


def normalisation(tokenizer: Any) -> tuple[str, ...]:
    """What a tokenizer does to a text before it cuts it up, in words; empty where it does nothing."""
    normaliser = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
    if normaliser is None:
        return ("lower case",) if getattr(tokenizer, "do_lower_case", False) else ()
    done = []
    if normaliser.normalize_str("AB") == "ab":
        done.append("lower case")
    if normaliser.normalize_str("é").casefold() == "e":
        done.append("accents removed")
    told = json.loads(normaliser.__getstate__())
    steps = told.get("normalizers", [told]) if isinstance(told, dict) else []
    done += [step["type"] for step in steps if str(step.get("type")) in ("NFC", "NFD", "NFKC", "NFKD")]
    return tuple(done)
