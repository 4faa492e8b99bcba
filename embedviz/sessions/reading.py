"""From the bytes of a file of unknown origin to a session: every length, type and place is checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.heads import find
from embedviz.pooling import suited
from embedviz.projection import METHODS
from embedviz.records import Embeddings, Instances, Likeness, OddPairs, Projection, Quality, Trust
from embedviz.sessions.checking import Malformed, checked
from embedviz.sessions.items import read_items
from embedviz.sessions.session import INDEX, Choices, Session, Summary
from embedviz.sessions.unpacking import Unpacked, damaged, names_in
from embedviz.vectors import POSTPROCESSING

#: More than any model has.
_MOST_LAYERS, _MOST_HEADS = 100_000, 4_096
_Cell = bool | int | float | str | None


def is_session(file: BinaryIO) -> bool:
    """Whether a file means to be a session, by its content."""
    return INDEX in names_in(file)


def read_session(data: bytes) -> Session:
    """The session in a file. ExportError, in one line, for one that is none, is damaged, too large, or newer."""
    file = Unpacked(data)
    try:
        return _session(file)
    except Malformed as error:
        raise damaged(str(error)) from error


def _session(file: Unpacked) -> Session:
    told = file.told
    choices = _choices(told.get("choices"))
    summary: Summary = checked(told.get("checkpoint"), Summary, "checkpoint")
    _check_layers(summary, choices)
    modality = summary.reads.modality
    base = None if told.get("base") is None else _instances(told["base"], modality, file)
    own = read_items("own", told.get("own"), modality, file)
    count = len(own) + (0 if base is None or choices.only_own else len(base))
    if not count:
        raise Malformed("no instances")
    projection = None if told.get("projection") is None else _projection(told["projection"], count, file)
    return Session(
        choices=choices,
        summary=summary,
        base=base,
        own=own,
        embeddings=_embeddings(told.get("embeddings"), count, summary, file),
        likeness=_likenesses(told.get("likeness"), choices, count, file),
        projection=projection,
        unmapped=checked(told.get("unmapped"), str, "unmapped"),
        trust=None if told.get("trust") is None or projection is None else _trust(told["trust"], count, file),
        provenance=checked(told.get("provenance"), str, "provenance"),
        versions=checked(told.get("versions"), Mapping[str, str], "versions"),
    )


def _check_layers(summary: Summary, choices: Choices) -> None:
    """The layer chosen and the recommended one must be there, and as many of everything as a model has."""
    by_path = {layer.path: layer for layer in summary.layers}
    chosen = by_path.get(choices.layer) or find(summary.layers, choices.layer)
    recommended = by_path.get(summary.recommended)
    if len(summary.layers) > _MOST_LAYERS or any(not 0 <= layer.heads <= _MOST_HEADS for layer in summary.layers):
        raise Malformed("checkpoint.layers")
    if chosen is None or not chosen.capturable or recommended is None or not recommended.capturable:
        raise Malformed("choices.layer")
    if choices.pooling not in (suited(chosen, recipe=bool(summary.recipe)) or [choices.pooling]):
        raise Malformed("choices.pooling")


def _choices(told: Any) -> Choices:
    choices: Choices = checked(told, Choices, "choices")
    if choices.postprocessing not in POSTPROCESSING:
        raise Malformed(f"choices.postprocessing {choices.postprocessing[:40]}")
    if choices.method not in METHODS or choices.dimensions not in (2, 3) or not 0 <= choices.seed < 2**32:
        raise Malformed("choices.method")
    try:
        METHODS[choices.method].settle(dict(choices.parameters))
    except ProjectionError as error:
        raise Malformed("choices.parameters") from error
    return choices


def _instances(told: Any, modality: str, file: Unpacked) -> Instances:
    if not isinstance(told, dict):
        raise Malformed("base")
    items = read_items("base", told.get("items"), modality, file)
    ids = checked(told.get("ids"), tuple[str, ...], "ids")
    columns: dict[str, tuple[Any, ...]] = {}
    given = told.get("columns")
    if not isinstance(given, dict) or len(ids) != len(items) or len(set(ids)) < len(ids):
        raise Malformed("base.ids")
    for name, values in given.items():
        fits = isinstance(values, list) and len(values) == len(items)
        if not fits or not all(value is None or isinstance(value, bool | int | float | str) for value in values):
            raise Malformed(f"column {name[:40]}")
        columns[name] = tuple(values)
    label = checked(told.get("label"), str | None, "label")
    if label is not None and label not in columns:
        raise Malformed("label")
    name, dropped = checked(told.get("name"), str, "name"), checked(told.get("dropped"), int, "dropped")
    return Instances(items, ids, columns, label, name, dropped, modality)


def _embeddings(told: Any, count: int, summary: Summary, file: Unpacked) -> Embeddings:
    if not isinstance(told, dict):
        raise Malformed("embeddings")
    vectors = file.array("vectors", "float32", (count, None))
    if not vectors.shape[1] or not np.isfinite(vectors).all():
        raise Malformed("vectors")
    counts = [file.array(name, "int64", (count,)) if file.has(name) else None for name in ("tokens", "cut")]
    return Embeddings(
        vectors=vectors,
        ids=tuple(map(str, range(count))),
        layer=checked(told.get("layer"), str, "embeddings.layer"),
        pooling=checked(told.get("pooling"), str, "embeddings.pooling"),
        checkpoint=summary.fingerprint,
        tokens=counts[0],
        cut=counts[1],
        notes=checked(told.get("notes"), tuple[str, ...], "embeddings.notes"),
    )


def _likenesses(told: Any, choices: Choices, count: int, file: Unpacked) -> dict[str, Likeness]:
    needed = {"none", "centred", choices.postprocessing.replace("l2", "none")}
    if not isinstance(told, dict) or needed - told.keys() or told.keys() - POSTPROCESSING.keys():
        raise Malformed("likeness")
    return {name: _likeness(name, each, count, file) for name, each in told.items()}


def _likeness(name: str, told: Any, count: int, file: Unpacked) -> Likeness:
    if not isinstance(told, dict):
        raise Malformed(name)
    indices = file.array(f"{name}.indices", "int64", (None, None))
    if len(indices) not in (0, count) or (indices.size and not -1 <= indices.min() <= indices.max() < count):
        raise Malformed(f"{name}.indices")
    undefined = checked(told.get("undefined"), tuple[int, ...], f"{name}.undefined")
    if not all(0 <= place < count for place in undefined):
        raise Malformed(f"{name}.undefined")
    most, least = (
        (_places(f"{name}.{end}", count, file), _cosines(f"{name}.{end}_cosines", (None,), file))
        for end in ("most", "least")
    )
    if len(most[0]) != len(most[1]) or len(least[0]) != len(least[1]):
        raise Malformed(f"{name}.most")
    return Likeness(
        indices,
        _cosines(f"{name}.cosines", indices.shape, file),
        most,
        least,
        checked(told.get("crowding"), float | None, f"{name}.crowding"),
        undefined,
        checked(told.get("compared"), int, f"{name}.compared"),
    )


def _places(name: str, count: int, file: Unpacked) -> Any:
    found = file.array(name, "int64", (None, 2))
    if found.size and not 0 <= found.min() <= found.max() < count:
        raise Malformed(name)
    return found


def _cosines(name: str, shape: tuple[int | None, ...], file: Unpacked) -> Any:
    """Cosines in -1..1; NaN where there is none."""
    found = file.array(name, "float32", shape)
    if (np.abs(found[~np.isnan(found)]) > 1.001).any():
        raise Malformed(name)
    return found


def _projection(told: Any, count: int, file: Unpacked) -> Projection:
    if not isinstance(told, dict):
        raise Malformed("projection")
    coordinates = file.array("coordinates", "float32", (count, None))
    if coordinates.shape[1] not in (2, 3) or np.isinf(coordinates).any():
        raise Malformed("coordinates")
    return Projection(
        coordinates=coordinates,
        method=checked(told.get("method"), str, "projection.method"),
        parameters=checked(told.get("parameters"), Mapping[str, _Cell], "projection.parameters"),
        seed=checked(told.get("seed"), int, "projection.seed"),
        trust=_share(told.get("trust"), "projection.trust"),
        kept=_share(told.get("kept"), "projection.kept"),
        note=checked(told.get("note"), str, "projection.note"),
    )


def _share(value: Any, where: str) -> float | None:
    share: float | None = checked(value, float | None, where)
    if share is not None and not 0 <= share <= 1:
        raise Malformed(where)
    return share


def _trust(told: Any, count: int, file: Unpacked) -> Trust:
    if not isinstance(told, dict):
        raise Malformed("trust")
    baselines = checked(told.get("baselines"), Mapping[str, Quality], "trust.baselines")
    quality = checked(told.get("quality"), Quality, "trust.quality")
    for each in (quality, *baselines.values()):
        for value in (each.trust, each.kept, each.chance):
            _share(value, "trust.quality")
    near, far = (_odd(name, count, file) for name in ("near", "far"))
    note = checked(told.get("note"), str, "trust.note")
    return Trust(quality, baselines, file.array("shares", "float32", (count,)), near, far, note)


def _odd(name: str, count: int, file: Unpacked) -> OddPairs:
    places = _places(f"{name}.places", count, file)
    ranks = file.array(f"{name}.ranks", "int64", (len(places),))
    return OddPairs(places, _cosines(f"{name}.cosines", (len(places),), file), ranks)
