"""From settings to a story: capture through the depth, look for neighbours, draw, tell; each step kept."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from embedviz import __version__
from embedviz.depth import through_depth
from embedviz.errors import ProjectionError
from embedviz.figures.words import shorten
from embedviz.modalities.samples import load_sample
from embedviz.projection import METHODS
from embedviz.records import AlignedMaps, Embeddings, FloatArray, Instances, Neighbours, Projection
from embedviz.stories import Evidence, Other, Provenance, Seen, Story, StorySet, set_of, tell
from embedviz.stories.evidence import NEIGHBOURS
from embedviz.stories.samples import telling_of
from embedviz.stories.story import MOST_INSTANCES, NAME
from embedviz.ui.captures import capture_layers
from embedviz.ui.cost import capture_seconds, cost
from embedviz.ui.instance_choice import MINE
from embedviz.ui.jobs import Job
from embedviz.ui.pace import paces
from embedviz.ui.picture import draw
from embedviz.ui.settings import Settings
from embedviz.ui.store import store
from embedviz.ui.thumbnails import thumbnails
from embedviz.vectors import postprocess
from embedviz.workers.pool import pool
from embedviz.workers.wire import Arrays

#: Layers of the step about depth.
_LAYERS = 8
#: Bytes that a story is taken to hold.
_SIZE = 4_000_000


@dataclass(frozen=True, eq=False)
class Wanted:
    """What a story is to be told of: one layer's settings, those through the depth, out of ``total`` instances."""

    settings: Settings
    depth: tuple[Settings, ...]
    total: int

    @property
    def key(self) -> Hashable:
        instances = self.settings.instances
        depth = tuple(each.vectors_key for each in self.depth)
        columns = tuple((name, values) for name, values in instances.columns.items())
        return ("story", self.settings.map_key, depth, columns, instances.label, instances.name, self.total)

    @property
    def layers(self) -> tuple[Settings, ...]:
        """The chosen layer, then those through the depth."""
        return (self.settings, *self.depth)

    @property
    def size(self) -> int:
        """Bytes of all vectors."""
        found = [each.opened.layer(each.layer) for each in self.layers]
        return 4 * len(self.settings.instances) * sum(layer.width for layer in found if layer is not None)

    @property
    def seconds(self) -> float:
        """How long it will take, roughly."""
        count = len(self.settings.instances)
        captures = max((capture_seconds(each) for each in self.layers), default=0.0)
        return max(cost(self.settings)[0], captures) + count * len(self.depth) * paces["aligned"]


def wanted(settings: Settings) -> Wanted:
    """What the story of the sidebar's settings needs."""
    instances = of_others(some(settings.instances))
    flat = replace(settings, instances=instances, map=replace(settings.map, dimensions=2))
    paths = [each.path for each in through_depth(settings.opened.layers)]
    if len(paths) > _LAYERS:
        paths = [paths[place] for place in np.linspace(0, len(paths) - 1, _LAYERS).round().astype(int)]
    return Wanted(flat, tuple(flat.at(path) for path in paths), len(settings.instances))


def some(instances: Instances) -> Instances:
    """The instances, or as many as a story can show, drawn at random."""
    if len(instances) <= MOST_INSTANCES:
        return instances
    rows = np.sort(np.random.default_rng(0).choice(len(instances), MOST_INSTANCES, replace=False))
    return instances.only(rows.tolist())


def of_others(instances: Instances) -> Instances:
    """What a person has typed beside a set is of no kind: "yours" is no label that a story should speak of."""
    if instances.label is None:
        return instances
    labels = tuple(None if value == MINE else value for value in instances.columns[instances.label])
    return replace(instances, columns={**instances.columns, instances.label: labels})


def kept(want: Wanted) -> tuple[Story | None, bool]:
    """The story, if it is there; whether it is whole."""
    found: tuple[Story, bool] | None = store.get(want.key)
    return found or (None, False)


def make(want: Wanted, job: Job) -> None:
    """Make and keep the story: first with bars in place of the maps through the depth, which take longest."""
    settings = want.settings
    draw(settings, job)
    capture_layers(want.depth, job)
    others = {key: replace(settings, instances=load_sample(key)) for key in telling_of(settings.instances).others}
    capture_layers(list(others.values()), job)
    evidence = _evidence(want, job, others)
    store.put(want.key, (tell(evidence), len(want.depth) < 2), _SIZE)
    job.previews += 1
    if len(want.depth) > 1:
        maps, shares = _drawn(want, evidence, job)
        store.put(want.key, (tell(replace(evidence, maps=maps, map_shares=shares)), True), _SIZE)


