"""Pictures of a story's file, checked and built anew."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from typing import Any

from embedviz.errors import InstancesError
from embedviz.stories import pictures
from embedviz.stories.fields import Fields
from embedviz.stories.story import NAME, SENTENCE, StorySet

_PNG = b"\x89PNG\r\n\x1a\n"
#: Pixels along a side of a small picture at most.
_SIDE = 512


def checked_picture(fields: Fields, shown: StorySet) -> pictures.Picture:
    """A picture of a kind that is known, with nothing in it that does not belong there."""
    kind = fields.text("kind", 20)
    if kind not in _CHECKED:
        raise fields.damaged(f"there is no picture of the kind “{kind}”")
    return {"kind": kind, **_CHECKED[kind](fields, shown)}


def checked_png(text: str) -> str:
    """A small PNG file in base64, as it is."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = b""
    size = struct.unpack(">II", data[16:24]) if len(data) > 24 and data.startswith(_PNG) else (0, 0)
    if not all(0 < side <= _SIDE for side in size):
        raise InstancesError("A picture in this file is no small PNG", remedy="Ask for the file again.")
    return text


def _examples(fields: Fields, shown: StorySet) -> dict[str, Any]:
    groups = fields.content.get("groups", [])
    if not isinstance(groups, list) or len(groups) > pictures.MOST_EXAMPLES:
        raise fields.damaged("its groups are no short list")
    pairs = [Fields({"name": each[0], "count": each[1]} if isinstance(each, list) and len(each) == 2 else None, "group")
             for each in groups]  # fmt: skip
    return {
        "places": list(fields.wholes("places", pictures.MOST_EXAMPLES, 0, len(shown) - 1)),
        "groups": [[each.text("name", NAME), each.whole("count", 0, 10**12)] for each in pairs],
    }


def _strips(fields: Fields, shown: StorySet) -> dict[str, Any]:
    width = fields.whole("width", 1, 10**9)
    rows = []
    for each in fields.each("rows", pictures.MOST_STRIPS):
        values = each.text("values", 8 * pictures.MOST_NUMBERS)
        pictures.decode(values, "<f4", 1, min(width, pictures.MOST_NUMBERS))
        cosine = None if each.content.get("cosine") is None else each.number("cosine", -1.001, 1.001)
        rows.append({"place": each.whole("place", 0, len(shown) - 1), "values": values, "cosine": cosine})
    return {"width": width, "rows": rows}


def _bars(fields: Fields, _shown: StorySet) -> dict[str, Any]:
    rows = [_bar(each, "name", "told") for each in fields.each("rows", pictures.MOST_BARS)]
    reference = None if fields.content.get("reference") is None else _bar(fields.inner("reference"), "told")
    return {"rows": rows, "reference": reference, "caption": fields.text("caption", SENTENCE)}


def _bar(fields: Fields, *texts: str) -> dict[str, Any]:
    return {"value": fields.number("value", -1.001, 1.001), **{name: fields.text(name, SENTENCE) for name in texts}}


def _maps(fields: Fields, shown: StorySet) -> dict[str, Any]:
    mode, count = fields.text("mode", 10), len(shown)
    layers = [_layer(each, count) for each in fields.each("layers", pictures.MOST_LAYERS)]
    if mode not in ("maps", "flight") or not layers or len({each["name"] for each in layers}) < len(layers):
        raise fields.damaged("its maps are none that can be drawn")
    selected = list(fields.wholes("selected", 12, 0, count - 1))
    return {"mode": mode, "layers": layers, "selected": selected, "trusting": fields.truth("trusting")}


def _layer(fields: Fields, count: int) -> dict[str, Any]:
    most = 16 * count * pictures.NEIGHBOURS + 16
    found: dict[str, Any] = {name: fields.text(name, NAME) for name in ("name", "title", "caption")}
    found |= {name: fields.text(name, most) if fields.content.get(name) else None
              for name in ("places", "neighbours", "kept")}  # fmt: skip
    pictures.decode(found["places"] or "", "<f4", count, 2)
    if found["kept"]:
        pictures.decode(found["kept"], "<f4", count, 1)
    if found["neighbours"]:
        near = pictures.decode(found["neighbours"], "<i2", count)
        if near.shape[1] > pictures.NEIGHBOURS or not -1 <= near.min() <= near.max() < count:
            raise fields.damaged("its neighbours are not among the instances")
    return found


_CHECKED: dict[str, Callable[[Fields, StorySet], dict[str, Any]]] = {
    "examples": _examples,
    "strips": _strips,
    "bars": _bars,
    "maps": _maps,
}
