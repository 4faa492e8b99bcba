"""The picture under the pointer on the map, a component of our own: plotly's labels hold text only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

#: Characters of all pictures together that are sent to the browser; beyond that the tables show them.
_MOST = 6_000_000


def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_COMPONENT = st.components.v2.component(
    "embedviz_hover_card", html="<img alt hidden>", css=_asset("card.css"), js=_asset("card.js")
)


def hover_card(pictures: Mapping[str, str], *, inside: str, key: str) -> None:
    """Show ``pictures`` (data URIs by a point's id) over the map in the container with the key ``inside``."""
    if pictures and sum(map(len, pictures.values())) <= _MOST:
        _COMPONENT(key=key, data={"inside": inside, "pictures": dict(pictures)}, height=1)
