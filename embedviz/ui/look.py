"""How controls look where Streamlit's own look would not do."""

from __future__ import annotations

from typing import Literal

import streamlit as st


def main_button() -> Literal["primary", "secondary"]:
    """The type of the button that a person most likely wants next.

    Streamlit writes on primary buttons in white, which the dark theme's light blue does not carry (contrast 2.2).
    """
    return "secondary" if st.context.theme.type == "dark" else "primary"
