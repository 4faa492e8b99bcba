"""The map on screen as a picture for print."""

from __future__ import annotations

from embedviz import __version__
from embedviz.ui.group_columns import with_groups
from embedviz.ui.picture import Picture
from embedviz.ui.pictures import Order, picture_of
from embedviz.ui.provenance import vectors_line
from embedviz.ui.state import State
from embedviz.workers.picture_operations import pack_maps


def map_picture(picture: Picture, session: State, colour: str | None) -> None:
    """The choice of kinds and the file; nothing where there is no map."""
    projection, settings = picture.projection, picture.settings
    if projection is None:
        return
    instances, colour = with_groups(picture, colour, session)
    title = settings.layer or "the whole model"

    def order() -> Order:
        told, arrays = pack_maps({title: projection}, instances, colour)
        caption = f"{vectors_line(settings)} · embedviz {__version__}"
        return {"maps": told, "style": {"title": title, "caption": caption, "colour": colour}}, arrays

    picture_of("map", (settings.map_key, instances.name, colour, instances.columns.get(colour or "")), order)
