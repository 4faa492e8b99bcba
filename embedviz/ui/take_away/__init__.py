"""What a person can take from the Explore page: vectors, a page of HTML, pictures, a script that makes the vectors."""

from __future__ import annotations

import streamlit as st

from embedviz.ui.address.link import link
from embedviz.ui.picture import Picture
from embedviz.ui.session_file.saving import save_session
from embedviz.ui.state import State
from embedviz.ui.take_away.map_picture import map_picture
from embedviz.ui.take_away.page import page
from embedviz.ui.take_away.script import script
from embedviz.ui.take_away.vectors import vectors

__all__ = ["take_away"]


def take_away(picture: Picture, session: State, colour: str | None) -> None:
    """A choice of files, each made when it is asked for. ``colour`` is the column the map is coloured by."""
    with st.popover("Take away", icon=":material/download:", help="Files of what is on this page."):
        vectors(picture)
        if not picture.preview:
            page(picture, session, colour)
            map_picture(picture, session, colour)
            save_session(picture, session)
        # A link is made of the choices as they are now.
        if session.settings is not None and session.settings.map_key == picture.settings.map_key:
            link(session)
        script(picture)
