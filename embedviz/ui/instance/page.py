"""The Instance page: one input in depth, typed or chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

from embedviz.ui import flow, words
from embedviz.ui.address import bar
from embedviz.ui.compare.comparing import Comparing
from embedviz.ui.compare.made import Compared
from embedviz.ui.heading import about
from embedviz.ui.instance import choice, depth, layers, near, place, token_map, tokens, vector
from embedviz.ui.instance.awaited import made
from embedviz.ui.instance.near import Near
from embedviz.ui.instance.one import One, one_of
from embedviz.ui.instance.tokenizer_lab import tokenizer_lab
from embedviz.ui.picture import Picture, kept
from embedviz.ui.settings import Settings
from embedviz.ui.state import State, state


@dataclass(frozen=True, eq=False)
class Depth:
    """What a view may show: the instance, its neighbours, and the layers of the model where these are compared."""

    one: One
    near: Near
    session: State
    wanted: Comparing | None
    compared: Compared | None


def _through(seen: Depth) -> None:
    if seen.compared is None:
        layers.offer(seen.session, seen.wanted)
    elif seen.compared.maps is None:
        st.info(words.escape(seen.compared.unmapped), icon=":material/info:")
    else:
        depth.section(seen.one, seen.near, seen.session, seen.compared)


def _lab(seen: Depth) -> None:
    """The instance first, and after it the others whose tokens are drawn."""
    settings, session = seen.one.settings, seen.session
    if settings.opened.reads.modality != "text":
        st.info("This model reads no text, so it has no tokenizer.", icon=":material/info:")
        return
    there = dict(zip(seen.one.picture.instances.ids, seen.one.picture.instances.items, strict=True))
    others = [there[identity] for identity in session.looked.tokens_of if identity in there]
    tokenizer_lab(session, settings.opened, settings, [seen.one.item, *others])


VIEWS: dict[str, Callable[[Depth], None]] = {
    "Vector": lambda seen: vector.section(seen.one),
    "Tokens": lambda seen: tokens.section(seen.one, seen.session),
    "Layer by layer": _through,
    "Tokenizer lab": _lab,
    "Token by token": lambda seen: token_map.section(seen.one, seen.near, seen.session),
}


def page() -> None:
    """Draw the page for the session's settings, its map in 2-D."""
    session = state()
    settings = session.settings
    if settings is not None:
        settings = replace(settings, map=replace(settings.map, dimensions=2))
    wanted = layers.through_blocks(session) if settings is not None else None
    st.markdown("# Instance")
    flow.relevant(session, settings, layers.key_of(wanted) if wanted is not None else None)
    picture = _picture(session, settings) if settings is not None else None
    compared = layers.ensure(session, wanted) if picture is not None and not picture.preview else None
    flow.failure(session)
    flow.progress(session)
    if picture is None:
        _nothing_yet(session, settings)
        return
    _show(picture, session, wanted, compared)


def _picture(session: State, settings: Settings) -> Picture | None:
    """The picture that the instance is placed on; begins to make it where it is not kept.

    Once it is there, what the session is waiting for may be the layers.
    """
    found = kept(settings)
    if found is None or found.preview:
        return flow.ensure_picture(session, settings)
    flow.take_over(session)
    session.shown = settings
    return found


def _nothing_yet(session: State, settings: Settings | None) -> None:
    if session.instances is None:
        st.markdown("Bring instances in the sidebar: the one you look at is placed among them.")
    elif settings is None:
        st.markdown("There is no map to place an instance on; Explore says why.")
    elif session.job is None and session.failure is None:
        st.markdown("One instance in depth: its neighbours, its tokens, its way through the layers, its vector.")
        flow.run_button(session, settings, "run_here")


@st.fragment
def _show(picture: Picture, session: State, wanted: Comparing | None, compared: Compared | None) -> None:
    st.caption(about(picture.settings))
    choice.section(picture, session)
    one = one_of(picture, session)
    if one is None:
        st.info("There are no instances.")
        return
    if not _is_captured(one, session, wanted):
        return
    found = near.near_of(one)
    _told_of_cut(one)
    left, right = st.columns([10, 9], gap="medium")
    with left:
        place.section(one, session, wanted, compared)
    with right:
        near.section(one, found, session)
    view = st.segmented_control(
        "In depth",
        list(VIEWS),
        default=next(iter(VIEWS)),
        required=True,
        key="look_view",
        persist_state="session",
        help="What is shown of the instance below.",
    )
    VIEWS[str(view)](Depth(one, found, session, wanted, compared))
    bar.show(session)


def _told_of_cut(one: One) -> None:
    """Say at the top where the vector is of a part of the text only."""
    own = one.embeddings(one.settings)
    if own is not None and own.cut is not None and own.cut[0]:
        st.warning(
            f"The text is longer than the model reads: of its last {words.count(int(own.cut[0]), 'token')} the vector "
            "knows nothing.",
            icon=":material/content_cut:",
        )


def _is_captured(one: One, session: State, wanted: Comparing | None) -> bool:
    """Whether its vectors are there; asks the model for them, and says so where that takes long or fails."""
    asked = {"": one.settings, **(wanted.layers if wanted is not None else {})}
    missing = one.missing(asked)
    if not missing:
        return True
    key = ("one", one.settings.vectors_key, one.item, tuple(each.vectors_key for each in missing))
    return made("one", key, lambda job: one.capture(missing, job), session) and not one.missing(asked)