def _evidence(want: Wanted, job: Job, others: dict[str, Settings]) -> Evidence:
    settings = want.settings
    drawn = store.get(settings.map_key)
    projection: Projection | None = drawn if isinstance(drawn, Projection) else None
    arrays: Arrays = {f"vectors.{number}": _raw(each).vectors for number, each in enumerate(want.layers)}
    if projection is not None:
        arrays["coordinates"] = projection.coordinates
    arguments = {"layers": len(want.layers), "k": NEIGHBOURS, "postprocessing": settings.postprocessing}
    value, found = pool().numbers("neighbourhoods", arguments, arrays, job.progress, job.stopped)
    titles = _titles(want)
    layers = [
        Seen(
            each.layer,
            titles[number],
            _vectors(each),
            Neighbours(found[f"indices.{number}"], found[f"cosines.{number}"]),
            value["crowding"][number],
            each.pooling,
        )
        for number, each in enumerate(want.layers)
    ]
    return Evidence(
        instances=settings.instances,
        shown=shown_of(settings.instances),
        total=want.total,
        layer=layers[0],
        depth=tuple(layers[1:]),
        source=provenance(settings, drawn=projection),
        projection=projection,
        shares=found.get("shares"),
        others={key: Other(each.instances, _vectors(each)) for key, each in others.items()},
    )


def _titles(want: Wanted) -> list[str]:
    """What people are told that the layers are called: their place among all those through the depth."""
    paths = [each.path for each in through_depth(want.settings.opened.layers)]

    def title(path: str) -> str:
        if path in paths:
            return f"layer {paths.index(path) + 1} of {len(paths)}"
        return f"the layer {path[-NAME:]}" if path else "the end of the model"

    return [title(each.layer) for each in want.layers]


def _drawn(want: Wanted, evidence: Evidence, job: Job) -> tuple[AlignedMaps | None, dict[str, FloatArray]]:
    """Maps of the layers through the depth in one frame; None where there can be none."""
    names = [each.title for each in evidence.depth]
    arguments = {
        "rows": names,
        "labels": None,
        "postprocessing": want.settings.postprocessing,
        "alignment": "linked",
        "seed": want.settings.map.seed,
    }
    arrays: Arrays = {f"rows.{number}": _raw(each).vectors for number, each in enumerate(want.depth)}
    arrays |= {f"neighbours.{number}": each.near.indices for number, each in enumerate(evidence.depth)}
    try:
        value, drawn = pool().numbers("aligned", arguments, arrays, job.progress, job.stopped)
    except ProjectionError:
        return None, {}  # the step keeps its bars, which say the same
    maps, shares = {}, {}
    for number, told in enumerate(value.pop("maps")):
        name = told.pop("name")
        maps[name] = Projection(coordinates=drawn[f"coordinates.{number}"], **told)
        shares[name] = drawn[f"shares.{number}"]
    return AlignedMaps(maps, **value), shares


def _raw(settings: Settings) -> Embeddings:
    found: Embeddings = store.get(settings.vectors_key)
    return found


def _vectors(settings: Settings) -> FloatArray:
    """The vectors after the post-processing."""
    return postprocess(_raw(settings), settings.postprocessing).vectors


def shown_of(instances: Instances) -> StorySet:
    """The instances as a story keeps them, pictures small."""
    uris = list(thumbnails(instances).values())
    pictures = [uri.partition(",")[2] for uri in uris]
    return set_of(instances, pictures if all(pictures) else ())


def provenance(settings: Settings, drawn: Projection | None = None, layers: Sequence[str] = ()) -> Provenance:
    """Which settings a step is from; ``layers`` are named in place of the one layer."""
    return Provenance(
        checkpoint=shorten(settings.opened.name, NAME),
        fingerprint=settings.opened.fingerprint,
        layer=settings.layer[:NAME],
        pooling=settings.pooling,
        postprocessing=settings.postprocessing,
        instances=shorten(settings.instances.name, NAME),
        count=len(settings.instances),
        prompt=settings.prompt,
        layers=shorten(", ".join(layers), NAME),
        drawn=_method(drawn) if drawn is not None else "",
        version=__version__,
    )


def _method(projection: Projection) -> str:
    name = METHODS[projection.method].label if projection.method in METHODS else projection.method
    return f"{name}, seed {projection.seed}"
