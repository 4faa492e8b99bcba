"""Maps of several layers that can be laid side by side, because what moves between them has moved for a reason.

A map's axes mean nothing, and two maps of the very same vectors differ as much as those of two layers do: movement
between maps fitted one by one is noise. Hence one map of all layers at once, cut apart afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.projection import check_numbers, project, umap
from embedviz.projection.judge import judge
from embedviz.projection.linked import linked_graph, sketch
from embedviz.projection.method import Layout, Progress, close_matches
from embedviz.projection.movement import drift, faithfulness
from embedviz.projection.pca import components
from embedviz.projection.procrustes import turned
from embedviz.projection.space import Space, spaces
from embedviz.records import AlignedMaps, DoubleArray, Embeddings, Projection

#: Called with (phase, done, total) as the work goes on; raising in it stops the work.
Phases = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Alignment:
    """A way of bringing maps into one frame: its label and, in a sentence, why one would take it."""

    label: str
    why: str


ALIGNMENTS: dict[str, Alignment] = {
    "linked": Alignment(
        "Linked",
        "All layers are drawn at once, every instance tied to itself in the next layer, so an instance that moves has "
        "changed its neighbours.",
    ),
    "independent": Alignment(
        "Independent",
        "Every layer is drawn for itself, as faithfully as can be, then turned onto the one before; what moves between "
        "them is mostly chance.",
    ),
}


def aligned_maps(
    captured: Mapping[str, Embeddings],
    alignment: str = "linked",
    *,
    dimensions: int = 2,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    seed: int = 0,
    postprocessing: str = "centred",
    progress: Phases | None = None,
) -> AlignedMaps:
    """A map a layer, in the order of ``captured``, whose widths may differ; the same for the same seed.

    Each has its own trust, measured against that layer's vectors after ``postprocessing``. An instance without a
    direction in a layer (a zero vector) gets NaN there, and is left out of its average. A layer whose vectors are all
    the same lies in one place, and one with fewer than 15 instances is drawn by PCA; their notes say so.

    ``progress(phase, done, total)`` is called along the way; what it raises stops the work. Raises ProjectionError
    for layers of different instances, NaN or infinity, unknown names, and where there is nothing to draw.
    """
    check_alignment(alignment)
    check_numbers(dimensions, seed)
    settings = umap.METHOD.settle({"n_neighbors": n_neighbors, "min_dist": min_dist})
    layers = spaces(captured, postprocessing)
    say = progress or (lambda phase, done, total: None)
    many = {name: space for name, space in layers.items() if space.different > 2 and space.count >= umap.METHOD.minimum}
    maps: dict[str, Projection] = {}
    if alignment == "linked" and many:
        maps = _linked(many, dimensions, seed, settings, say)
    used = "linked" if maps else "independent"
    for number, (name, space) in enumerate(layers.items(), 1):
        if name not in maps:
            maps[name] = _alone(
                space, dimensions, seed, settings, _phase(say, f"drawing map {number} of {len(layers)}")
            )
    maps = _turned({name: maps[name] for name in layers}, set(many) if used == "linked" else set())
    drawn = {name: maps[name].coordinates.astype(np.float64) for name in many}
    return AlignedMaps(
        maps,
        used,
        drift(list(drawn.values())),
        faithfulness(list(drawn.values()), [space.centred for space in many.values()]),
        _note(layers, len(many)),
    )


def check_alignment(name: str) -> None:
    """ProjectionError for a name that is not in ``ALIGNMENTS``."""
    if name not in ALIGNMENTS:
        raise ProjectionError("There is no such way to align maps", value=name, remedy=close_matches(name, ALIGNMENTS))


def _phase(say: Phases, phase: str) -> Progress:
    return lambda done, total: say(phase, done, total)


def _linked(
    layers: Mapping[str, Space], dimensions: int, seed: int, settings: dict[str, Any], say: Phases
) -> dict[str, Projection]:
    """One map of the linked graph of all layers, cut apart."""
    units = [space.units for space in layers.values()]
    graph = linked_graph(
        units,
        [space.defined for space in layers.values()],
        settings["n_neighbors"],
        _phase(say, "finding neighbours"),
    )
    used = settings | {"n_neighbors": graph.indices.shape[1]}
    layout = umap.layout(
        sketch(units, graph.places, seed),
        (graph.indices, graph.distances),
        used,
        dimensions,
        seed,
        _phase(say, "drawing the maps"),
    )
    maps = {}
    for number, (name, space) in enumerate(layers.items()):
        say("measuring the maps", number, len(layers))
        part = Layout(layout.coordinates[graph.places[number][space.defined]], used, layout.note)
        maps[name] = judge(space.rows, space.defined, part, "umap", seed)
    say("measuring the maps", len(layers), len(layers))
    return maps


def _alone(space: Space, dimensions: int, seed: int, settings: dict[str, Any], progress: Progress) -> Projection:
    """The map of one layer by itself; that of one or two different vectors is a point or two."""
    progress(0, 1)
    if space.different > 2 or (space.different == 2 and space.count == 2):
        return project(space.rows, dimensions=dimensions, seed=seed, progress=progress, **settings)
    coordinates = np.full((len(space.rows), dimensions), np.nan, dtype=np.float32)
    coordinates[space.defined] = 0
    if space.different == 2:
        coordinates[space.defined] = components(space.units[space.defined], dimensions)[0]
    return Projection(coordinates, ("none", "point", "pca")[space.different], {}, int(seed), note=_why_flat(space))


def _why_flat(space: Space) -> str:
    zeros = len(space.rows) - space.count
    left_out = f" Left out: {zeros} of {len(space.rows)} vectors, which have length 0." if zeros else ""
    if space.different == 0:
        return "All vectors have length 0 and so no direction: there is nothing to draw."
    if space.count == 1:
        return "One instance: a single point says nothing." + left_out
    what = "are all the same" if space.different == 1 else "point in two directions only"
    where = "one place" if space.different == 1 else "two places"
    return f"The {space.count} vectors {what}, so all points lie in {where}." + left_out


def _turned(maps: Mapping[str, Projection], fixed: set[str]) -> dict[str, Projection]:
    """Each map turned onto the one before it; ``fixed`` ones share a frame already, and the first of them leads."""
    result: dict[str, Projection] = {}
    before: DoubleArray | None = next(
        (maps[name].coordinates.astype(np.float64) for name in maps if name in fixed), None
    )
    for name, drawn in maps.items():
        places = drawn.coordinates.astype(np.float64)
        if name not in fixed and before is not None and drawn.method in ("umap", "pca", "line"):
            # A line or PCA has a length that says something; UMAP's has none.
            places = turned(places, before, resize=drawn.method == "umap")
        result[name] = replace(drawn, coordinates=places.astype(np.float32))
        if drawn.method in ("umap", "pca", "line"):
            before = places
    return result


def _note(layers: Mapping[str, Space], drawn: int) -> str:
    few = sum(space.different > 2 and space.count < umap.METHOD.minimum for space in layers.values())
    flat = [name for name, space in layers.items() if space.different < 3 and space.count > 2]
    remarks = [
        f"Fewer than {umap.METHOD.minimum} instances: each map is drawn by itself and turned onto the one before."
        if few and not drawn
        else "",
        f"Not comparable, since their vectors do not differ: {', '.join(flat)}." if flat else "",
    ]
    return " ".join(remark for remark in remarks if remark)
