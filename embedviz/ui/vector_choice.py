"""The sidebar's second section: which layer, pooled how, and what is done to the vectors."""

from __future__ import annotations

import streamlit as st

from embedviz.pooling import AS_TRAINED, POOLINGS
from embedviz.records import TOKENS, Layer
from embedviz.ui.layer_tree import layer_tree
from embedviz.ui.picture import Opened
from embedviz.ui.state import State
from embedviz.ui.words import escape
from embedviz.vectors import POSTPROCESSING


def vector_choice(state: State, opened: Opened | None) -> None:
    """Choose layer, pooling and post-processing; the choices go to ``state``."""
    st.markdown("## 2 Layer")
    if opened is None:
        st.caption("The module tree appears here once the checkpoint is open.")
        return
    if not opened.capturable:
        with st.container(key="layer_tree"):
            layer_tree(opened.layers, None, key=f"tree_{opened.fingerprint[:12]}", height=330)
        st.caption(escape(opened.unreadable or "None of these layers can be captured; each says why."))
        return
    if state.layer is None or opened.layer(state.layer) is None:
        state.layer = opened.recommended
    if state.pooling not in opened.poolings:
        state.pooling = AS_TRAINED if opened.recipe else "mean"
    with st.container(key="layer_tree"):
        chosen = layer_tree(opened.layers, state.layer, key=f"tree_{opened.fingerprint[:12]}", height=330)
    if chosen is not None and chosen != state.layer:
        state.layer = chosen
    layer = opened.layer(state.layer)
    assert layer is not None
    _path_twin(state, opened)
    if layer.untrained:
        _insist(state, opened, layer)
    _pooling(state, opened, layer)


def _insist(state: State, opened: Opened, layer: Layer) -> None:
    """A layer with random parameters is captured on purpose only."""
    known = (opened.identity, layer.path)
    st.caption(f":material/warning: {escape(layer.warning)}")
    key = f"insist_{opened.fingerprint[:12]}_{layer.path}"
    if st.toggle("Show it all the same", value=known in state.insisted, key=key):
        state.insisted.add(known)
    else:
        state.insisted.discard(known)


def _path_twin(state: State, opened: Opened) -> None:
    """The same choice as a plain list, for whoever prefers typing or a screen reader."""
    paths = [layer.path for layer in opened.layers if layer.capturable]
    # A new key for each layer chosen in the tree; and a list may tell, late, what it was drawn with.
    shown = state.layer
    key = f"layer_path_{opened.fingerprint[:12]}_{shown}"

    def choose() -> None:
        if st.session_state[key] != shown:
            state.layer = st.session_state[key]

    with st.expander("Choose by name", key="by_name"):
        st.selectbox(
            "Layer",
            paths,
            index=paths.index(state.layer) if state.layer in paths else None,
            key=key,
            format_func=lambda path: path or "(the whole model)",
            on_change=choose,
            help="All layers that can be captured, by their dotted path.",
        )


def _pooling(state: State, opened: Opened, layer: Layer) -> None:
    left, right = st.columns(2)
    pooled = TOKENS in (layer.shape or ())
    key, then = f"pooling_{opened.fingerprint[:12]}", list(POSTPROCESSING)

    def choose() -> None:
        state.pooling, state.postprocessing = st.session_state[key], st.session_state["postprocessing"]

    left.selectbox(
        "Pooling",
        opened.poolings,
        index=opened.poolings.index(str(state.pooling)),
        key=key,
        format_func=lambda name: POOLINGS[name].label,
        disabled=not pooled,
        on_change=choose,
        help="How the vectors of a text's tokens become one vector. "
        + (escape(f"As trained here: {opened.recipe}.") if opened.recipe else escape(f"{opened.untold}.")),
    )
    right.selectbox(
        "Then",
        then,
        index=then.index(state.postprocessing),
        key="postprocessing",
        format_func=lambda name: POSTPROCESSING[name].label,
        on_change=choose,
        help="What is done to the vectors before they are compared and drawn.",
    )
    explained = POOLINGS[str(state.pooling)].sentence if pooled else "This layer gives one vector a text already."
    if pooled and state.pooling == AS_TRAINED:
        explained = f"As trained: the {opened.recipe}."
    st.caption(escape(f"{explained} {POSTPROCESSING[state.postprocessing].sentence}"))
