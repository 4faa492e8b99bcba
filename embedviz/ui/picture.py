"""From settings to what a page shows: capture, compare, draw, each step kept for the next picture."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.projection import METHODS
from embedviz.records import Embeddings, FloatArray, Instances, IntArray, Likeness, Projection
from embedviz.ui.captures import capture
from embedviz.ui.jobs import Job
from embedviz.ui.pace import learn
from embedviz.ui.settings import Settings
from embedviz.ui.store import store
from embedviz.workers.pool import pool

#: Neighbours kept of each instance.
NEIGHBOURS = 30
#: Above so many instances a map in two steps (PCA first) is worth the flicker.
_MANY = 1_500


@dataclass(frozen=True, eq=False)
class Picture:
    """What a page shows, and the settings it was made under. ``preview``: a first map while the wanted one is drawn.

    ``unmapped`` says why there is no map where the vectors allow none; the tables are there all the same.
    """

    settings: Settings
    embeddings: Embeddings
    similarity: dict[str, Likeness]
    projection: Projection | None
    unmapped: str = ""
    preview: bool = False

    @property
    def instances(self) -> Instances:
        return self.settings.instances


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
        capture(settings, job)
    vectors: FloatArray = store.get(settings.vectors_key).vectors
    for postprocessing in settings.compared:
        if store.get(settings.similarity_key(postprocessing)) is None:
            _compare(settings, vectors, postprocessing, job)
    slow = len(settings.instances) > _MANY or not pool().numbers_ready
    if slow and settings.map.method != "pca" and len(vectors) >= METHODS[settings.map.method].minimum:
        _project(settings.pca, vectors, job)
        job.previews += 1
    _project(settings, vectors, job)


def _compare(settings: Settings, vectors: FloatArray, postprocessing: str, job: Job) -> None:
    arguments = {"postprocessing": postprocessing, "k": NEIGHBOURS}
    value, arrays = pool().numbers("similarity", arguments, {"vectors": vectors}, job.progress, job.stopped)
    similarity = Likeness(
        arrays["indices"],
        arrays["cosines"],
        (arrays["most_pairs"], arrays["most_cosines"]),
        (arrays["least_pairs"], arrays["least_cosines"]),
        value["crowding"],
        tuple(value["undefined"]),
        value["compared"],
    )
    store.put(settings.similarity_key(postprocessing), similarity, similarity.indices.nbytes * 2)


def nearest(picture: Picture, place: int, postprocessing: str) -> tuple[IntArray, FloatArray]:
    """The neighbours of the instance at ``place``, nearest first, and their cosines; of -1 there is none."""
    similarity = picture.similarity[postprocessing]
    if len(similarity.indices):
        return similarity.indices[place], similarity.cosines[place]
    key = ("nearest", picture.settings.similarity_key(postprocessing), place)
    found: tuple[IntArray, FloatArray] | None = store.get(key)
    if found is None:
        arguments = {"postprocessing": postprocessing, "k": NEIGHBOURS, "place": place}
        _, arrays = pool().numbers("nearest", arguments, {"vectors": picture.embeddings.vectors})
        found = (arrays["indices"][0], arrays["cosines"][0])
        store.put(key, found, 1000)
    return found


def _project(settings: Settings, vectors: FloatArray, job: Job) -> None:
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
        learn(settings.map.method, len(vectors), time.monotonic() - started)
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
