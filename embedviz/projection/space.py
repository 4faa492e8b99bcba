"""A layer's vectors, made ready to be drawn beside those of other layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.projection.few import distinct
from embedviz.records import DoubleArray, Embeddings
from embedviz.vectors import BoolArray, check_finite, find_postprocessing, unit_vectors


@dataclass(frozen=True, eq=False)
class Space:
    """One layer: ``rows`` (instances, width) after post-processing, ``units`` the same at length 1, ``centred`` unit
    vectors centred whatever the post-processing, and which instances are ``defined``.

    ``different`` counts the different directions up to three; 1 where all vectors are the same, rounding apart.
    """

    rows: DoubleArray
    units: DoubleArray
    centred: DoubleArray
    defined: BoolArray
    different: int

    @property
    def count(self) -> int:
        return int(self.defined.sum())


def spaces(captured: Mapping[str, Embeddings], postprocessing: str) -> dict[str, Space]:
    """Every layer's space; ProjectionError unless all are over the same instances, one at least."""
    if not captured:
        raise ProjectionError("There is nothing to draw", remedy="Give the embeddings of one layer or more.")
    first = next(iter(captured))
    for name, embeddings in captured.items():
        if len(embeddings) != len(captured[first]) or embeddings.ids != captured[first].ids:
            raise ProjectionError(
                "Maps can be laid side by side of the same instances only",
                value=f"{first} has {len(captured[first])}, {name} has {len(embeddings)} or others",
                remedy="Capture all layers of the same instances, in the same order.",
            )
    made = {name: _space(embeddings, postprocessing) for name, embeddings in captured.items()}
    if not any(space.count for space in made.values()):
        raise ProjectionError(
            "There is nothing to draw", remedy="Give at least one instance whose vector is not all zeros."
        )
    return made


def _space(embeddings: Embeddings, postprocessing: str) -> Space:
    raw = check_finite(embeddings).astype(np.float64)
    defined = unit_vectors(raw)[1]
    if distinct(raw[defined]) <= 1:
        # Centred, nothing would be left of them but rounding, which is no direction.
        still = np.zeros_like(raw)
        return Space(still, still, still, defined, int(defined.any()))
    rows, centred = np.zeros_like(raw), np.zeros_like(raw)
    rows[defined] = find_postprocessing(postprocessing).function(raw[defined])
    centred[defined] = find_postprocessing("centred").function(raw[defined])
    units, pointing = unit_vectors(rows)
    return Space(rows, units, unit_vectors(centred)[0], pointing, distinct(units[pointing]))
