"""The view in which a story is put together: its steps in order, their words, and the files it is saved in."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from embedviz.errors import EmbedvizError
from embedviz.stories import Step, Story, offline_page, read_story, write_story
from embedviz.stories.file import MOST_BYTES
from embedviz.stories.story import MOST_SENTENCES, SENTENCE, TITLE
from embedviz.ui import words
from embedviz.ui.look import main_button
from embedviz.ui.present.presenting import Presenting
from embedviz.ui.state import State


def edit(session: State, story: Story | None) -> None:
    """Edit the person's own story; ``story`` is what would be presented now."""
    presenting = session.present
    left, right = st.columns([3, 1], gap="large")
    with right:
        _files(presenting, story)
    with left:
        if not presenting.use_own:
            _begin(presenting, story)
            return
        _title(presenting)
        for place, (number, step) in enumerate(zip(presenting.numbers, presenting.own.steps, strict=True)):
            with st.container(border=True, key=f"step_{number}"):
                _step(presenting, number, place, step)


def _begin(presenting: Presenting, story: Story | None) -> None:
    """How one comes to a story of one's own."""
    st.markdown("This story is made of the settings in the sidebar, and follows them.")
    if story is not None and st.button(
        "Make it your own",
        key="own_story",
        type=main_button(),
        icon=":material/edit:",
        help="Take its steps over as they are now, to reorder, remove and reword them. Settings then change nothing.",
    ):
        if presenting.own.steps:
            for step in story.steps:
                _added(presenting, step)
        else:
            presenting.open(story)
        st.rerun()
    if presenting.own.steps:
        st.caption("Its steps are then added at the end of your own story.")
    st.markdown(
        "Or press “Add to the story” below a map on Explore, Compare or Instance, or open a story that was saved."
    )


def _added(presenting: Presenting, step: Step) -> None:
    try:
        presenting.add(step)
    except EmbedvizError as error:
        st.toast(words.prose(error), icon=":material/error:")


def _title(presenting: Presenting) -> None:
    key = f"story_title_{hash(presenting.numbers[:1])}_{presenting.file}"

    def change() -> None:
        presenting.own = replace(presenting.own, title=str(st.session_state[key] or ""))

    st.text_input(
        "Title",
        presenting.own.title,
        key=key,
        max_chars=TITLE,
        help="Stands above the story and names its files.",
        on_change=change,
    )


def _step(presenting: Presenting, number: int, place: int, step: Step) -> None:
    def retitle() -> None:
        presenting.change(number, title=str(st.session_state[f"title_{number}"] or ""))

    def reword() -> None:
        lines = [line.strip() for line in str(st.session_state[f"said_{number}"] or "").splitlines() if line.strip()]
        kept = (*lines[: MOST_SENTENCES - 1], " ".join(lines[MOST_SENTENCES - 1 :])[:SENTENCE])
        presenting.change(number, sentences=tuple(line[:SENTENCE] for line in kept if line))

    st.text_input(
        f"Step {place + 1}",
        step.title,
        key=f"title_{number}",
        max_chars=TITLE,
        help="The large line at the top of the slide.",
        on_change=retitle,
    )
    st.text_area(
        "Sentences, one a line",
        "\n".join(step.sentences),
        key=f"said_{number}",
        height=112,
        max_chars=MOST_SENTENCES * SENTENCE,
        help="Numbers that you write are yours to answer for; the line below says which settings the first were from.",
        on_change=reword,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(words.escape(f"From {step.source.line}"), width="stretch")
        _buttons(presenting, number, place)


def _buttons(presenting: Presenting, number: int, place: int) -> None:
    last = len(presenting.own) - 1
    st.button(
        "Up", key=f"up_{number}", icon=":material/arrow_upward:", disabled=place == 0,
        help="Tell it before the step above.", on_click=presenting.move, args=(number, -1),
    )  # fmt: skip
    st.button(
        "Down", key=f"down_{number}", icon=":material/arrow_downward:", disabled=place == last,
        help="Tell it after the step below.", on_click=presenting.move, args=(number, 1),
    )  # fmt: skip
    st.button(
        "Remove", key=f"remove_{number}", icon=":material/delete:",
        help="Take this step out of the story.", on_click=presenting.remove, args=(number,),
    )  # fmt: skip


def _files(presenting: Presenting, story: Story | None) -> None:
    """Save the story in two ways, and open one."""
    if story is not None and story.steps:
        try:
            data = presenting.of_story("file", story, write_story)
            page = presenting.of_story("page", story, lambda each: offline_page(each).encode())
        except EmbedvizError as error:
            st.error(words.prose(error), icon=":material/error:")
        else:
            name = words.file_name(story.title)
            st.download_button(
                "Save the story",
                data,
                f"{name}.story.json",
                "application/json",
                key="save_story",
                icon=":material/save:",
                width="stretch",
                on_click="ignore",
                help="With its texts, labels and pictures, to be opened here again. Nothing of the model is in it.",
            )
            st.download_button(
                "One offline page",
                page,
                f"{name}.html",
                "text/html",
                key="offline_story",
                icon=":material/html:",
                width="stretch",
                on_click="ignore",
                help="The whole presentation in one file that opens in any browser, without a network.",
            )
    _open(presenting)


def _open(presenting: Presenting) -> None:
    uploaded = st.file_uploader(
        "Open a story",
        type=["json"],
        key="story_file",
        max_upload_size=MOST_BYTES // 1_000_000,
        help="A file that “Save the story” wrote. It takes the place of your own story.",
    )
    if uploaded is None or uploaded.file_id == presenting.file:
        return
    try:
        story = read_story(uploaded.getvalue())
    except EmbedvizError as error:
        st.error(words.prose(error), icon=":material/error:")
        return
    presenting.file = uploaded.file_id
    presenting.open(story)
    st.rerun()
