"""A button on other pages that adds what they show to the person's own story."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from embedviz.errors import EmbedvizError
from embedviz.stories import Step
from embedviz.ui import words
from embedviz.ui.present.presenting import Presenting


def add_to_story(presenting: Presenting, make: Callable[[], Step], *, key: str) -> None:
    """A button "Add to the story"; ``make`` makes the step when it is pressed, and may raise EmbedvizError."""
    if not st.button(
        "Add to the story",
        key=key,
        icon=":material/add_to_queue:",
        help="What you see here becomes a step of your own story on the Present page, with its words to edit there.",
    ):
        return
    try:
        with st.spinner("Taking it down"):
            count = presenting.add(make())
    except EmbedvizError as error:
        st.error(words.prose(error), icon=":material/error:")
        return
    st.toast(f"This is step {count} of your story on the Present page.", icon=":material/slideshow:")
