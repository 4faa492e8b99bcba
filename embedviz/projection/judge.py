"""What a method drew, as a record that says how far it can be trusted."""

from __future__ import annotations

import numpy as np

from embedviz.projection.method import Layout
from embedviz.projection.quality import WHY_NOT, measure
from embedviz.records import DoubleArray, Projection
from embedviz.vectors import BoolArray


def judge(vectors: DoubleArray, defined: BoolArray, layout: Layout, method: str, seed: int) -> Projection:
    """The projection of ``vectors`` (n, width), of which the ``defined`` ones have a place in ``layout``.

    The others get NaN, and are counted in the note.
    """
    coordinates = np.full((len(vectors), layout.coordinates.shape[1]), np.nan, dtype=np.float32)
    coordinates[defined] = layout.coordinates
    quality = measure(vectors, coordinates, seed=seed)
    zeros = len(vectors) - int(defined.sum())
    remarks = (
        layout.note,
        f"Left out: {zeros} of {len(vectors)} vectors, which have length 0 and so no direction." if zeros else "",
        WHY_NOT if quality.trust is None else "",
    )
    note = " ".join(remark for remark in remarks if remark)
    return Projection(coordinates, method, layout.parameters, int(seed), quality.trust, quality.kept, note)
