"""What a numbers worker finds out for a story: who is near whom in each layer, and how far the map keeps that."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedviz.workers.numbers_operations import _processed
from embedviz.workers.operation import Context, Operations
from embedviz.workers.wire import Arrays


def operations() -> Operations:
    """The one operation."""
    return {"neighbourhoods": neighbourhoods}


def neighbourhoods(arguments: dict[str, Any], arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
    """The ``k`` neighbours in each of ``layers`` layers, and the mean cosine; of the first, shares kept on its map."""
    from embedviz.projection.quality import kept_shares
    from embedviz.similarity import mean_cosine, neighbours

    progress = context.progress("looking for neighbours")
    results: Arrays = {}
    crowding = []
    for number in range(arguments["layers"]):
        progress(number, arguments["layers"])
        vectors = _processed(arguments, {"vectors": arrays[f"vectors.{number}"]})
        near = neighbours(vectors, k=arguments["k"])
        results |= {f"indices.{number}": near.indices, f"cosines.{number}": near.cosines}
        crowding.append(mean_cosine(vectors))
    if "coordinates" in arrays:
        results["shares"] = np.asarray(kept_shares(results["indices.0"], arrays["coordinates"]))
    return {"crowding": crowding}, results
