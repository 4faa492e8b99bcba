"""The layers that the instance is followed through: the comparison of all blocks, shared with the Compare page."""

from __future__ import annotations

import streamlit as st

from embedviz.ui import flow
from embedviz.ui.compare.choice import all_blocks, base_of, side
from embedviz.ui.compare.comparing import Comparing
from embedviz.ui.compare.made import Compared, kept, make
from embedviz.ui.compare.page import seconds
from embedviz.ui.cost import quick
from embedviz.ui.state import State


def through_blocks(session: State) -> Comparing | None:
    """What is to be compared; None where the model has fewer than two layers to go through."""
    base = base_of(session, quietly=True)
    if base is None:
        return None
    rows = side(base, all_blocks(base.opened))
    chosen = session.compare
    return Comparing(rows, {}, chosen.postprocessing, chosen.alignment) if len(rows) > 1 else None


def ensure(session: State, wanted: Comparing | None) -> Compared | None:
    """The maps of all blocks, once they are there; begins to make them where that is quick."""
    if wanted is None:
        return None
    found = kept(wanted)
    if found is None or not found.whole:
        flow.go_on(session, key_of(wanted), lambda job: make(wanted, job), quick=quick(seconds(wanted)))
        found = kept(wanted)
    elif session.job is not None:
        session.leave_job()
    return found if found is not None and found.whole else None


def offer(session: State, wanted: Comparing | None) -> None:
    """Why the layers are not there, and a button to make them where that takes long."""
    if wanted is None:
        st.info("This model has no layers to go through one after the other.", icon=":material/info:")
        return
    if session.job is not None:
        st.caption(":material/hourglass_top: The maps of all layers are being drawn …")
        return
    st.markdown(f"The maps of all {len(wanted.layers)} layers are not drawn yet.")
    if flow.press_run("run_layers", seconds(wanted), 0):
        flow.begin(session, key_of(wanted), lambda job: make(wanted, job))
        st.rerun()


def key_of(wanted: Comparing) -> tuple[str, object]:
    """By which the work on it is known."""
    return ("compare", wanted.maps_key)
