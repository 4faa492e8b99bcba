"""Vectors from a checkpoint's worker: what earlier captures hold is not asked for again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from embedviz.depth import through_depth
from embedviz.errors import Cancelled
from embedviz.records import Embeddings, IntArray
from embedviz.ui.jobs import Job
from embedviz.ui.opened import Opened
from embedviz.ui.pace import learn
from embedviz.ui.settings import Settings
from embedviz.ui.store import store
from embedviz.workers.items import pack
from embedviz.workers.pool import pool

#: Up to so many bytes, the first pass captures all blocks (with the embedding below them) and poolings: they cost next
#: to nothing then.
_AHEAD = 96_000_000
#: How many captures of a checkpoint are remembered, for the rows that the next one shares with them.
_CAPTURES = 4


def capture(settings: Settings, job: Job) -> None:
    """Capture what is wanted, and what costs next to nothing beside it."""
    _capture(settings, *ahead(settings), job)


def capture_layers(wanted: Sequence[Settings], job: Job) -> None:
    """Capture several layers of one checkpoint, each with its pooling, a pass for each pooling at most."""
    missing = [each for each in wanted if store.get(each.vectors_key) is None]
    for pooling in dict.fromkeys(each.pooling for each in missing):
        some = [each for each in missing if each.pooling == pooling]
        _capture(some[0], list(dict.fromkeys(each.layer for each in some)), [pooling], job)


def _capture(settings: Settings, layers: list[str], poolings: list[str], job: Job) -> None:
    """Capture layers with poolings; of instances that an earlier capture had, its rows are taken."""
    opened, instances = settings.opened, settings.instances
    wanted = [replace(settings, layer=layer, pooling=pooling) for layer in layers for pooling in poolings]
    earlier = _earlier(settings, wanted)
    have = set(earlier.instances.items) if earlier else set()
    new = tuple(item for item in dict.fromkeys(instances.items) if item not in have)
    arrays = capture_items(settings, new, layers, poolings, job) if new else {}
    done = [new[int(identity)] for identity in next(iter(arrays.values())).ids] if new else []
    place = {item: row for row, item in enumerate([*(earlier.instances.items if earlier else ()), *done])}
    if len(done) < len(new):
        instances = instances.only([row for row, item in enumerate(instances.items) if item in place])
        settings = replace(settings, instances=instances)
    rows = np.array([place[item] for item in instances.items], dtype=np.int64)
    for each in wanted:
        parts = [store.get(replace(each, instances=earlier.instances).vectors_key)] if earlier else []
        parts += [arrays[each.layer, each.pooling]] if new else []
        embeddings = _joined(parts, rows, instances.ids)
        store.put(replace(each, instances=instances).vectors_key, embeddings, embeddings.vectors.nbytes)
    others = [each for each in _captures(opened) if each.instances.fingerprint != instances.fingerprint]
    store.put(("captures", opened.identity), [settings, *others][:_CAPTURES], 1000)
    if len(done) < len(new):
        raise Cancelled("Stopped, as you asked", remedy=f"{len(done):,} of {len(new):,} instances are done and kept.")


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


def capture_items(
    settings: Settings, items: tuple[Any, ...], layers: list[str], poolings: list[str], job: Job
) -> dict[tuple[str, str], Embeddings]:
    """Embeddings of ``items`` by (layer, pooling), from the checkpoint's worker."""
    opened = settings.opened
    started = time.monotonic()
    ids = tuple(str(number) for number in range(len(items)))
    # A layer with random parameters is let through only on a person's insistence.
    insist = any(layer.untrained for layer in map(opened.layer, layers) if layer is not None)
    told, packed = pack(items, settings.instances.modality)
    arguments = {"items": told, "ids": ids, "layers": layers, "poolings": poolings, "insist": insist}
    arguments["prompt"] = settings.prompt
    value, arrays = pool().model(opened.source).capture(arguments, packed, job.progress, job.stopped)
    learn(opened.fingerprint, len(value["ids"]), time.monotonic() - started)
    return {
        (entry["layer"], entry["asked"]): Embeddings(
            vectors=arrays[str(number)],
            ids=tuple(value["ids"]),
            layer=entry["layer"],
            pooling=entry["pooling"],
            checkpoint=opened.fingerprint,
            tokens=arrays.get("tokens"),
            cut=arrays.get("cut"),
            notes=tuple(entry["notes"]),
        )
        for number, entry in enumerate(value["layers"])
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


def ahead(settings: Settings) -> tuple[list[str], list[str]]:
    """The wanted layer and pooling, and with few instances the layers through the depth and all poolings too."""
    opened, layer = settings.opened, settings.opened.layer(settings.layer)
    if layer is None or settings.pooling == "flatten":
        return [settings.layer], [settings.pooling]
    blocks = [each for each in through_depth(opened.layers) if each.role != "model" and each.over == layer.over]
    poolings = [name for name in opened.poolings(layer) if name != "flatten"] or [settings.pooling]
    if 4 * len(settings.instances) * sum(each.width for each in blocks) * len(poolings) > _AHEAD:
        return [settings.layer], [settings.pooling]
    return list(dict.fromkeys([settings.layer, *(each.path for each in blocks)])), poolings


def unseen(settings: Settings) -> set[Any]:
    """The items that no earlier capture had that has the vectors of this layer and pooling."""
    earlier = _earlier(settings, [settings])
    return set(settings.instances.items) - set(earlier.instances.items if earlier else ())
