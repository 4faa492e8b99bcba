"""The browser's address bar, brought up to date by a component of our own.

``st.query_params`` would add each choice to the browser's history: leaving a page took a press of Back for each.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from embedviz.ui.address.kept import NAMES, PARAMETER
from embedviz.ui.address.telling import words_of
from embedviz.ui.state import State

_COMPONENT = st.components.v2.component(
    "embedviz_address", html="<span></span>", js=Path(__file__).with_name("bar.js").read_text(encoding="utf-8")
)


def show(session: State, page: str = "") -> None:
    """Bring the address up to date, where that was not done in this run. Stands in the innermost part of a page that
    is drawn by itself, so that its choices arrive too. A story of one's own is not in the address, so that the browser
    asks before it is lost by leaving or by F5.
    """
    said = words_of(session, page)
    if said is not None:
        data = {"words": said, "names": list(NAMES), "parameter": PARAMETER, "asks": bool(session.present.own.steps)}
        _COMPONENT(key="address", data=data, height=1)
        session.address.shown = True
