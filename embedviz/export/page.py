"""The Explore page as one HTML file: the map, and who is similar to whom. No network, no weights, all text inert."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.errors import ExportError
from embedviz.export.markup import safe
from embedviz.figures.flat import flat
from embedviz.figures.linked import pack_maps, standalone
from embedviz.figures.survival import survive_sentence
from embedviz.figures.words import plain, shorten
from embedviz.records import Embeddings, FloatArray, Instances, IntArray, Projection

#: Instances that a file can carry the neighbours of, neighbours of each, pairs at either end, characters of a text.
MOST, NEIGHBOURS, PAIRS, TEXT = 20_000, 20, 50, 2_000
#: The ways of post-processing whose cosines are in the file, as a person says them.
KINDS = {"none": "raw", "centred": "centred", "standardised": "standardised"}


@dataclass(frozen=True, eq=False)
class Cosines:
    """Who is similar to whom by one kind of cosine: (instances, k) neighbours, nearest first, and their cosines.

    ``most`` and ``least`` are pairs (any, 2) with their cosines, ``crowding`` the mean cosine of all pairs.
    """

    indices: IntArray
    cosines: FloatArray
    most: tuple[IntArray, FloatArray]
    least: tuple[IntArray, FloatArray]
    crowding: float | None = None


def cosines_of(embeddings: Embeddings, postprocessing: str = "none") -> Cosines:
    """All that the file says of cosines. ProjectionError for vectors with NaN or infinity."""
    from embedviz.similarity import mean_cosine, neighbours, pairs
    from embedviz.vectors import postprocess

    processed = postprocess(embeddings, postprocessing)
    near, ends = neighbours(processed, k=NEIGHBOURS), pairs(processed, k=PAIRS)
    most, least = (
        (
            np.array([(pair.i, pair.j) for pair in listed], dtype=np.int64).reshape(-1, 2),
            np.array([pair.cosine for pair in listed], dtype=np.float32),
        )
        for listed in (ends.most, ends.least)
    )
    return Cosines(near.indices, near.cosines, most, least, mean_cosine(processed))


@dataclass(frozen=True, eq=False)
class Page:
    """What the file shows of ``instances``.

    ``provenance`` says in a line where it comes from. ``cosines`` are by post-processing ("none" is raw), the one that
    is shown first first. ``projection`` is None where there is no map, which ``unmapped`` gives the reason of;
    ``caption`` stands below it. ``colour`` is a column, ``pictures`` are data URIs by id.
    """

    title: str
    provenance: str
    instances: Instances
    cosines: Mapping[str, Cosines]
    projection: Projection | None = None
    unmapped: str = ""
    caption: str = ""
    colour: str | None = None
    pictures: Mapping[str, str] = field(default_factory=dict)

    def html(self) -> str:
        """The whole file. ExportError for more instances than it can carry."""
        if len(self.instances) > MOST:
            raise ExportError(
                f"A page of HTML is for up to {MOST:,} instances",
                value=f"{len(self.instances):,} instances",
                remedy="Choose fewer instances, or take the vectors away as Parquet.",
            )
        beside = Path(__file__)
        # A text must not end the element that holds it, nor open a comment in it.
        data = json.dumps(self._data(), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
        return Template(beside.with_name("page.html").read_text("utf-8")).substitute(
            title=safe(plain(self.title)),
            provenance=safe(plain(self.provenance)),
            map=self._map(),
            data=data,
            script=beside.with_name("page.js").read_text("utf-8"),
        )

    def _map(self) -> str:
        drawn = self.projection
        if drawn is None:
            return f"<p class='small'>{safe(plain(self.unmapped))}</p>"
        shown = replace(drawn, coordinates=flat(drawn.coordinates))
        near = next(iter(self.cosines.values())).indices
        packed = pack_maps({self.title: shown}, self.instances, colour=self.colour, neighbours={self.title: near})
        side = "A map in 3-D, seen from one side" if drawn.dimensions == 3 else ""
        told = [part.rstrip(".") for part in (side, survive_sentence(drawn), self.caption, drawn.note) if part]
        picture = standalone(packed, shown=[self.title], alt=f"Map of {len(self.instances):,} instances", height=560)
        caption = safe(plain(". ".join([*told, ""])))
        return f"{picture}<p class='small'>{caption}</p>"

    def _data(self) -> dict[str, Any]:
        instances = self.instances
        labels = instances.columns.get(self.colour) if self.colour else instances.labels
        return {
            "ids": [shorten(identity, 80) for identity in instances.ids],
            "texts": [shorten(str(item)[: 2 * TEXT], TEXT) for item in instances.items],
            "labels": ["" if label is None else shorten(label, 80) for label in labels] if labels else None,
            "label": shorten(self.colour or instances.label or "", 40),
            "item": instances.item_name,
            "pictures": [self.pictures.get(identity, "") for identity in instances.ids] if self.pictures else None,
            "kinds": [_packed(name, each) for name, each in self.cosines.items()],
        }


def _packed(name: str, found: Cosines) -> dict[str, Any]:
    k = min(NEIGHBOURS, found.indices.shape[1])
    return {
        "name": KINDS.get(name, name),
        "k": k,
        "indices": _base64(found.indices[:, :k], "<i4"),
        # To four decimals, of which three are shown.
        "cosines": _base64(np.rint(np.nan_to_num(found.cosines[:, :k]) * 10_000), "<i2"),
        "most": _pairs(*found.most),
        "least": _pairs(*found.least),
        "crowding": found.crowding,
    }


def _pairs(places: IntArray, cosines: FloatArray) -> list[list[float]]:
    return [
        [int(one), int(other), round(float(cosine), 4)] for (one, other), cosine in zip(places, cosines, strict=True)
    ]


def _base64(values: npt.NDArray[Any], kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode()
