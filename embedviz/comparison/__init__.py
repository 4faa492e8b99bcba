"""Layers over the same instances, compared: how alike they are, and what changes over depth.

To add a measure or a curve: one file that ends in a ``MEASURE`` or a ``CURVE``, and one line below.
"""

from __future__ import annotations

from collections.abc import Mapping

from embedviz.comparison import (
    cka,
    crowding,
    hubness,
    intrinsic_dimension,
    mutual_neighbours,
    participation,
    probe,
    purity,
    rsa,
    silhouette,
)
from embedviz.comparison.agreements import agreement
from embedviz.comparison.curve_kind import CurveKind
from embedviz.comparison.curves import curve
from embedviz.comparison.evidence import evidence
from embedviz.comparison.labels import labels_of
from embedviz.comparison.measure import Measure, Settings
from embedviz.comparison.movers import moved, movers
from embedviz.comparison.progress import Stages
from embedviz.comparison.view import View, check_same_instances, fitting
from embedviz.errors import ProjectionError
from embedviz.projection.method import Progress
from embedviz.records import Comparison, Embeddings

__all__ = ["CURVES", "MEASURES", "CurveKind", "Measure", "compare", "moved", "movers"]

MEASURES: dict[str, Measure] = {
    "mutual_neighbours": mutual_neighbours.MEASURE,
    "cka": cka.MEASURE,
    "rsa": rsa.MEASURE,
}

CURVES: dict[str, CurveKind] = {
    "crowding": crowding.CURVE,
    "purity": purity.CURVE,
    "silhouette": silhouette.CURVE,
    "probe": probe.CURVE,
    "participation_ratio": participation.CURVE,
    "intrinsic_dimension": intrinsic_dimension.CURVE,
    "hubness": hubness.CURVE,
}


def compare(
    captured: Mapping[str, Embeddings],
    other: Mapping[str, Embeddings] | None = None,
    *,
    postprocessing: str = "centred",
    k: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """How alike the layers ``captured`` are, with each other or with those of an ``other`` model, and their curves.

    Both are by name, in the order of depth, over the same instances; widths may differ. Labels come with the
    embeddings. All numbers but crowding are of the vectors after ``postprocessing``. ``k`` neighbours are looked at,
    fewer than half of the others where there are few. The same seed gives the same numbers.

    A layer that gives the same vector for every instance has NaN, and a note says so; zero vectors are left out of
    what their layer is part of. ``progress(done, total)`` is called along the way; what it raises stops the work.
    Raises ProjectionError for no layers, other instances, NaN or infinity, and ``k`` below 1.
    """
    if not captured or (other is not None and not other):
        raise ProjectionError("There is no layer to compare", remedy="Capture one or more layers.")
    check_same_instances({**captured, **{f"{name} (other model)": each for name, each in (other or {}).items()}})
    rows, columns = tuple(captured), tuple(captured if other is None else other)
    views = [View.of(name, embeddings, postprocessing) for name, embeddings in captured.items()]
    others = [View.of(name, embeddings, postprocessing) for name, embeddings in (other or {}).items()]
    settings, n = Settings(k, seed), len(views[0].raw)
    fitting(k, n)
    codes = labels_of([*captured.values(), *(other or {}).values()])
    stages = Stages(progress, len(MEASURES) + len(CURVES) * (2 if others else 1))
    agreements = {
        name: agreement(measure, [*views, *others], len(views), settings, stages.next())
        for name, measure in MEASURES.items()
    }
    curves = {name: curve(kind, views, codes, settings, stages.next()) for name, kind in CURVES.items()}
    other_curves = (
        {name: curve(kind, others, codes, settings, stages.next()) for name, kind in CURVES.items()} if others else {}
    )
    stages.finish()
    best, said = evidence(rows, curves, {} if others else agreements)
    return Comparison(rows, columns, n, agreements, curves, other_curves, best, said)
