"""A first walk through the app, in six steps at most, that can be left at any of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import streamlit as st

from embedviz.ui.look import main_button
from embedviz.ui.state import State


class Step(NamedTuple):
    """One step: the page it is on, a title, and what to do there."""

    page: str
    title: str
    text: str


STEPS = (
    Step(
        "Explore",
        "A real model has read 240 definitions",
        "Every point of the map is one dictionary definition. Points lie close together where the model's numbers for "
        "them are alike. **Click a point**: its true neighbours are joined to it, and listed beside the map with "
        "exact cosines.",
    ),
    Step(
        "Explore",
        "Every layer has its own map",
        "The tree on the left is the inside of the model. **Choose another block**: the map of that layer takes the "
        "place of this one. The star marks the layer whose vectors the model was trained to give.",
    ),
    Step(
        "Explore",
        "Bring your own",
        "Under **Checkpoint** you upload a model of yours, a folder, an archive or lone weights. Under **Instances** "
        "you type sentences, paste lines or bring a table.",
    ),
    Step(
        "Instance",
        "One sentence in depth",
        "**Type a sentence**: it lands on the map that is there, with its neighbours, its tokens, its way through the "
        "layers, and three lines of Python that give the same vector.",
    ),
    Step(
        "Compare",
        "Layers and models side by side",
        "Which layers agree, who changes company between two of them, and which layer to use, with the evidence.",
    ),
    Step(
        "Present",
        "Show it, and check it",
        "This page tells what the model makes of the set in plain words and large pictures. When vectors look wrong, "
        "the **Doctor** says what is wrong with the checkpoint and what to do.",
    ),
)


def tour(session: State, here: str, pages: Mapping[str, Any]) -> None:
    """The offer of a tour to whoever has just come, or the step it is at."""
    if session.tour is None:
        return
    if session.tour < 0:
        if here == STEPS[0].page:
            _offer(session)
        return
    step = STEPS[session.tour]
    with st.container(border=True, key="tour"):
        st.markdown(f"**{session.tour + 1} of {len(STEPS)} · {step.title}**")
        st.markdown(step.text)
        with st.container(horizontal=True, vertical_alignment="center"):
            if session.tour and st.button("Back", key="tour_back", icon=":material/arrow_back:"):
                _go(session, session.tour - 1, here, pages)
            last = session.tour == len(STEPS) - 1
            if st.button("Done" if last else "Next", key="tour_next", type=main_button()):
                _go(session, None if last else session.tour + 1, here, pages)
            if not last and st.button("Leave the tour", key="tour_leave", type="tertiary"):
                _go(session, None, here, pages)


def start(session: State, here: str, pages: Mapping[str, Any]) -> None:
    """Begin the tour, on the page of its first step."""
    _go(session, 0, here, pages)


def _offer(session: State) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="tour"):
        st.markdown("New here?", width="content")
        if st.button("Take the tour", key="tour_begin", icon=":material/signpost:", help="Six short steps."):
            session.tour = 0
            st.rerun()
        if st.button("No, thanks", key="tour_skip", type="tertiary", help="Help, below the sidebar, has it too."):
            session.tour = None
            st.rerun()


def _go(session: State, step: int | None, here: str, pages: Mapping[str, Any]) -> None:
    session.tour = step
    if step is not None and STEPS[step].page != here:
        st.switch_page(pages[STEPS[step].page])
    st.rerun()
