"""What a comparison of tokenizers shows, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from embedviz.records import TokenizedText, TokenizerTotals

#: From these mean cosines on two sets of vectors are the same but for rounding, or hardly differ.
_SAME, _NEAR = 0.9999, 0.98


def reading(
    texts: Sequence[TokenizedText],
    own: TokenizerTotals,
    other: TokenizerTotals,
    rows: int | None,
    different: float | None,
) -> str:
    """The mismatch in plain words: what is unknown, what cannot be given to the model, and where the vectors point."""
    known = [text.cosine for text in texts if text.cosine is not None]
    same = all(text.same_ids == 1 for text in texts)
    if same and min(known, default=0) >= _SAME:
        return "Both give the same ids for these texts, so that the model gives the same vectors."
    parts = ["Both give the same ids for these texts"] if same else [_unknown(own, other)]
    if other.unknown and not any(text.same_ids for text in texts):
        parts.append("none of the ids is the same, so what is known is taken for other words")
    if other.out_of_range and rows is not None:
        lost = _of(len(texts) - len(known), len(texts), "text") if len(texts) > 1 else "the text"
        parts.append(
            f"{_of(other.out_of_range, other.tokens)} have ids that the model has no vector for (up to "
            f"{other.highest_id:,}; its own end at {rows - 1:,}), so that the model cannot be given {lost}"
        )
    if known:
        parts.append(_vectors(sum(known) / len(known), different))
    return "; ".join(parts) + "."


def _unknown(own: TokenizerTotals, other: TokenizerTotals) -> str:
    if not own.unknown and not other.unknown:
        counts = f"{other.tokens:,} tokens in place of {own.tokens:,}"
        return f"With this tokenizer no token is unknown, but the ids are others ({counts})"
    here, there = _of(other.unknown, other.ordinary), f"{own.unknown:,} of {own.ordinary:,}"
    are = "is" if other.unknown == 1 else "are"
    return f"With this tokenizer {here} {are} unknown, with the checkpoint's own {there}"


def _of(number: int, total: int, noun: str = "token") -> str:
    return f"{number:,} of {total:,} {noun}" + ("" if total == 1 else "s")


def _vectors(cosine: float, different: float | None) -> str:
    beside = "" if different is None else f", where two different texts have {different:.2f}"
    if cosine >= _SAME:
        return "the vectors stay the same"
    if cosine >= _NEAR:
        return f"the vectors hardly move: cosine {cosine:.2f}{beside}"
    # A model may crowd all its vectors, so that what is far is told by how far different texts are.
    far = different is None or cosine < (1 + different) / 2
    return f"the vectors {'point elsewhere' if far else 'move'}: cosine {cosine:.2f}{beside}"
