"""One vector a token, in place of one an instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from embedviz.records.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class TokenVectors:
    """The vectors of every real token of some instances, the instances one after the other.

    ``vectors`` are (tokens, width) float32 by layer. ``instance``, ``position`` and ``token`` are (tokens,): which
    instance it is of, at which place of it, from 0, and its id in the vocabulary. ``cut`` counts the tokens of each
    instance that did not fit the model.
    """

    vectors: Mapping[str, FloatArray]
    instance: IntArray
    position: IntArray
    token: IntArray
    cut: IntArray

    def __len__(self) -> int:
        return len(self.instance)
