"""The built-in inputs: eight unrelated English sentences, or ordinary tokens of a vocabulary that holds no English."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from embedviz.modalities.text import Tokenised

#: Unrelated to each other, of very different length, with capital letters inside and at the start.
SENTENCES = (
    "Snow fell.",
    "Bread needs flour and water.",
    "Paris and London are large cities in Europe.",
    "A virus can only multiply inside a living cell.",
    "She repaired the old bicycle with her brother on Sunday.",
    "Interest rates rose again, so fewer people are buying houses this year.",
    "The orchestra played the second movement far more slowly than anyone in the hall had expected.",
    "To cook an egg, lower it into boiling water with a spoon, wait eight minutes, and cool it before you peel it.",
)

#: Among the commonest English words; any vocabulary that was made from English text has most of them as tokens.
_COMMON = ("the", "and", "of", "to", "in", "is", "was", "for", "with", "that", "from", "have")
#: How vocabularies spell a word that follows a space: WordPiece, byte-level BPE, SentencePiece, older BPE.
_SPELLINGS = ("{}", "Ġ{}", "▁{}", "{}</w>")

#: Lengths of the rows that are made of a vocabulary's tokens.
_LENGTHS = (3, 5, 8, 9, 12, 15, 20, 32)


def holds_english(vocabulary: Collection[str]) -> bool:
    """Whether most of the commonest English words are tokens of ``vocabulary``."""
    known = sum(any(spelling.format(word) in vocabulary for spelling in _SPELLINGS) for word in _COMMON)
    return known >= len(_COMMON) / 2


def from_vocabulary(ordinary: Sequence[int], before: Sequence[int], after: Sequence[int], longest: int) -> Tokenised:
    """Rows of ``ordinary`` ids, spread over the vocabulary, between the special tokens that stand around a text."""
    ids = _spread(ordinary)
    lengths = [min(length, max(1, longest - len(before) - len(after))) for length in _LENGTHS]
    rows = [[*before, *(next(ids) for _ in range(length)), *after] for length in lengths]
    return Tokenised({"input_ids": rows}, np.zeros(len(rows), dtype=np.int64))


def _spread(ordinary: Sequence[int]) -> Iterator[int]:
    """All of ``ordinary`` again and again, in steps of about the golden ratio, so that near ones are far apart."""
    step = max(1, round(len(ordinary) * 0.618))
    while len(ordinary) > 1 and np.gcd(step, len(ordinary)) != 1:
        step += 1
    place = 0
    while True:
        yield ordinary[place]
        place = (place + step) % len(ordinary)
