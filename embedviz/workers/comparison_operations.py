"""What a numbers worker does with several layers at once: measure how alike they are, draw them side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedviz.records import Agreement, Curve, Embeddings
from embedviz.workers.operation import Context, Operations
from embedviz.workers.wire import Arrays


def operations() -> Operations:
    """The operations on several layers."""
    return {"compare": compare, "aligned": aligned}


def compare(arguments: dict[str, Any], arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
    """Every layer against every other, or one model's against another's; each layer's own numbers and neighbours."""
    from embedviz.comparison import compare as measure
    from embedviz.comparison.view import fitting
    from embedviz.similarity import neighbours
    from embedviz.vectors import postprocess

    rows, columns = _layers("rows", arguments, arrays), _layers("columns", arguments, arrays)
    found = measure(
        rows,
        columns or None,
        postprocessing=arguments["postprocessing"],
        progress=context.progress("comparing the layers"),
    )
    value: dict[str, Any] = {"best": found.best, "evidence": list(found.evidence)}
    results: Arrays = {}
    for kind, held in (
        ("agreements", found.agreements),
        ("curves", found.curves),
        ("other_curves", found.other_curves),
    ):
        value[kind] = {name: _taken_apart(f"{kind}.{name}", each, results) for name, each in held.items()}
    k = max(1, fitting(arguments["k"], found.instances))
    for number, layer in enumerate({**rows, **columns}.values()):
        processed = postprocess(layer, arguments["postprocessing"])
        results[f"neighbours.{number}"] = neighbours(processed, k=k).indices
    return value, results


def aligned(arguments: dict[str, Any], arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
    """Maps of all layers in one frame, and of each instance the share of its true neighbours beside it."""
    from embedviz.projection.aligned import aligned_maps
    from embedviz.projection.quality import kept_shares

    layers = _layers("rows", arguments, arrays)
    drawn = aligned_maps(
        layers,
        arguments["alignment"],
        seed=arguments["seed"],
        postprocessing=arguments["postprocessing"],
        progress=lambda phase, done, total: context.progress(phase)(done, total),
    )
    results: Arrays = {}
    described = []
    for number, (name, projection) in enumerate(drawn.maps.items()):
        results[f"coordinates.{number}"] = projection.coordinates
        near = arrays[f"neighbours.{list(layers).index(name)}"]
        results[f"shares.{number}"] = kept_shares(near, projection.coordinates)
        fields = ("method", "seed", "trust", "kept", "note")
        described.append(
            {"name": name, "parameters": dict(projection.parameters)}
            | {field: getattr(projection, field) for field in fields}
        )
    told = {field: getattr(drawn, field) for field in ("alignment", "drift", "faithfulness", "note")}
    return {"maps": described, **told}, results


def _layers(side: str, arguments: dict[str, Any], arrays: Arrays) -> dict[str, Embeddings]:
    labels = arguments["labels"]
    found = {}
    for number, name in enumerate(arguments[side]):
        vectors = arrays[f"{side}.{number}"]
        ids = tuple(map(str, range(len(vectors))))
        found[name] = Embeddings(vectors, ids, None if labels is None else tuple(labels), layer=name)
    return found


def _taken_apart(name: str, record: Agreement | Curve, results: Arrays) -> dict[str, Any]:
    """The words and single numbers of a record; its arrays go to ``results``."""
    told = dict(vars(record))
    for field in ("values", "low", "high"):
        array = told.pop(field)
        if array is not None:
            results[f"{name}.{field}"] = np.asarray(array)
    return told
