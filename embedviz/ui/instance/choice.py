"""What the page is about: a sentence that is typed, or an instance of the set."""

from __future__ import annotations

import streamlit as st

from embedviz.ui import words
from embedviz.ui.look import main_button
from embedviz.ui.picture import Picture
from embedviz.ui.state import State
from embedviz.ui.tables.selection import choose_one


def section(picture: Picture, session: State) -> None:
    """The field to type in, where the model reads text, and the list of the set."""
    if picture.instances.modality != "text":
        _of_the_set(picture, session)
        return
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        _typed(session)
    with right:
        _of_the_set(picture, session)
    _again(session)


def _of_the_set(picture: Picture, session: State) -> None:
    def choose(identity: str | None) -> None:
        session.looked.own, session.looked.partner = None, None
        session.select((identity,) if identity else ())

    now = None if session.looked.own is not None else session.focus or next(iter(picture.instances.ids), None)
    choose_one(
        picture.instances,
        now,
        choose,
        label="Or choose one of the set",
        key="look_at",
        help="The page is about this instance; a click on the map chooses one too.",
    )


def _typed(session: State) -> None:
    with st.form("look", border=False):
        field, button = st.columns([5, 1], vertical_alignment="bottom")
        text = field.text_input(
            "Type a sentence",
            key="look_text",
            placeholder="Type a sentence and press Enter",
            persist_state="session",
            help="It is put where it belongs on the map that is there; the set and its map stay as they are.",
        )
        pressed = button.form_submit_button("Show", type=main_button(), width="stretch")
    if pressed and text and text.strip():
        session.looked.look_at(text.strip())
    elif pressed:
        st.caption("Type some words first.")


def _again(session: State) -> None:
    """What was typed before, to go back to, and a way to keep what is typed now."""
    looked = session.looked
    if not looked.typed:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        for place, text in enumerate(looked.typed):
            if text == looked.own:
                continue
            label = words.escape(words.shorten(text, 32))
            st.button(label, key=f"again_{place}", type="tertiary", on_click=looked.look_at, args=(text,))
        if looked.own is not None and st.button(
            "Add to the set",
            key="look_add",
            icon=":material/add:",
            help="Makes it one of the instances: the maps of all pages are drawn anew, with it.",
        ):
            text, looked.own = looked.own, None
            session.add(text)
