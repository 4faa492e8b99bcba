"""From settings to what a page shows: open, capture, compare, draw, each step kept for the next picture."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from embedviz.pooling import AS_TRAINED, POOLINGS
from embedviz.projection import METHODS
from embedviz.records import Embeddings, Finding, FloatArray, Instances, IntArray, Layer, Projection
from embedviz.ui.jobs import Job
from embedviz.ui.store import store
from embedviz.workers.pool import Source, pool

#: Neighbours kept of each instance.
NEIGHBOURS = 30
#: Up to so many bytes, all blocks and poolings are captured in the first pass, since they cost next to nothing then.
_AHEAD = 96_000_000
#: How many captures of a checkpoint are remembered, for the rows that the next one shares with them.
_CAPTURES = 4
#: Above so many instances a map in two steps (PCA first) is worth the flicker.
_MANY = 1_500
#: Up to so many seconds, a change is drawn at once instead of on a press of a button. It can be cancelled, and the next
#: change replaces it; a machine that takes longer than this for a hundred short texts is rare.
_QUICK = 8.0


@dataclass(frozen=True)
class Opened:
    """What the app knows of an opened checkpoint."""

    source: Source
    name: str
    text: str
    format: str
    fingerprint: str
    max_tokens: int
    recipe: str
    untold: str
    recommended: str
    layers: tuple[Layer, ...]
    findings: tuple[Finding, ...]
    unreadable: str
    assumptions: tuple[dict[str, Any], ...]

    def layer(self, path: str) -> Layer | None:
        return next((layer for layer in self.layers if layer.path == path), None)

    @property
    def capturable(self) -> list[Layer]:
        return [layer for layer in self.layers if layer.capturable]

    @property
    def identity(self) -> Hashable:
        """Its content and its owner: what one session's worker made is never shown to another session."""
        return (self.source.owner, self.fingerprint)

    @property
    def poolings(self) -> list[str]:
        return [name for name in POOLINGS if name != AS_TRAINED or self.recipe]


@dataclass(frozen=True)
class MapSettings:
    """How a map is drawn."""

    method: str = "umap"
    dimensions: int = 2
    seed: int = 0
    parameters: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, eq=False)
class Settings:
    """Everything a picture depends on."""

    opened: Opened
    layer: str
    pooling: str
    postprocessing: str
    instances: Instances
    map: MapSettings = MapSettings()

    @property
    def vectors_key(self) -> Hashable:
        return ("vectors", self.opened.identity, self.instances.fingerprint, self.layer, self.pooling)

    @property
    def map_key(self) -> Hashable:
        return ("map", self.vectors_key, self.postprocessing, self.map)

    @property
    def pca(self) -> Settings:
        return replace(self, map=MapSettings("pca", self.map.dimensions, self.map.seed))

    def similarity_key(self, postprocessing: str) -> Hashable:
        return ("similarity", self.vectors_key, postprocessing)

    @property
    def compared(self) -> tuple[str, ...]:
        """The post-processings whose cosines the tables show."""
        return tuple(dict.fromkeys(("none", "centred", self.postprocessing.replace("l2", "none"))))


@dataclass(frozen=True, eq=False)
class Similarity:
    """Who is similar to whom: (instances, k) neighbours, the extreme pairs, and the mean cosine of all pairs."""

    indices: IntArray
    cosines: FloatArray
    most: tuple[IntArray, FloatArray]
    least: tuple[IntArray, FloatArray]
    crowding: float | None
    undefined: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Picture:
    """What a page shows, and the settings it was made under. ``preview``: a first map while the wanted one is drawn.

    ``unmapped`` says why there is no map where the vectors allow none; the tables are there all the same.
    """

    settings: Settings
    embeddings: Embeddings
    similarity: dict[str, Similarity]
    projection: Projection | None
    unmapped: str = ""
    preview: bool = False

    @property
    def instances(self) -> Instances:
        return self.settings.instances


def open_checkpoint(source: Source, job: Job) -> None:
    """Open ``source`` in its worker and keep what it is."""
    summary = pool().model(source).open(job.progress, job.stopped)
    opened = Opened(
        source=source,
        layers=tuple(_layer(values) for values in summary["layers"]),
        findings=tuple(Finding(**values) for values in summary["findings"]),
        assumptions=tuple(summary["assumptions"]),
        **{name: summary[name] for name in _PLAIN},
    )
    store.put(("opened", source), opened, 1000 * len(opened.layers))


_PLAIN = ("name", "text", "format", "fingerprint", "max_tokens", "recipe", "untold", "recommended", "unreadable")


def _layer(values: dict[str, Any]) -> Layer:
    shape = values.pop("shape")
    return Layer(**values, shape=tuple(shape) if shape is not None else None)


def opened(source: Source) -> Opened | None:
    """What is known of a source that was opened before."""
    found: Opened | None = store.get(("opened", source))
    return found


