"""Post-processing: what can be done to embeddings before they are compared or drawn."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from embedviz.errors import EmbedvizError, ProjectionError
from embedviz.records import DoubleArray, Embeddings, FloatArray, as_vectors

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Postprocessing:
    """One way of changing embeddings: a label, one plain sentence, and the (n, width) float64 function."""

    name: str
    label: str
    sentence: str
    function: Callable[[DoubleArray], DoubleArray]


def unit_vectors(vectors: npt.ArrayLike) -> tuple[DoubleArray, BoolArray]:
    """Rows scaled to length 1 in float64, and which rows have a direction at all; a zero row stays zero.

    Each row is divided by its largest entry first, so that 1e20 does not overflow and 1e-30 does not vanish.
    """
    rows = np.asarray(vectors, dtype=np.float64)
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    defined = largest[:, 0] > 0
    scaled = np.divide(rows, largest, out=np.zeros_like(rows), where=largest > 0)
    lengths = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))[:, None]
    np.divide(scaled, lengths, out=scaled, where=lengths > 0)
    return scaled, defined


def _centred(rows: DoubleArray) -> DoubleArray:
    return rows - rows.mean(axis=0) if len(rows) else rows


def _standardised(rows: DoubleArray) -> DoubleArray:
    if not len(rows):
        return rows
    # A constant column's computed mean may miss its value by a rounding, which dividing by the deviation would blow up.
    varies = rows.max(axis=0) > rows.min(axis=0)
    centred = np.where(varies, rows - rows.mean(axis=0), 0.0)
    np.divide(centred, centred.std(axis=0), out=centred, where=varies)
    return centred


POSTPROCESSING: dict[str, Postprocessing] = {
    "none": Postprocessing("none", "As captured", "The vectors exactly as the layer gave them.", lambda rows: rows),
    "l2": Postprocessing(
        "l2",
        "Length 1",
        "Scales every vector to length 1, so that only its direction counts; cosines stay the same.",
        lambda rows: unit_vectors(rows)[0],
    ),
    "centred": Postprocessing(
        "centred",
        "Centred",
        "Takes away what all instances have in common (their average), so that differences stand out.",
        _centred,
    ),
    "standardised": Postprocessing(
        "standardised",
        "Standardised",
        "Centres, then gives every dimension the same spread, so that no single dimension drowns the others.",
        _standardised,
    ),
}


def postprocess(embeddings: Embeddings, name: str) -> Embeddings:
    """Embeddings after the post-processing called ``name``; a second one is recorded as "centred + l2".

    Arithmetic is float64, the result float32. Raises EmbedvizError for a name that is not in ``POSTPROCESSING`` and
    ProjectionError for vectors with NaN or infinity.
    """
    chosen = find_postprocessing(name)
    if name == "none":
        return embeddings
    check_finite(embeddings)
    rows = chosen.function(embeddings.vectors.astype(np.float64))
    earlier = embeddings.postprocessing
    return replace(
        embeddings,
        vectors=rows.astype(np.float32),
        postprocessing=name if earlier == "none" else f"{earlier} + {name}",
        notes=(*embeddings.notes, *zero_note(int((~rows.any(axis=1)).sum()), len(rows))),
    )


def find_postprocessing(name: str) -> Postprocessing:
    """The post-processing called ``name``; EmbedvizError with the closest names if there is none."""
    if name not in POSTPROCESSING:
        close = difflib.get_close_matches(str(name), POSTPROCESSING, n=3, cutoff=0.5) or list(POSTPROCESSING)
        raise EmbedvizError(
            "There is no such post-processing", value=name, remedy=f"Choose one of: {', '.join(close)}."
        )
    return POSTPROCESSING[name]


def zero_note(zeros: int, total: int) -> tuple[str, ...]:
    """A sentence about vectors of length 0, which have no direction and so no cosine."""
    if not zeros:
        return ()
    return (f"{zeros} of {total} vectors have length 0: they have no direction, so their cosines are undefined.",)


def check_finite(embeddings: Embeddings | npt.ArrayLike) -> FloatArray:
    """The (instances, width) vectors; ProjectionError if they are no such table or hold NaN or infinity."""
    vectors = as_vectors(embeddings)
    if vectors.ndim != 2 or not np.issubdtype(vectors.dtype, np.number):
        raise ProjectionError(
            "Embeddings must be a table of numbers, one row an instance",
            value=f"shape {vectors.shape}, {vectors.dtype}",
            remedy="Choose a pooling that gives one vector an instance.",
        )
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(broken):
        ids = embeddings.ids if isinstance(embeddings, Embeddings) else None
        first = ", ".join(str(ids[row] if ids else row) for row in broken[:5])
        raise ProjectionError(
            f"{len(broken)} of {len(vectors)} vectors hold NaN or infinity",
            value=first + (", …" if len(broken) > 5 else ""),
            remedy="Leave these instances out, or choose another layer: the model overflowed on them.",
        )
    return vectors
