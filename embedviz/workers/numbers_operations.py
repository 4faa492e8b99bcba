"""What a numbers worker does: everything on vectors that is too slow for a page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from embedviz.records import Embeddings
from embedviz.workers.items import unpack
from embedviz.workers.operation import Context, Operations
from embedviz.workers.wire import Arrays

_PAIRS = 50
#: Above so many instances all of them are not compared with all: a page does not wait for minutes.
MOST_COMPARED, SAMPLED = 20_000, 5_000


def warm() -> None:
    """Compile umap, before any fork."""
    from embedviz.projection.warm import warm as compile_umap

    compile_umap()


def operations() -> Operations:
    """The operations; they keep nothing between requests."""
    from embedviz.workers import (
        comparison_operations,
        groups_operations,
        picture_operations,
        story_operations,
        trust_operations,
    )

    return {
        "project": project,
        "similarity": similarity,
        "matrix": matrix,
        "nearest": nearest,
        "thumbnails": thumbnails,
        **trust_operations.operations(),
        **groups_operations.operations(),
        **comparison_operations.operations(),
        **picture_operations.operations(),
        **story_operations.operations(),
    }


def thumbnails(arguments: dict[str, Any], arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
    """Each picture small, as PNG files one after the other; for one that cannot be decoded the reason, and no bytes."""
    from embedviz.errors import InstancesError
    from embedviz.modalities.pixels import reason, thumbnails

    progress, items = context.progress("looking at the pictures"), unpack(arguments["items"], arrays)
    made, reasons = [], []
    for place, item in enumerate(items):
        progress(place, len(items))
        try:
            made.append(thumbnails([item])[0])
            reasons.append("")
        except InstancesError as error:
            made.append(b"")
            reasons.append(reason(error))
    value = {"sizes": [len(each) for each in made], "reasons": reasons}
    return value, {"items": np.frombuffer(b"".join(made), np.uint8)}


def _processed(arguments: dict[str, Any], arrays: Arrays) -> Embeddings:
    from embedviz.vectors import postprocess

    raw = Embeddings(arrays["vectors"], tuple(map(str, range(len(arrays["vectors"])))))
    return postprocess(raw, arguments["postprocessing"])


def project(arguments: dict[str, Any], arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
    """A map of the vectors and how far it can be trusted."""
    from embedviz.projection import project as draw

    drawn = draw(
        _processed(arguments, arrays),
        arguments["method"],
        dimensions=arguments["dimensions"],
        seed=arguments["seed"],
        progress=context.progress("drawing the map"),
        **arguments["parameters"],
    )
    value = {
        "method": drawn.method,
        "parameters": dict(drawn.parameters),
        "seed": drawn.seed,
        "trust": drawn.trust,
        "kept": drawn.kept,
        "note": drawn.note,
    }
    return value, {"coordinates": drawn.coordinates}


def similarity(arguments: dict[str, Any], arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
    """Nearest neighbours, the most and least similar pairs, and how crowded the space is; raw and centred alike.

    Above ``MOST_COMPARED`` instances the neighbours are left out (see ``nearest``), and the pairs are of a sample.
    """
    from embedviz.similarity import mean_cosine, neighbours, pairs

    progress = context.progress("comparing")
    progress(0, 1)
    embeddings = _processed(arguments, arrays)
    count = len(embeddings)
    sample = np.arange(count)
    results: Arrays = {"indices": np.empty((0, 0), np.int64), "cosines": np.empty((0, 0), np.float32)}
    undefined: tuple[int, ...] = ()
    if count > MOST_COMPARED:
        sample = np.sort(np.random.default_rng(0).choice(count, SAMPLED, replace=False))
    else:
        near = neighbours(embeddings, k=arguments["k"], progress=progress)
        results, undefined = {"indices": near.indices, "cosines": near.cosines}, near.undefined
    found = pairs(embeddings.vectors[sample], k=_PAIRS)
    value = {"crowding": mean_cosine(embeddings), "undefined": list(undefined), "compared": len(sample)}
    for name, listed in (("most", found.most), ("least", found.least)):
        places = np.array([(pair.i, pair.j) for pair in listed], dtype=np.int64).reshape(-1, 2)
        results[f"{name}_pairs"] = sample[places]
        results[f"{name}_cosines"] = np.array([pair.cosine for pair in listed], dtype=np.float32)
    return value, results


def nearest(arguments: dict[str, Any], arrays: Arrays, _context: Context) -> tuple[Any, Arrays]:
    """The nearest neighbours of one instance."""
    from embedviz.similarity import nearest_to

    near = nearest_to(_processed(arguments, arrays), arguments["place"], k=arguments["k"])
    return {"undefined": list(near.undefined)}, {"indices": near.indices, "cosines": near.cosines}


def matrix(arguments: dict[str, Any], arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
    """All cosines, and an order of the instances that puts the like beside the like."""
    from embedviz.ordering import matrix_order
    from embedviz.similarity import cosine_similarity

    context.progress("comparing")(0, 1)
    everything = _processed(arguments, arrays)
    # Centring is over all instances, so the ones asked for are taken out afterwards.
    embeddings = replace(everything, vectors=everything.vectors[arguments["positions"]])
    order = matrix_order(embeddings.vectors, by=arguments["by"], labels=arguments.get("labels"))
    return {}, {"cosines": cosine_similarity(embeddings), "order": np.asarray(order, dtype=np.int64)}
