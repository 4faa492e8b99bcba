"""The pictures of a story as plain data, and how each is dressed for the browser.

Each is a dict with its ``kind``: "examples" (places, and how many of each kind), "strips" (a vector as a row of
colours), "maps" (one map, several, or a flight through them), "bars".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.errors import InstancesError
from embedviz.figures.linked import pack_maps
from embedviz.figures.words import shorten
from embedviz.records import FloatArray, IntArray, Projection
from embedviz.stories.story import NAME, SHOWN, StorySet

#: Numbers of a vector that a strip shows, and neighbours that a map draws lines to.
MOST_NUMBERS, NEIGHBOURS = 512, 10
#: Layers of one picture, bars, strips, and instances shown as examples.
MOST_LAYERS, MOST_BARS, MOST_STRIPS, MOST_EXAMPLES = 12, 24, 6, 12

Picture = Mapping[str, Any]


def examples(places: Sequence[int], groups: Sequence[tuple[str, int]] = ()) -> Picture:
    """Some instances, and how many there are of each kind."""
    counts = [[shorten(name, NAME), count] for name, count in groups]
    return {"kind": "examples", "places": list(places), "groups": counts}


def strips(rows: Sequence[tuple[int, FloatArray, float | None]]) -> Picture:
    """Vectors as rows of colours: an instance's place, its (width,) vector, and its cosine to the first."""
    width = len(rows[0][1])
    shown = [
        {"place": place, "values": encode(vector[:MOST_NUMBERS], "<f4"), "cosine": cosine}
        for place, vector, cosine in rows
    ]
    return {"kind": "strips", "width": width, "rows": shown}


def bars(
    rows: Sequence[tuple[str, float, str]], *, reference: tuple[float, str] | None = None, caption: str = ""
) -> Picture:
    """Names with a share or cosine in 0..1 and what it is called; a line at ``reference`` to compare them with."""
    shown = [
        {"name": shorten(name, SHOWN), "value": float(value), "told": told} for name, value, told in rows[:MOST_BARS]
    ]
    line = {"value": float(reference[0]), "told": reference[1]} if reference else None
    return {"kind": "bars", "rows": shown, "reference": line, "caption": caption}


def maps(
    drawn: Mapping[str, Projection],
    *,
    mode: str = "maps",
    neighbours: Mapping[str, IntArray] | None = None,
    shares: Mapping[str, FloatArray] | None = None,
    titles: Mapping[str, str] | None = None,
    captions: Mapping[str, str] | None = None,
    selected: Sequence[int] = (),
    trusting: bool = False,
) -> Picture:
    """Maps of the same instances, layer → 2-D projection; ``mode`` is "maps" or "flight".

    ``selected`` are the places of instances whose lines to their true neighbours are drawn. ``trusting``: points fade
    with their share of kept neighbours.
    """

    near, kept = neighbours or {}, shares or {}

    layers = [
        {
            # What tells layers apart stands at the end of their names.
            "name": name[-NAME:],
            "title": (titles or {}).get(name, name)[-NAME:],
            "caption": shorten((captions or {}).get(name, ""), NAME),
            "places": encode(projection.coordinates, "<f4"),
            "neighbours": encode(near[name][:, :NEIGHBOURS], "<i2") if name in near else None,
            "kept": encode(kept[name], "<f4") if name in kept else None,
        }
        for name, projection in drawn.items()
    ]
    return {"kind": "maps", "mode": mode, "layers": layers, "selected": list(selected), "trusting": trusting}


def encode(values: npt.NDArray[Any], kind: str) -> str:
    """An array's numbers as base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")


def decode(text: str, kind: str, rows: int, columns: int | None = None) -> npt.NDArray[Any]:
    """(rows, columns) numbers from base64, None for any number of columns; InstancesError where they do not fit."""
    try:
        data = base64.b64decode(text, validate=True)
        return np.frombuffer(data, dtype=kind).reshape(rows, -1 if columns is None and rows else columns or 0)
    except ValueError as error:
        raise InstancesError("The numbers of a picture are damaged", remedy="Ask for the file again.") from error


def dressed(picture: Picture, shown: StorySet) -> dict[str, Any]:
    """The picture as the browser draws it, with the texts it shows."""
    return _DRESS[picture["kind"]](picture, shown)


def _examples(picture: Picture, shown: StorySet) -> dict[str, Any]:
    return {**picture, "rows": [shown.shown(place) for place in picture["places"]], "rest": len(shown)}


def _strips(picture: Picture, shown: StorySet) -> dict[str, Any]:
    return {**picture, "rows": [{**row, **shown.shown(row["place"])} for row in picture["rows"]]}


def _as_it_is(picture: Picture, _shown: StorySet) -> dict[str, Any]:
    return dict(picture)


def _maps(picture: Picture, shown: StorySet) -> dict[str, Any]:
    """Packed for the light theme, and what of it is otherwise in the dark one."""
    count, layers = len(shown), picture["layers"]
    drawn = {each["name"]: Projection(decode(each["places"], "<f4", count, 2), "", {}, 0) for each in layers}
    packed = {
        theme: json.loads(
            pack_maps(
                drawn,
                shown.instances,
                colour=shown.label if shown.labels else None,
                theme=theme,
                neighbours={
                    each["name"]: decode(each["neighbours"], "<i2", count) for each in layers if each["neighbours"]
                },
                kept={each["name"]: decode(each["kept"], "<f4", count, 1)[:, 0] for each in layers if each["kept"]},
                titles={each["name"]: each["title"] for each in layers},
                captions={each["name"]: each["caption"] for each in layers},
            ).text
        )
        for theme in ("light", "dark")
    }
    dark = {name: value for name, value in packed["dark"].items() if value != packed["light"][name]}
    settings = {name: picture[name] for name in ("kind", "mode", "selected", "trusting")}
    return {**settings, "maps": packed["light"], "dark": dark}


_DRESS: dict[str, Callable[[Picture, StorySet], dict[str, Any]]] = {
    "examples": _examples,
    "strips": _strips,
    "bars": _as_it_is,
    "maps": _maps,
}
