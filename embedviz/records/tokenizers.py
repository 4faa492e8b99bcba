"""Two tokenizers over the same texts, and what one model makes of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from embedviz.records.arrays import FloatArray
from embedviz.records.finding import Finding


@dataclass(frozen=True)
class Token:
    """One token. ``span`` is from where to where in the text it stands for letters.

    It is None where it stands for none, or where the tokenizer does not tell. ``special``: put around the text, or
    spelled out in it. ``out_of_range``: the model has no vector for its id. ``cut``: beyond the longest input, so that
    the model is not given it.
    """

    id: int
    text: str
    span: tuple[int, int] | None = None
    special: bool = False
    unknown: bool = False
    out_of_range: bool = False
    cut: bool = False

    def as_json(self) -> list[Any]:
        """Its id, its text, its span and those of the flags that are true of it: tokens are many."""
        return [self.id, self.text, self.span, [name for name in _FLAGS if getattr(self, name)]]

    @classmethod
    def from_json(cls, values: Sequence[Any]) -> Token:
        """The token behind ``as_json``'s values."""
        number, text, span, flags = values
        where = None if span is None else (int(span[0]), int(span[1]))
        return cls(int(number), str(text), where, **{name: name in flags for name in _FLAGS})


_FLAGS = ("special", "unknown", "out_of_range", "cut")


@dataclass(frozen=True)
class TokenizerTotals:
    """One tokenizer, and its tokens of all texts together, as the model is given them.

    ``about`` is a sentence on what it is, ``kind`` its class. ``normalisation`` says what is done to a text before it
    is cut up: "lower case", "accents removed". ``vocabulary`` is how many tokens it knows, ``cut`` how many did not
    fit, ``highest_id`` the highest that it gave.
    """

    name: str
    about: str
    kind: str
    normalisation: tuple[str, ...]
    vocabulary: int
    tokens: int
    special: int
    unknown: int
    out_of_range: int
    cut: int
    highest_id: int
    words: int

    @property
    def ordinary(self) -> int:
        """Tokens that stand for text, unknown ones among them."""
        return self.tokens - self.special

    @property
    def unknown_share(self) -> float:
        """The share of unknown tokens among those that stand for text."""
        return self.unknown / max(1, self.ordinary)

    @property
    def tokens_per_word(self) -> float:
        """About 1.3 for a vocabulary of the language; words are what stands between spaces."""
        return (self.ordinary + self.cut) / max(1, self.words)


@dataclass(frozen=True)
class TokenizedText:
    """A text, as both tokenizers were given it, and its tokens by the checkpoint's ``own`` and by the ``other``.

    Of tokens that were cut off only the first few are listed. ``same_ids``: the share of positions, of those of the
    longer one, at which both give the same id. ``cosine`` is that of the two embeddings; None for the reason in
    ``why_not``.
    """

    text: str
    own: tuple[Token, ...]
    other: tuple[Token, ...]
    same_ids: float
    cosine: float | None = None
    why_not: str = ""


@dataclass(frozen=True, eq=False)
class TokenizerComparison:
    """The same texts through two tokenizers and one model.

    ``rows`` is how many tokens the model has a vector for (None: it does not say), ``different`` the mean cosine of
    different texts by the checkpoint's own tokenizer (None with one text), ``reading`` what all this shows, in a
    sentence, ``findings`` what the doctor says of the checkpoint's own tokenizer. ``own_vectors`` and
    ``other_vectors`` are (texts, width) float32, NaN for a text that cannot be given to the model. ``notes`` are what
    was noticed while the model ran.
    """

    texts: tuple[TokenizedText, ...]
    own: TokenizerTotals
    other: TokenizerTotals
    rows: int | None
    layer: str
    pooling: str
    different: float | None
    reading: str
    findings: tuple[Finding, ...]
    own_vectors: FloatArray
    other_vectors: FloatArray
    notes: tuple[str, ...] = ()

    @property
    def cosine(self) -> float | None:
        """The mean of the texts' cosines; None where none has one."""
        known = [each.cosine for each in self.texts if each.cosine is not None]
        return sum(known) / len(known) if known else None

    def as_json(self) -> dict[str, Any]:
        """JSON values of all but the vectors."""
        told = {name: getattr(self, name) for name in ("rows", "layer", "pooling", "different", "reading")}
        told |= {"own": asdict(self.own), "other": asdict(self.other)}
        told["texts"] = [_told(each) for each in self.texts]
        told["notes"] = list(self.notes)
        told["findings"] = [asdict(each) for each in self.findings]
        return told

    @classmethod
    def from_json(cls, values: Mapping[str, Any], vectors: Mapping[str, Any]) -> TokenizerComparison:
        """The comparison behind ``as_json``'s values, with the arrays "own" and "other"."""
        plain = {name: values[name] for name in ("rows", "layer", "pooling", "different", "reading")}
        return cls(
            **plain,
            texts=tuple(_text(each) for each in values["texts"]),
            own=_totals(values["own"]),
            other=_totals(values["other"]),
            findings=tuple(Finding(**each) for each in values["findings"]),
            own_vectors=np.asarray(vectors["own"]),
            other_vectors=np.asarray(vectors["other"]),
            notes=tuple(values["notes"]),
        )


def _totals(values: Mapping[str, Any]) -> TokenizerTotals:
    return TokenizerTotals(**{**values, "normalisation": tuple(values["normalisation"])})


def _told(text: TokenizedText) -> dict[str, Any]:
    tokens = {side: [each.as_json() for each in listed] for side, listed in (("own", text.own), ("other", text.other))}
    return {"text": text.text, **tokens, "same_ids": text.same_ids, "cosine": text.cosine, "why_not": text.why_not}


def _text(values: Mapping[str, Any]) -> TokenizedText:
    tokens = {side: tuple(Token.from_json(each) for each in values[side]) for side in ("own", "other")}
    return TokenizedText(**{**values, **tokens})
