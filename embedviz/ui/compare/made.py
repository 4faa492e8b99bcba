"""From what is compared to what the page shows: capture, measure, draw, each step kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from embedviz.errors import ProjectionError
from embedviz.records import Agreement, AlignedMaps, Comparison, Curve, FloatArray, IntArray, Projection
from embedviz.ui.captures import capture_layers
from embedviz.ui.compare.comparing import Comparing
from embedviz.ui.jobs import Job
from embedviz.ui.pace import learn
from embedviz.ui.settings import Settings
from embedviz.ui.store import store
from embedviz.vectors import postprocess
from embedviz.workers.pool import pool
from embedviz.workers.wire import Arrays

#: True neighbours that are compared, and drawn as lines.
NEIGHBOURS = 10
#: By this name the pace of aligned maps is learnt.
ALIGNED = "aligned"


@dataclass(frozen=True, eq=False)
class Compared:
    """What the page shows. ``maps`` are None while they are drawn, or where ``unmapped`` says why there are none."""

    comparing: Comparing
    comparison: Comparison
    neighbours: Mapping[str, IntArray]
    maps: AlignedMaps | None
    #: Of each map, the share of each instance's true neighbours that are beside it: (instances,) in 0..1.
    shares: Mapping[str, FloatArray] = field(default_factory=dict)
    unmapped: str = ""

    @property
    def whole(self) -> bool:
        return self.maps is not None or bool(self.unmapped)


def kept(comparing: Comparing) -> Compared | None:
    """What is there already: the measures, and the maps if they are drawn."""
    found = store.get(comparing.key)
    if found is None:
        return None
    comparison, neighbours = found
    drawn = store.get(comparing.maps_key)
    if isinstance(drawn, str):
        return Compared(comparing, comparison, neighbours, None, unmapped=drawn)
    maps, shares = drawn or (None, {})
    return Compared(comparing, comparison, neighbours, maps, shares)


def make(comparing: Comparing, job: Job) -> None:
    """Make and keep all that ``kept`` needs."""
    for side in (comparing.rows, comparing.columns):
        if side:
            capture_layers(list(side.values()), job)
    if store.get(comparing.key) is None:
        _measure(comparing, job)
        job.previews += 1
    if store.get(comparing.maps_key) is None:
        _draw(comparing, job)


def _arguments(comparing: Comparing, **sides: Mapping[str, Settings]) -> tuple[dict[str, Any], Arrays]:
    labels = comparing.instances.labels
    arguments: dict[str, Any] = {
        "postprocessing": comparing.postprocessing or "none",
        "labels": None if labels is None else [None if label is None else str(label) for label in labels],
    }
    arrays: Arrays = {}
    for side, layers in sides.items():
        arguments[side] = list(layers)
        for number, each in enumerate(layers.values()):
            embeddings = store.get(each.vectors_key)
            if not comparing.postprocessing:
                embeddings = postprocess(embeddings, each.postprocessing)
            arrays[f"{side}.{number}"] = embeddings.vectors
    return arguments, arrays


def _measure(comparing: Comparing, job: Job) -> None:
    rows, columns = comparing.rows, comparing.columns
    arguments, given = _arguments(comparing, rows=rows, columns=columns)
    arguments["k"] = NEIGHBOURS
    value, arrays = pool().numbers("compare", arguments, given, job.progress, job.stopped)
    comparison = Comparison(
        rows=tuple(rows),
        columns=tuple(columns or rows),
        instances=len(comparing.instances),
        agreements=_records("agreements", Agreement, value, arrays),
        curves=_records("curves", Curve, value, arrays),
        other_curves=_records("other_curves", Curve, value, arrays),
        best=value["best"],
        evidence=tuple(value["evidence"]),
    )
    names = [*rows, *columns]
    neighbours = {name: arrays[f"neighbours.{number}"] for number, name in enumerate(names)}
    size = sum(array.nbytes for array in arrays.values())
    store.put(comparing.key, (comparison, neighbours), size)


def _records(kind: str, record: Any, value: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    """The records of one kind by name, made of their words and their arrays."""
    return {
        name: record(**told, **{field: arrays.get(f"{kind}.{name}.{field}") for field in ("values", "low", "high")})
        for name, told in value[kind].items()
    }


def _draw(comparing: Comparing, job: Job) -> None:
    arguments, arrays = _arguments(comparing, rows=comparing.layers)
    arguments |= {"alignment": comparing.alignment, "seed": 0}
    _, neighbours = store.get(comparing.key)
    arrays |= {f"neighbours.{number}": neighbours[name] for number, name in enumerate(comparing.layers)}
    warm, started = pool().numbers_ready, time.monotonic()
    try:
        value, drawn = pool().numbers("aligned", arguments, arrays, job.progress, job.stopped)
    except ProjectionError as error:
        store.put(comparing.maps_key, str(error), 1000)
        return
    if warm:
        learn(ALIGNED, len(comparing.instances) * len(comparing.layers), time.monotonic() - started)
    maps, shares = {}, {}
    for number, told in enumerate(value.pop("maps")):
        name = told.pop("name")
        maps[name] = Projection(coordinates=drawn[f"coordinates.{number}"], **told)
        shares[name] = drawn[f"shares.{number}"]
    size = sum(array.nbytes for array in drawn.values())
    store.put(comparing.maps_key, (AlignedMaps(maps, **value), shares), size)
