"""What a numbers worker draws for print, and how what it draws is packed for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from embedviz.records import Agreement, AlignedMaps, Comparison, Curve, Instances, Projection
from embedviz.workers.operation import Context, Operations
from embedviz.workers.wire import Arrays


def operations() -> Operations:
    """The one operation."""
    return {"picture": picture}


def pack_maps(
    maps: Mapping[str, Projection], instances: Instances, colour: str | None
) -> tuple[dict[str, Any], Arrays]:
    """Maps of the same instances by name, with the one column that they are coloured by."""
    fields = ("method", "seed", "trust", "kept", "note")
    told = [
        {"name": name, "parameters": dict(each.parameters)} | {field: getattr(each, field) for field in fields}
        for name, each in maps.items()
    ]
    values = [_plain(value) for value in instances.columns[colour]] if colour is not None else []
    arrays = {f"coordinates.{number}": each.coordinates for number, each in enumerate(maps.values())}
    return {"maps": told, "count": len(instances), "colour": colour, "values": values}, arrays


def pack_comparison(comparison: Comparison) -> dict[str, Any]:
    """Its numbers: of some dozens of layers they are few."""
    kinds = ("agreements", "curves", "other_curves")
    held = {
        kind: {name: _listed(each) for name, each in getattr(comparison, kind).items()} for kind in kinds
    }  # fmt: skip
    return {"rows": comparison.rows, "columns": comparison.columns, "instances": comparison.instances, **held}


def picture(arguments: dict[str, Any], arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
    """A map, several, or a part of a comparison, as the bytes of a file."""
    from embedviz.pictures import draw

    context.progress("drawing the picture")(0, 0)
    drawn: Projection | AlignedMaps | Comparison
    instances = None
    if "comparison" in arguments:
        drawn = _comparison(arguments["comparison"])
    else:
        told = arguments["maps"]
        maps = {
            each.pop("name"): Projection(coordinates=arrays[f"coordinates.{number}"], **each)
            for number, each in enumerate(told["maps"])
        }
        single = next(iter(maps.values()))
        drawn = AlignedMaps(maps, **arguments["aligned"]) if "aligned" in arguments else single
        columns = {told["colour"]: tuple(told["values"])} if told["colour"] is not None else {}
        ids = tuple(map(str, range(told["count"])))
        instances = Instances(ids, ids, columns, told["colour"])
    made = draw(drawn, arguments["kind"], instances, **arguments["style"])
    return {}, {"file": np.frombuffer(made, np.uint8)}


def _plain(value: Any) -> Any:
    """A cell as a JSON value."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _listed(record: Agreement | Curve) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(record).items()}


def _comparison(told: dict[str, Any]) -> Comparison:
    agreements = {name: Agreement(**_arrays(each)) for name, each in told["agreements"].items()}
    curves, others = (
        {name: Curve(**_arrays(each)) for name, each in told[kind].items()} for kind in ("curves", "other_curves")
    )
    return Comparison(tuple(told["rows"]), tuple(told["columns"]), told["instances"], agreements, curves, others)


def _arrays(told: dict[str, Any]) -> dict[str, Any]:
    def made(value: Sequence[Any]) -> Any:
        return np.array(value, dtype=np.float64)

    return {name: made(value) if isinstance(value, list) else value for name, value in told.items()}
