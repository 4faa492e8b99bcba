"""The Present page: a story in large type, for people who do not program, and the view in which it is edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from embedviz.stories import Story
from embedviz.ui import flow, words
from embedviz.ui.cost import quick
from embedviz.ui.present import trying
from embedviz.ui.present.edit import edit
from embedviz.ui.present.made import Wanted, kept, make, wanted
from embedviz.ui.present.player import dressed, player
from embedviz.ui.present.presenting import Presenting
from embedviz.ui.state import State, state

VIEWS = {"present": ("Present", ":material/slideshow:"), "edit": ("Edit the story", ":material/edit:")}
_STORIES = {False: "Of what is on screen", True: "Your own"}


def page() -> None:
    """Draw the page: the story of the settings, or the person's own."""
    session = state()
    presenting = session.present
    with st.container(horizontal=True, vertical_alignment="center"):
        heading = st.container()
        _which(presenting)
        chosen = _view()
    if presenting.use_own:
        flow.relevant(session, None)
    story = presenting.own if presenting.use_own else _of_settings(session)
    heading.markdown(f"# {words.escape(story.title) if story is not None else 'Present'}")
    if chosen == "edit":
        edit(session, story)
        return
    if story is None:
        _none_yet(session)
    elif story.steps:
        _play(story, session)
    flow.failure(session)
    flow.progress(session)


def _view() -> str:
    return str(
        st.segmented_control(
            "View",
            list(VIEWS),
            default="present",
            required=True,
            format_func=lambda view: f"{VIEWS[view][1]} {VIEWS[view][0]}",
            key="present_view",
            label_visibility="collapsed",
            help="Show the story, or change its steps and words, save it and open another.",
            persist_state="session",
        )
    )


def _which(presenting: Presenting) -> None:
    """The story made of the settings or the person's own, where there is one."""
    if not presenting.own.steps:
        return
    # A new key for each choice made elsewhere.
    key = f"which_story_{presenting.use_own}"

    def choose() -> None:
        presenting.use_own = bool(st.session_state[key])

    st.segmented_control(
        "Story",
        list(_STORIES),
        default=presenting.use_own,
        required=True,
        format_func=lambda own: _STORIES[own] + (f" ({len(presenting.own)})" if own else ""),
        key=key,
        label_visibility="collapsed",
        help="The story that is made of the sidebar's settings, or the one that you put together yourself.",
        on_change=choose,
    )


def _of_settings(session: State) -> Story | None:
    """The story of the sidebar's settings as far as it is made; begins where that is quick."""
    if session.settings is None:
        flow.relevant(session, None)
        return None
    want = wanted(session.settings)
    key = ("present", want.key)
    flow.relevant(session, None, key)
    story, whole = kept(want)
    if whole:
        if session.job is not None and session.job.key != key:
            session.leave_job()
        session.job = None
        return story
    flow.go_on(session, key, _making(want), quick=quick(want.seconds))
    return kept(want)[0]


def _making(want: Wanted) -> Callable[..., None]:
    return lambda job: make(want, job)


def _none_yet(session: State) -> None:
    if session.settings is None:
        st.markdown("Open a checkpoint and bring instances in the sidebar: what the model makes of them is told here.")
        st.markdown("Or open a story that was saved: “Edit the story”.")
    elif session.job is not None:
        st.container(height=480, border=True)
    elif session.failure is None:
        want = wanted(session.settings)
        st.markdown(f"A story of {words.count(len(want.settings.instances), 'instance')}.")
        if flow.press_run("run_present", want.seconds, want.size):
            flow.begin(session, ("present", want.key), _making(want))
            st.rerun()


@st.fragment
def _play(story: Story, session: State) -> None:
    """The player. A sentence that is tried runs this alone, so the slide stays as it is."""
    presenting, opened = session.present, session.opened

    def ask(asked: Any) -> None:
        presenting.answer = trying.answer(story, opened, asked, session.id)

    live = [trying.can_try(step, opened) for step in story.steps]
    told = presenting.of_story("played", story, dressed)
    player(told, live=live, answer=presenting.answer, on_ask=ask)
