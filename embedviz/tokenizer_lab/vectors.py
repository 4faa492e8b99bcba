"""What one model makes of the tokens of two tokenizers, and how far that is apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedviz.capture import Progress, capture
from embedviz.records import DoubleArray, FloatArray, TokenizedText
from embedviz.tokenizer_lab.tokens import Listed
from embedviz.vectors import BoolArray, unit_vectors

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint


@dataclass(frozen=True)
class How:
    """What is captured of which texts; as for ``capture``."""

    texts: Sequence[str]
    layer: str
    pooling: str
    insist: bool
    prompt: str | None
    device: str
    progress: Progress | None


def captured(
    own: Checkpoint, own_listed: Listed, other: Checkpoint, other_listed: Listed, how: How
) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """The (texts, width) vectors by both, NaN for a text that the model cannot be given, and what was noticed."""
    one, noticed = _vectors(own, own_listed, how, 0)
    two, noticed_too = _vectors(other, other_listed, how, len(how.texts))
    # Where none of the texts could be given, the width is that of the other side.
    width = max(one.shape[1], two.shape[1])
    one, two = (rows if rows.shape[1] else np.full((len(rows), width), np.nan, np.float32) for rows in (one, two))
    return one, two, tuple(dict.fromkeys(noticed + noticed_too))


def _vectors(checkpoint: Checkpoint, listed: Listed, how: How, done: int) -> tuple[FloatArray, tuple[str, ...]]:
    def count(some: int, _total: int) -> None:
        if how.progress is not None:
            how.progress(done + some, 2 * len(how.texts))

    usable = [place for place, why in enumerate(listed.why_not) if not why]
    if not usable:
        return np.full((len(how.texts), 0), np.nan, np.float32), ()
    texts = [how.texts[place] for place in usable]
    found = capture(
        checkpoint,
        texts,
        [how.layer],
        how.pooling,
        insist=how.insist,
        progress=count,
        prompt=how.prompt,
        device=how.device,
    )[how.layer]
    rows = np.full((len(how.texts), found.vectors.shape[1]), np.nan, np.float32)
    rows[usable] = found.vectors
    return rows, found.notes


def compared(
    texts: Sequence[str], own: Listed, other: Listed, own_vectors: FloatArray, other_vectors: FloatArray
) -> tuple[TokenizedText, ...]:
    cosines, defined = _cosines(own_vectors, other_vectors)
    compared = []
    for place, text in enumerate(texts):
        whys = [(own.why_not[place], "The checkpoint's own tokenizer"), (other.why_not[place], "This tokenizer")]
        why = "; ".join(f"{whose}: {told}" for told, whose in whys if told)
        if not why and not defined[place]:
            why = "One of the two vectors has no direction, or values that are not finite"
        one, two = own.ids(place), other.ids(place)
        same = sum(a == b for a, b in zip(one, two, strict=False)) / max(1, len(one), len(two))
        cosine = None if why else float(cosines[place])
        compared.append(TokenizedText(text, own.tokens[place], other.tokens[place], same, cosine, why))
    return tuple(compared)


def _cosines(one: FloatArray, other: FloatArray) -> tuple[DoubleArray, BoolArray]:
    """The cosine of each row to the same row of the other, and whether it is one."""
    finite = np.asarray(np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1))
    units, directed = unit_vectors(np.where(finite[:, None], one, 0.0))
    others, directed_too = unit_vectors(np.where(finite[:, None], other, 0.0))
    return (units * others).sum(axis=1), finite & directed & directed_too


def different(texts: Sequence[str], vectors: FloatArray) -> float | None:
    """The mean cosine of two different texts; None where there are no two."""
    first = [texts.index(text) for text in dict.fromkeys(texts)]
    rows = vectors[first]
    finite = np.asarray(np.isfinite(rows).all(axis=1))
    units, directed = unit_vectors(rows[finite])
    units = units[directed]
    count = len(units)
    if count < 2:
        return None
    return float(((units.sum(axis=0) ** 2).sum() - count) / (count * (count - 1)))
