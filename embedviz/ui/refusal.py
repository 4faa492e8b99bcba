"""What a press of a button was refused with stays said: the page is drawn again by itself at any time, and the press is
not there any more by then."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import streamlit as st

from embedviz.errors import EmbedvizError
from embedviz.ui.state import State
from embedviz.ui.words import escape


def attempt(state: State, place: str, brought: Hashable, pressed: object, do: Callable[[], None]) -> None:
    """``do`` it where that was ``pressed`` for. Where it is refused, say why for as long as ``brought`` is the same."""
    if pressed:
        state.refused.pop(place, None)
        try:
            do()
        except EmbedvizError as error:
            state.refused[place] = (brought, error)
    refused = state.refused.get(place)
    if refused is not None and refused[0] == brought:
        st.error(escape(refused[1]))
