"""A link to what is on the page, for colleagues on the same server."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import streamlit as st

from embedviz.errors import EmbedvizError
from embedviz.ui import words
from embedviz.ui.address.kept import UNSHARED, UPLOADED, sets
from embedviz.ui.address.telling import brought, words_of
from embedviz.ui.state import State


def link(session: State, page: str = "") -> None:
    """The link; a person's own instances are kept for it at the press of a button. ``page`` is the path of the page."""
    said = words_of(session, page)
    if said is None:
        return
    if said.get("set") == UNSHARED:
        if not st.button(
            "Copy link",
            key="make_link",
            icon=":material/link:",
            help="Keeps your own instances on this server for a week, under a name that nobody can guess. Whoever has "
            "the link can see them.",
        ):
            return
        if not _keep(session):
            return
        said = words_of(session, page) or said
    # Streamlit's own address of the app may or may not have the page's path in it.
    base = (st.context.url or "").rstrip("/").removesuffix(f"/{page or 'explore'}")
    st.code(f"{base}/{page}?{urlencode(said)}".removesuffix("?"), language=None)
    told = f"Whoever opens this link on this server sees this {'comparison' if page else 'picture'}."
    if "set" in said:
        day = datetime.fromtimestamp(session.address.until, UTC)
        told += f" The instances are kept until {day.day} {day:%B %Y}, or until the server is started anew."
    if UPLOADED in (said.get("model"), said.get("other")):
        told = "An uploaded checkpoint is never shared by a link: whoever opens this one has to open it, too."
    st.caption(told)


def _keep(session: State) -> bool:
    """Keep the session's instances for a link; whether that went well, else it is said."""
    held, address = brought(session), session.address
    try:
        address.token, address.until = sets.keep(held)
    except EmbedvizError as error:
        st.info(words.escape(error), icon=":material/info:")
        return False
    address.shared = held
    return True
