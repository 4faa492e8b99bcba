"""The player on the page, a component of our own; the same that stands in a story's offline page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from embedviz.stories import Story
from embedviz.stories.offline import asset, played, script

_KEY = "story_player"
_COMPONENT = st.components.v2.component(
    "embedviz_story_player",
    html=asset("player.html"),
    css=asset("player.css"),
    js=script("component.js"),
)


def dressed(story: Story) -> tuple[dict[str, Any], str]:
    """The story as its player gets it, and a digest that tells any two apart."""
    told = played(story)
    return told, hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def player(
    told: tuple[dict[str, Any], str],
    *,
    live: Sequence[bool],
    answer: dict[str, Any] | None,
    on_ask: Callable[[Any], None],
) -> None:
    """Show a story. ``live``: at which steps a sentence may be typed; ``on_ask`` gets it before the script runs."""

    def ask() -> None:
        on_ask((st.session_state.get(_KEY) or {}).get("asked"))

    story, digest = told
    theme = "dark" if st.context.theme.type == "dark" else "light"
    _COMPONENT(
        key=_KEY,
        data={"key": _KEY, "story": story, "digest": digest, "theme": theme, "live": list(live), "answer": answer},
        on_asked_change=ask,
    )