def kept(settings: Settings) -> Picture | None:
    """The picture, if all of it is kept; otherwise its preview, if that is; otherwise None."""
    embeddings: Embeddings | None = store.get(settings.vectors_key)
    if embeddings is None:
        return None
    similarity = {name: store.get(settings.similarity_key(name)) for name in settings.compared}
    if any(found is None for found in similarity.values()):
        return None
    embeddings = replace(embeddings, ids=settings.instances.ids, labels=settings.instances.labels)
    for drawn, preview in ((settings, False), (settings.pca, True)):
        projection = store.get(drawn.map_key)
        if isinstance(projection, str):
            return Picture(settings, embeddings, similarity, None, projection, preview)
        if projection is not None:
            return Picture(settings, embeddings, similarity, projection, "", preview)
    return None


def draw(settings: Settings, job: Job) -> None:
    """Make and keep all that ``kept`` needs, from where earlier pictures left off."""
    if store.get(settings.vectors_key) is None:
        _capture(settings, job)
    vectors: FloatArray = store.get(settings.vectors_key).vectors
    for postprocessing in settings.compared:
        if store.get(settings.similarity_key(postprocessing)) is None:
            _compare(settings, vectors, postprocessing, job)
    slow = len(settings.instances) > _MANY or not pool().numbers_ready
    if slow and settings.map.method != "pca" and len(vectors) >= METHODS[settings.map.method].minimum:
        _project(settings.pca, vectors, job)
        job.previews += 1
    _project(settings, vectors, job)


def _capture(settings: Settings, job: Job) -> None:
    """Capture what is wanted; of instances that an earlier capture had, its rows are taken."""
    opened, instances = settings.opened, settings.instances
    layers, poolings = _ahead(settings)
    wanted = [replace(settings, layer=layer, pooling=pooling) for layer in layers for pooling in poolings]
    earlier = _earlier(settings, wanted)
    have = set(earlier.instances.items) if earlier else set()
    new = tuple(item for item in dict.fromkeys(instances.items) if item not in have)
    arrays = _ask(settings, new, layers, poolings, job) if new else {}
    place = {item: row for row, item in enumerate([*(earlier.instances.items if earlier else ()), *new])}
    rows = np.array([place[item] for item in instances.items], dtype=np.int64)
    for each in wanted:
        parts = [store.get(replace(each, instances=earlier.instances).vectors_key)] if earlier else []
        parts += [arrays[each.layer, each.pooling]] if new else []
        embeddings = _joined(parts, rows, instances.ids)
        store.put(each.vectors_key, embeddings, embeddings.vectors.nbytes)
    others = [each for each in _captures(opened) if each.instances.fingerprint != instances.fingerprint]
    store.put(("captures", opened.identity), [settings, *others][:_CAPTURES], 1000)


def _captures(opened: Opened) -> list[Settings]:
    """The last captures of a checkpoint, the newest first."""
    return store.get(("captures", opened.identity)) or []


def _earlier(settings: Settings, wanted: list[Settings]) -> Settings | None:
    """Of the last captures of this checkpoint that have all that is wanted, the one with most of the instances."""
    items = set(settings.instances.items)

    def has_all(capture: Settings) -> bool:
        keys = [replace(each, instances=capture.instances).vectors_key for each in wanted]
        return all(store.get(key) is not None for key in keys)

    usable = [capture for capture in _captures(settings.opened) if has_all(capture)]
    return max(usable, key=lambda capture: len(items.intersection(capture.instances.items)), default=None)


def _ask(
    settings: Settings, items: tuple[str, ...], layers: list[str], poolings: list[str], job: Job
) -> dict[tuple[str, str], Embeddings]:
    """Embeddings of ``items`` by (layer, pooling), from the checkpoint's worker."""
    opened = settings.opened
    started = time.monotonic()
    ids = tuple(str(number) for number in range(len(items)))
    # The sidebar lets a layer with random parameters through only on a person's insistence.
    chosen = opened.layer(settings.layer)
    insist = chosen is not None and chosen.untrained
    arguments = {"items": items, "ids": ids, "layers": layers, "poolings": poolings, "insist": insist}
    described, arrays = pool().model(opened.source).capture(arguments, job.progress, job.stopped)
    _learn(opened.fingerprint, len(items), time.monotonic() - started)
    return {
        (entry["layer"], entry["asked"]): Embeddings(
            vectors=arrays[str(number)],
            ids=ids,
            layer=entry["layer"],
            pooling=entry["pooling"],
            checkpoint=opened.fingerprint,
            tokens=arrays.get("tokens"),
            cut=arrays.get("cut"),
        )
        for number, entry in enumerate(described)
    }


def _joined(parts: list[Embeddings], rows: IntArray, ids: tuple[str, ...]) -> Embeddings:
    """The given rows of several embeddings laid one below the other."""

    def stacked(arrays: list[IntArray | None]) -> IntArray | None:
        return None if any(array is None for array in arrays) else np.concatenate(arrays)[rows]  # type: ignore[arg-type]

    return replace(
        parts[-1],
        vectors=np.concatenate([part.vectors for part in parts])[rows],
        ids=ids,
        tokens=stacked([part.tokens for part in parts]),
        cut=stacked([part.cut for part in parts]),
    )


