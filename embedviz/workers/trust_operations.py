"""What a numbers worker finds out about a map: how far to trust it, as a whole, point by point, seed by seed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from embedviz.records import OddPairs, Projection
from embedviz.workers.numbers_operations import _processed
from embedviz.workers.operation import Context, Operations
from embedviz.workers.wire import Arrays


def operations() -> Operations:
    """The operations on a map and the vectors it was drawn of."""
    return {"trust": trust, "point_trust": point_trust, "reroll": reroll}


def trust(arguments: dict[str, Any], arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
    """``embedviz.projection.trust.trust`` of a map."""
    from embedviz.projection.trust import trust as measure

    vectors, progress = _processed(arguments, arrays), context.progress("measuring how far the map can be trusted")
    found = measure(vectors, arrays["coordinates"], seed=arguments["seed"], progress=progress)
    baselines = {name: asdict(quality) for name, quality in found.baselines.items()}
    value = {"quality": asdict(found.quality), "baselines": baselines, "note": found.note}
    return value, {"shares": found.shares, **_pairs("near", found.near), **_pairs("far", found.far)}


def point_trust(arguments: dict[str, Any], arrays: Arrays, _context: Context) -> tuple[Any, Arrays]:
    """The false and missing neighbours of the instance at ``place``."""
    from embedviz.projection.trust import point_trust as look

    found = look(_processed(arguments, arrays), arrays["coordinates"], arguments["place"])
    listed = {
        f"{name}_{field}": values
        for name, some in (("false", found.false), ("missing", found.missing))
        for field, values in vars(some).items()
    }
    return {"kept": found.kept, "k": found.k}, listed


def reroll(arguments: dict[str, Any], arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
    """The map drawn again with other seeds, and what stays."""
    from embedviz.projection.reroll import reroll as again

    drawn = Projection(arrays["coordinates"], arguments["method"], arguments["parameters"], arguments["seed"])
    found = again(_processed(arguments, arrays), drawn, progress=context.progress("drawing it with other seeds"))
    value = {name: getattr(found, name) for name in ("stays", "seeds", "k", "chance", "fixed", "note")}
    return value, {"shares": found.shares}


def _pairs(name: str, pairs: OddPairs) -> Arrays:
    return {f"{name}_{field}": values for field, values in vars(pairs).items()}
