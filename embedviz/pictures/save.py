"""A record as a picture in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from embedviz.depth import spread
from embedviz.errors import ExportError
from embedviz.records import AlignedMaps, Comparison, Instances, Projection

#: The kinds of files, said for a person who has to choose.
FORMATS = {"png": "PNG, 300 dots an inch", "svg": "SVG, text as text", "pdf": "PDF, text as text"}
#: Dots an inch at most: more would be millions of them.
_MOST_DPI = 1_200
#: What of a comparison is drawn where no measure is named.
CURVES = "curves"


def save_picture(
    drawn: Projection | AlignedMaps | Comparison,
    path: str | Path,
    instances: Instances | None = None,
    *,
    colour: str | None = None,
    shown: Sequence[str] = (),
    part: str = "mutual_neighbours",
    title: str = "",
    caption: str = "",
    dpi: int = 300,
) -> Path:
    """Write a picture for print, 160 mm wide: PNG, SVG or PDF by the ending of ``path``.

    A map, or several side by side (``shown``, six at most; evenly spread by default), needs its ``instances``, and is
    coloured by the column ``colour`` (by default their label). Of a comparison, ``part`` is a measure, drawn as a
    heatmap, or "curves". ``caption`` follows what stands below each picture: method, seed, share of kept neighbours.
    ``dpi`` is for PNG. Raises ExportError for another ending, ProjectionError for what does not fit together.
    """
    target = Path(path)
    kind = target.suffix.lower().removeprefix(".")
    target.write_bytes(
        draw(drawn, kind, instances, colour=colour, shown=shown, part=part, title=title, caption=caption, dpi=dpi)
    )
    return target


def draw(
    drawn: Projection | AlignedMaps | Comparison,
    kind: str,
    instances: Instances | None = None,
    *,
    colour: str | None = None,
    shown: Sequence[str] = (),
    part: str = "mutual_neighbours",
    title: str = "",
    caption: str = "",
    models: Sequence[str] = (),
    dpi: int = 300,
) -> bytes:
    """The file that ``save_picture`` writes. ``models`` are the names of two that are compared."""
    from embedviz.pictures.layers import curves, navigator
    from embedviz.pictures.maps import one_map, small_multiples
    from embedviz.pictures.paper import as_bytes, drawing

    if kind not in FORMATS:
        raise ExportError(
            "Pictures are written as PNG, SVG or PDF", value=kind or None, remedy="Use .png, .svg or .pdf."
        )
    if not 1 <= dpi <= _MOST_DPI:
        raise ExportError("So many dots an inch cannot be drawn", value=dpi, remedy=f"Take 1 to {_MOST_DPI:,}.")
    with drawing():
        if isinstance(drawn, Comparison):
            sheet = curves(drawn, models, caption) if part == CURVES else navigator(drawn, part, caption)
            return as_bytes(sheet, kind, dpi)
        if instances is None:
            raise ExportError("A map is drawn of instances", remedy="Give the instances that were projected.")
        colour = instances.label if colour is None else colour
        if isinstance(drawn, Projection):
            return as_bytes(one_map(drawn, instances, colour, title, caption), kind, dpi)
        some = tuple(shown)[:6] or spread(list(drawn.maps))
        return as_bytes(small_multiples(drawn, instances, colour, some, title, caption), kind, dpi)