def _ahead(settings: Settings) -> tuple[list[str], list[str]]:
    """The wanted layer and pooling, and with few instances all blocks and poolings too."""
    opened = settings.opened
    blocks = [layer for layer in opened.layers if layer.role == "block" and layer.capturable and not layer.untrained]
    widths = sum(int(layer.shape[-1]) for layer in blocks if layer.shape and isinstance(layer.shape[-1], int))
    if 4 * len(settings.instances) * widths * len(opened.poolings) > _AHEAD:
        return [settings.layer], [settings.pooling]
    return list(dict.fromkeys([settings.layer, *(layer.path for layer in blocks)])), opened.poolings


def _compare(settings: Settings, vectors: FloatArray, postprocessing: str, job: Job) -> None:
    arguments = {"postprocessing": postprocessing, "k": NEIGHBOURS}
    value, arrays = pool().numbers("similarity", arguments, {"vectors": vectors}, job.progress, job.stopped)
    similarity = Similarity(
        arrays["indices"],
        arrays["cosines"],
        (arrays["most_pairs"], arrays["most_cosines"]),
        (arrays["least_pairs"], arrays["least_cosines"]),
        value["crowding"],
        tuple(value["undefined"]),
    )
    store.put(settings.similarity_key(postprocessing), similarity, similarity.indices.nbytes * 2)


def _project(settings: Settings, vectors: FloatArray, job: Job) -> None:
    from embedviz.errors import ProjectionError

    if store.get(settings.map_key) is not None:
        return
    arguments = {
        "postprocessing": settings.postprocessing,
        "method": settings.map.method,
        "dimensions": settings.map.dimensions,
        "seed": settings.map.seed,
        "parameters": dict(settings.map.parameters),
    }
    warm, started = pool().numbers_ready, time.monotonic()
    try:
        value, arrays = pool().numbers("project", arguments, {"vectors": vectors}, job.progress, job.stopped)
    except ProjectionError as error:
        # No map can be drawn of these vectors, but their table is exact and worth showing.
        store.put(settings.map_key, str(error), 1000)
        return
    if warm:
        _learn(settings.map.method, len(vectors), time.monotonic() - started)
    projection = Projection(coordinates=arrays["coordinates"], **value)
    store.put(settings.map_key, projection, projection.coordinates.nbytes)


def matrix(settings: Settings, positions: tuple[int, ...], postprocessing: str, by: str) -> tuple[FloatArray, IntArray]:
    """All cosines among the instances at ``positions``, and the order to show them in (by "label" or "cluster")."""
    key = ("matrix", settings.vectors_key, positions, postprocessing, by, settings.instances.labels)
    found: tuple[FloatArray, IntArray] | None = store.get(key)
    if found is None:
        chosen = np.asarray(positions, dtype=np.int64)
        labels = settings.instances.labels
        arguments = {
            "postprocessing": postprocessing,
            "positions": list(positions),
            "by": by,
            "labels": [str(labels[place]) for place in positions] if labels else None,
        }
        _, arrays = pool().numbers("matrix", arguments, {"vectors": store.get(settings.vectors_key).vectors})
        found = (arrays["cosines"], arrays["order"])
        store.put(key, found, 8 * len(chosen) ** 2)
    return found


#: Seconds an instance: of a checkpoint's forward pass by its fingerprint, and of each way to draw a map.
_PACE = 0.01
_paces: dict[str, float] = {"umap": 0.0025, "tsne": 0.008, "pca": 0.0001}


def _learn(what: str, count: int, seconds: float) -> None:
    # A few instances say nothing about many; and what was slow may only have waited for others.
    if count >= 20:
        _paces[what] = min(_paces.get(what, seconds / count), seconds / count)


def cost(settings: Settings) -> tuple[float, int]:
    """Seconds and bytes the picture will take: from the pace of earlier ones, zero for what is kept."""
    count = len(settings.instances)
    seconds = 0.0
    if store.get(settings.vectors_key) is None:
        seconds += _unseen(settings) * _paces.get(settings.opened.fingerprint, _PACE)
    if store.get(settings.map_key) is None:
        seconds += 0.3 + count * _paces[settings.map.method]
    layers, poolings = _ahead(settings)
    layer = settings.opened.layer(settings.layer)
    width = layer.shape[-1] if layer and layer.shape else 0
    return seconds, 4 * count * int(width) * len(layers) * len(poolings)


def _unseen(settings: Settings) -> int:
    """How many instances no earlier capture had that has the vectors of this layer and pooling."""
    earlier = _earlier(settings, [settings])
    return len(set(settings.instances.items) - set(earlier.instances.items if earlier else ()))


def quick(settings: Settings) -> bool:
    """Whether the picture is cheap enough to be drawn without being asked for."""
    return cost(settings)[0] <= _QUICK
