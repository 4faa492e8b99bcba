"""The Explore page: one layer's map, and beside it who is similar to whom."""

from __future__ import annotations

from typing import Any

import streamlit as st

from embedviz.figures import CONFIG, describe, scatter
from embedviz.projection.told import told
from embedviz.ui import flow, tables, words
from embedviz.ui.address import bar
from embedviz.ui.asides import take_stock
from embedviz.ui.group_columns import about_groups, with_groups
from embedviz.ui.heading import about
from embedviz.ui.hover_card import hover_card
from embedviz.ui.map_choice import TRUST, MapChoice, map_choice
from embedviz.ui.not_said import not_said
from embedviz.ui.opened import Opened
from embedviz.ui.picture import Picture, kept
from embedviz.ui.present.adding import add_to_story
from embedviz.ui.present.steps import explore_step
from embedviz.ui.settings import Settings
from embedviz.ui.state import State, state
from embedviz.ui.take_away import take_away
from embedviz.ui.thumbnails import thumbnails
from embedviz.ui.trust import shares_of, survival

#: Lines drawn from the chosen instance to its true neighbours.
_LINES = 10


def page() -> None:
    """Draw the page for the session's settings."""
    session = state()
    settings = session.settings
    flow.relevant(session, settings)
    picture = flow.ensure_picture(session, settings) if settings is not None else None
    if session.opened is not None and session.instances is None and not session.opened.unreadable:
        _empty(session)
        return
    if session.opened is not None and session.instances is not None and settings is None:
        flow.failure(session)
        _no_picture(session, session.opened)
        return
    stale = picture is None and session.shown is not None
    if stale and session.shown is not None:
        picture = kept(session.shown)
    flow.failure(session)
    flow.progress(session)
    if picture is None:
        _empty(session)
        return
    if stale:
        _stale(session)
    _show(picture, session)


def _stale(session: State) -> None:
    """Say that what stands below is not what the sidebar asks for, and offer to make that."""
    if session.job is not None:
        st.caption(":material/history: Until the new picture is ready, this one is from earlier settings.")
        return
    if session.failure is not None:
        st.caption(":material/history: The picture below is from earlier settings.")
        return
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.info("The picture below is from earlier settings.", icon=":material/history:")
    with right:
        if session.settings is not None:
            flow.run_button(session, session.settings, "run_here")


def _empty(session: State) -> None:
    if session.instances is None:
        st.markdown("# Nothing to show yet")
        reads = session.opened.reads.text if session.opened is not None else "text"
        st.markdown(f"Bring instances in the sidebar: this model reads {words.escape(reads)}.")
    elif session.job is not None:
        st.container(height=560, border=True)
    elif session.settings is not None and session.failure is None:
        st.markdown("# Ready")
        st.markdown("Press Run to see the map.")
        flow.run_button(session, session.settings, "run_here")


def _no_picture(session: State, opened: Opened) -> None:
    """Why there is no map of an open checkpoint, and where to go on."""
    layer = opened.layer(str(session.layer))
    if layer is not None and layer.untrained and not opened.unreadable:
        st.markdown("# This layer would say nothing")
        st.warning(words.escape(layer.warning), icon=":material/warning:")
        st.markdown("Choose another layer, or switch on “Show it all the same” beside the tree.")
        return
    st.markdown("# The module tree is open, but there is no map")
    st.markdown(words.escape(opened.unreadable or "None of its layers can be captured; the tree says why of each."))
    st.markdown("The Doctor page says what this checkpoint is and what can be done.")


@st.fragment
def _show(picture: Picture, session: State) -> None:
    # A later choice of the map's settings redraws the whole page, with a new picture.
    take_stock(picture, session)
    _heading(picture.settings)
    for note in picture.embeddings.notes:
        st.warning(words.escape(note), icon=":material/warning:")
    choice = map_choice(picture, session)
    left, right = st.columns([10, 9], gap="small")
    with left, st.container(key="map_card"):
        _map(picture, session, choice)
        hover_card(thumbnails(picture.instances), inside="map_card", key="hover_card")
    with right:
        tables.beside(picture, session)
    with st.container(horizontal=True):
        take_away(picture, session, choice.colour)
        add_to_story(session.present, lambda: explore_step(picture, session), key="add_explore")
    bar.show(session)


def _heading(settings: Settings) -> None:
    layer = words.escape(settings.layer or "the whole model")
    st.markdown(f"# {layer}")
    st.caption(about(settings, layer=False))


def _map(picture: Picture, session: State, choice: MapChoice) -> None:
    projection = picture.projection
    if projection is None:
        st.info(words.escape(picture.unmapped), icon=":material/info:")
        return
    instances, colour = with_groups(picture, choice.colour, session)
    shares = shares_of(picture, session, choice.trust)
    lines = tables.nearest_ids(picture, session.focus, _LINES) if session.focus else []
    theme = "dark" if st.context.theme.type == "dark" else "light"
    figure = scatter(
        projection,
        instances,
        colour=colour,
        selected=tuple(dict.fromkeys((*session.selected, *session.ringed))),
        highlighted=choice.found,
        lines=[(str(session.focus), near) for near in lines],
        shares=shares,
        theme=theme,
    )
    # Zoom and pan are kept while the same map is redrawn; another map begins with all of it in view.
    figure.update_layout(uirevision=str(hash((picture.settings.map_key, picture.preview))))
    key = f"map_{projection.dimensions}"
    st.plotly_chart(
        figure,
        key=key,
        on_select=lambda: _selected(session, key),
        selection_mode=("points", "box", "lasso"),
        config=CONFIG,
        theme=None,
        alt=describe(projection, instances, colour=colour, shares=shares),
    )
    about_groups(picture, choice.colour, session)
    if shares is not None:
        st.caption(TRUST[choice.trust])
    _caption(picture)
    with st.container(key="survival"):
        survival(picture, session)
    with st.expander("What a map does not say"):
        st.markdown(not_said(picture, session))


def _selected(session: State, key: str) -> None:
    """Take over what was selected on the map: plotly forgets it as soon as the figure changes."""
    event: Any = st.session_state.get(key) or {}
    points = event.get("selection", {}).get("points", [])
    ids = tuple(dict.fromkeys(_id(point) for point in points))
    session.select(ids)


def _id(point: dict[str, Any]) -> str:
    """The id that ``scatter`` put first into the point's customdata."""
    custom = point["customdata"]
    return str(custom["0"] if isinstance(custom, dict) else custom[0])


def _caption(picture: Picture) -> None:
    projection = picture.projection
    assert projection is not None
    st.caption(words.escape(told(projection, len(picture.instances))))
    if picture.preview:
        st.caption("A first picture by PCA, while the one you asked for is being drawn.")
    if projection.note:
        st.caption(f":material/info: {words.escape(projection.note)}")
