"""The Explore page as one HTML file."""

from __future__ import annotations

import streamlit as st

from embedviz.export.page import MOST, Cosines, Page
from embedviz.records import Likeness
from embedviz.ui.group_columns import with_groups
from embedviz.ui.picture import Picture
from embedviz.ui.provenance import line
from embedviz.ui.state import State
from embedviz.ui.thumbnails import thumbnails


def page(picture: Picture, session: State, colour: str | None) -> None:
    """A button for the file, or why there is none."""
    if len(picture.instances) > MOST:
        st.caption(f"A page of HTML carries the neighbours of up to {MOST:,} instances; these are more.")
        return
    st.download_button(
        "Page of HTML",
        lambda: made(picture, session, colour),
        "explore.html",
        "text/html",
        key="take_page",
        icon=":material/html:",
        on_click="ignore",
        help="The map and the tables in one file that opens from disk, with search and without a network. It holds "
        "the instances, but no weights.",
    )


def made(picture: Picture, session: State, colour: str | None) -> str:
    """The file."""
    instances, colour = with_groups(picture, colour, session)
    drawn = picture.settings.postprocessing.replace("l2", "none")
    names = dict.fromkeys((drawn, *picture.similarity))
    return Page(
        title=picture.settings.layer or "the whole model",
        provenance=line(picture),
        instances=instances,
        cosines={name: _cosines(picture.similarity[name]) for name in names},
        projection=picture.projection,
        unmapped=picture.unmapped,
        colour=colour,
        pictures=thumbnails(instances),
    ).html()


def _cosines(found: Likeness) -> Cosines:
    return Cosines(found.indices, found.cosines, found.most, found.least, found.crowding)
