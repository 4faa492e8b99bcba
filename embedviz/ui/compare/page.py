"""The Compare page as a whole: its controls, what is made of them, and its sections."""

from __future__ import annotations

import streamlit as st

from embedviz.ui import flow, words
from embedviz.ui.address import bar
from embedviz.ui.compare import curves, maps, movers, navigator
from embedviz.ui.compare.choice import KINDS, comparing
from embedviz.ui.compare.comparing import Comparing
from embedviz.ui.compare.made import ALIGNED, Compared, kept, make
from embedviz.ui.compare.take_away import take_away
from embedviz.ui.cost import capture_seconds, quick
from embedviz.ui.pace import paces
from embedviz.ui.state import State, state

#: Sentences of evidence that are read without asking for more.
_AT_ONCE = 2
#: Seconds an instance of a layer that measuring takes, roughly.
_MEASURING = 0.0005


def page() -> None:
    """Draw the page for what is compared."""
    session = state()
    st.markdown("# Compare")
    st.caption(KINDS[session.compare.kind].sentence)
    wanted = comparing(session)
    asked = ("compare", wanted.maps_key) if wanted is not None else None
    flow.relevant(session, None, ("open", session.compare.other), asked)
    compared = _ensure(session, wanted) if wanted is not None else None
    flow.failure(session)
    flow.progress(session)
    if wanted is None:
        if session.instances is None:
            st.markdown("Bring instances in the sidebar, and what the layers make of them is compared here.")
        return
    if compared is None:
        if session.job is None and session.failure is None:
            _offer(session, wanted)
        return
    _layers(compared, session)
    curves.section(compared)
    take_away(compared, session)


def _ensure(session: State, wanted: Comparing) -> Compared | None:
    """What is made of it so far; begins where that is quick."""
    key = ("compare", wanted.maps_key)
    found = kept(wanted)
    if found is not None and found.whole:
        if session.job is not None and session.job.key != key:
            session.leave_job()
        session.job = None
        return found
    flow.go_on(session, key, lambda job: make(wanted, job), quick=quick(seconds(wanted)))
    return kept(wanted)


def seconds(wanted: Comparing) -> float:
    """How long it will take, from the pace of earlier ones."""
    layers, count = wanted.layers, len(wanted.instances)
    captures = sum(
        max((capture_seconds(each) for each in side.values()), default=0.0) for side in (wanted.rows, wanted.columns)
    )
    return captures + count * len(layers) * (paces[ALIGNED] + _MEASURING)


def _offer(session: State, wanted: Comparing) -> None:
    layers = [(each, each.opened.layer(each.layer)) for each in wanted.layers.values()]
    size = 4 * len(wanted.instances) * sum(layer.width for _, layer in layers if layer is not None)
    st.markdown(f"{words.count(len(layers), 'layer')}, {words.count(len(wanted.instances), 'instance')}.")
    if flow.press_run("run_compare", seconds(wanted), size):
        flow.begin(session, ("compare", wanted.maps_key), lambda job: make(wanted, job))
        st.rerun()


@st.fragment
def _layers(compared: Compared, session: State) -> None:
    """What a choice of two layers changes."""
    _settle(compared, session)
    left, right = st.columns([6, 5], gap="medium")
    with left:
        navigator.section(compared, session)
    with right:
        navigator.pair(compared, session)
        _advice(compared, session)
    _instances(compared, session)


@st.fragment
def _instances(compared: Compared, session: State) -> None:
    """What a choice among the instances changes, and nothing else: it is to follow at once."""
    maps.section(compared, session)
    movers.section(compared, session)
    bar.show(session, "compare")


def _settle(compared: Compared, session: State) -> None:
    """What is chosen among the layers is kept where it is still there, else chosen anew."""
    chosen, comparison = session.compare, compared.comparison
    chosen.usual_pair = (comparison.rows[0], comparison.columns[-1])
    if chosen.pair is None or chosen.pair[0] not in comparison.rows or chosen.pair[1] not in comparison.columns:
        chosen.pair = chosen.usual_pair
    names = list(compared.comparing.layers)
    chosen.shown = tuple(name for name in chosen.shown if name in names) or maps.first_shown(compared)


def _advice(compared: Compared, session: State) -> None:
    comparison = compared.comparison
    if not comparison.evidence:
        return
    best = f" **{words.escape(comparison.best)}**" if comparison.best else ""
    first, rest = comparison.evidence[:_AT_ONCE], comparison.evidence[_AT_ONCE:]
    with st.container(border=True):
        st.markdown(f"Which layer should I use?{best}")
        st.caption(words.escape(" ".join([*first, _trained(compared, session)])))
        if rest:
            with st.expander("More evidence"):
                st.caption(words.escape(" ".join(rest)))


def _trained(compared: Compared, session: State) -> str:
    """Why the sidebar may recommend another layer; "" where it does not, or where no layer is advised."""
    best, opened = compared.comparison.best, session.opened
    layers = {each.layer for each in compared.comparing.rows.values()}
    if opened is None or not best or opened.recommended not in layers or len(layers) < 2:
        return ""
    if compared.comparing.rows[best].layer == opened.recommended:
        return ""
    recommended = opened.recommended or "the whole model"
    return f"The sidebar's star is at {recommended}, which the model itself is read at; this is about these labels."
