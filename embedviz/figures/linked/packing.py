"""Maps of the same instances, packed small for the browser: JSON with arrays as base64."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.errors import ProjectionError
from embedviz.figures.colours import FURTHER, OKABE_ITO, THEMES
from embedviz.figures.linked.looks import Looks, looks
from embedviz.figures.points import FADED, MOST_WITH_TEXT, canvas, check_column
from embedviz.figures.words import plain, shorten
from embedviz.records import FloatArray, Instances, IntArray, Projection

#: What the picture can be: small multiples, paths through all layers, or one map that changes from layer to layer.
MODES = ("maps", "trails", "flight")
#: Maps side by side, and paths at once, that an eye can still follow.
MOST_SHOWN, MOST_TRAILS = 6, 12
#: Neighbours that lines are drawn to, and instances above which the lines are not worth their bytes.
NEIGHBOURS, MOST_LINKED = 10, 5_000
#: Characters of a text, a layer's name and a line beneath a map that are sent.
TEXT, NAME, CAPTION = 300, 200, 120
#: A share of kept neighbours travels in hundredths; this stands for "not known".
UNKNOWN = 255


@dataclass(frozen=True)
class Packed:
    """Maps as the browser gets them: ``text`` is JSON, and ``digest`` tells any two apart.

    ``ids`` are the instances', ``names`` the layers', in order; ``about`` is the digest of the ids alone.
    """

    text: str = field(repr=False)
    digest: str
    about: str
    ids: tuple[str, ...] = field(repr=False)
    names: tuple[str, ...]

    def places(self, ids: Sequence[str]) -> list[int]:
        """Where the instances stand, in the order given; those that are not there are left out."""
        known = {identity: place for place, identity in enumerate(self.ids)}
        return [known[identity] for identity in dict.fromkeys(ids) if identity in known]

    def layers(self, shown: Sequence[str]) -> list[int]:
        """The places of the layers to show, six at most; the last layer where none of them is there."""
        found = [self.names.index(name) for name in dict.fromkeys(shown) if name in self.names]
        return found[:MOST_SHOWN] or [len(self.names) - 1]


def pack_maps(
    maps: Mapping[str, Projection],
    instances: Instances,
    *,
    colour: str | None = None,
    theme: str = "light",
    neighbours: Mapping[str, IntArray] | None = None,
    kept: Mapping[str, FloatArray] | None = None,
    titles: Mapping[str, str] | None = None,
    captions: Mapping[str, str] | None = None,
) -> Packed:
    """Pack 2-D maps of the same instances in one frame, layer → Projection in the order of depth.

    A place that is not finite is not drawn. ``colour`` names a column; without it all points look alike.
    ``neighbours`` are each layer's (instances, k) true neighbours, nearest first, -1 where there is none: the first
    ten are drawn as lines, up to 5,000 instances. ``kept`` is (instances,), the share in 0..1 of these that the map
    keeps, NaN where unknown. ``titles`` and ``captions`` stand above and beside the maps. ProjectionError where the
    arrays do not fit the instances, or there is no such column.
    """
    _check(maps, instances, colour)
    n = len(instances)
    first = next(iter(maps.values()))
    # The one canvas of the Explore page decides how large and how dense points are drawn.
    drawing = canvas(first.coordinates, instances, THEMES[theme], colour)
    seen = np.zeros(n, dtype=bool)
    for projection in maps.values():
        seen |= np.isfinite(projection.coordinates).all(axis=1)
    layers = [
        {
            "name": shorten(name, NAME),
            "title": shorten((titles or {}).get(name) or name or "whole model", NAME),
            "caption": shorten((captions or {}).get(name, ""), CAPTION),
            "places": _base64(_places(projection.coordinates), "<f4"),
            "neighbours": _neighbours((neighbours or {}).get(name), n),
            "kept": _kept((kept or {}).get(name), n),
        }
        for name, projection in maps.items()
    ]
    content = {
        "n": n,
        "ids": [shorten(identity, 40) for identity in instances.ids],
        "texts": [shorten(str(item)[: 4 * TEXT], TEXT) for item in instances.items] if n <= MOST_WITH_TEXT else None,
        "layers": layers,
        "size": drawing.size,
        "opacity": drawing.opacity,
        "faded": FADED,
        # Not the first categories' colours, so that a trail is not taken for one of their points.
        "trails": (FURTHER[theme] + OKABE_ITO[theme])[:MOST_TRAILS],
        "theme": _theme(theme),
        **_looks(looks(instances, colour, seen, theme)),
    }
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return Packed(text, _digest(text), _digest(json.dumps(instances.ids)), instances.ids, tuple(maps))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check(maps: Mapping[str, Projection], instances: Instances, colour: str | None) -> None:
    if not maps:
        raise ProjectionError("There is no map to draw", remedy="Project the embeddings of at least one layer.")
    for name, projection in maps.items():
        if projection.coordinates.shape != (len(instances), 2):
            raise ProjectionError(
                "Linked maps need a place in 2-D for each instance",
                value=f"{name}: coordinates {projection.coordinates.shape} for {len(instances)} instances",
                remedy="Project these same instances again, with dimensions=2.",
            )
    check_column(instances, colour)


def _places(coordinates: FloatArray) -> FloatArray:
    """Half a place is none: a row with one number that is not finite becomes NaN."""
    finite = np.isfinite(coordinates).all(axis=1, keepdims=True)
    return np.where(finite, coordinates, np.nan).astype(np.float32)


def _neighbours(indices: IntArray | None, n: int) -> dict[str, Any] | None:
    if indices is None or n > MOST_LINKED:
        return None
    if indices.ndim != 2 or len(indices) != n or (indices.size and not -1 <= indices.min() <= indices.max() < n):
        raise ProjectionError(
            "Neighbours need a row for each instance",
            value=f"{indices.shape} for {n} instances",
            remedy="Take the neighbours of these same instances.",
        )
    first = indices[:, :NEIGHBOURS]
    # 5,000 instances are numbered in half of 32 bits.
    return {"k": first.shape[1], "indices": _base64(first, "<i2")}


def _kept(shares: FloatArray | None, n: int) -> str | None:
    if shares is None:
        return None
    if shares.shape != (n,):
        raise ProjectionError(
            "Shares of kept neighbours need one number for each instance",
            value=f"{shares.shape} for {n} instances",
            remedy="Take them of these same instances.",
        )
    known = np.isfinite(shares)
    hundredths = np.rint(100 * np.clip(np.where(known, shares, 0), 0, 1))
    return _base64(np.where(known, hundredths, UNKNOWN), "u1")


def _base64(values: npt.NDArray[Any], kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode()


def _theme(name: str) -> dict[str, str]:
    theme = THEMES[name]
    return {"name": name, "ink": theme.ink, "muted": theme.muted, "line": theme.line, "background": theme.background}


def _looks(found: Looks) -> dict[str, Any]:
    return {
        "looks": [[look.colour, look.shape, look.weight] for look in found.looks],
        "look": _base64(found.of, "u1"),
        "legend": {
            "title": found.title,
            "entries": [[plain(name), count, look] for name, count, look in found.entries],
            "scale": found.scale,
        },
        "labels": found.labels,
    }
