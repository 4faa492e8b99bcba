"""The sidebar's second section: which layer, pooled how, and what is done to the vectors."""

from __future__ import annotations

import streamlit as st

from embedviz.layers import variants
from embedviz.pooling import AS_TRAINED, label, sentence
from embedviz.records import Layer
from embedviz.ui import words
from embedviz.ui.layer_tree import layer_tree
from embedviz.ui.opened import Opened
from embedviz.ui.state import State
from embedviz.ui.words import escape
from embedviz.vectors import POSTPROCESSING

_NONE_NEEDED = "none needed"
_ONE_ALREADY = {
    "text": "This layer gives one vector a text already.",
    "tensors": "This layer gives one vector an instance already.",
    "images": "This layer gives one vector a picture already.",
}


def vector_choice(state: State, opened: Opened | None) -> None:
    """Choose layer, pooling and post-processing; the choices go to ``state``."""
    st.markdown("## 2 Layer")
    if opened is None:
        st.caption("The module tree appears here once the checkpoint is open.")
        return
    if not opened.capturable:
        with st.container(key="layer_tree"):
            layer_tree(opened.modules, None, key=f"tree_{opened.fingerprint[:12]}", height=330)
        st.caption(escape(opened.unreadable or "None of these layers can be captured; each says why."))
        return
    if state.layer is None or opened.layer(state.layer) is None:
        state.layer = opened.recommended
    # The tree shows modules and their calls; of which part the vectors are is chosen below it.
    module = state.layer.partition(":")[0]
    with st.container(key="layer_tree"):
        chosen = layer_tree(opened.modules, module, key=f"tree_{opened.fingerprint[:12]}", height=330)
    if chosen is not None and chosen != module:
        state.layer = chosen
    _path_twin(state, opened)
    layer = opened.layer(_part(state, opened))
    assert layer is not None
    poolings = opened.poolings(layer)
    if state.pooling is None or (poolings and state.pooling not in poolings):
        state.pooling = opened.usual_pooling(layer)
    if layer.untrained:
        _insist(state, opened, layer)
    _pooling(state, opened, layer)
    if opened.reads.modality == "text":
        _prompt(state, opened)


def _prompt(state: State, opened: Opened) -> None:
    """What is put before each text: some models were trained with "query: " and the like."""
    now = opened.prompt if state.prompt is None else state.prompt
    with st.expander(f"Before each text: “{escape(now.strip())}”" if now.strip() else "Before each text: nothing"):
        names = list(opened.prompts)
        chosen = (
            st.selectbox(
                "A prompt of this model",
                names,
                index=None,
                key=f"prompts_{opened.fingerprint[:12]}",
                help="Some models were trained with a few words before each text; these are the ones it came with.",
            )
            if names
            else None
        )
        with st.form(f"prompt_{opened.fingerprint[:12]}_{chosen}_{now}", border=False):
            text = st.text_input(
                "Put before each text",
                value=opened.prompts[chosen] if chosen else now,
                help="Models such as E5 expect “query: ” or “passage: ” there; the model's page says so.",
            )
            if st.form_submit_button("Use this", width="stretch") and text != now:
                state.prompt = None if text == opened.prompt else text
                st.rerun()


def _insist(state: State, opened: Opened, layer: Layer) -> None:
    """A layer with random parameters is captured on purpose only."""
    known = (opened.identity, layer.path)
    st.caption(f":material/warning: {escape(layer.warning)}")
    key = f"insist_{opened.fingerprint[:12]}_{layer.path}"
    if st.toggle(
        "Show it all the same",
        value=known in state.insisted,
        key=key,
        help="Its weights were never trained, so that its vectors say nothing about your instances.",
    ):
        state.insisted.add(known)
    else:
        state.insisted.discard(known)


def _part(state: State, opened: Opened) -> str:
    """The path of the chosen part of the module: its output, the mean of its calls, its input, a head."""
    assert state.layer is not None
    shown = state.layer
    module = opened.layer(shown.partition(":")[0])
    found = variants(opened.layers, module) if module is not None else []
    paths = [layer.path for layer in found]
    if len(paths) < 2:
        return shown
    key = f"part_{opened.fingerprint[:12]}_{shown}"

    def choose() -> None:
        if st.session_state[key] != shown:
            state.layer = st.session_state[key]

    st.selectbox(
        "Which vectors of it",
        paths,
        index=paths.index(shown) if shown in paths else None,
        key=key,
        format_func=words.part,
        on_change=choose,
        help="What the module makes, what it is given, one of its calls, or one attention head of it.",
    )
    return state.layer


def _path_twin(state: State, opened: Opened) -> None:
    """The same choice as a plain list, for whoever prefers typing or a screen reader."""
    paths = [layer.path for layer in opened.capturable]
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
    poolings = opened.poolings(layer)
    pooled = bool(poolings)
    # A key for each kind of position: a list may tell, late, what it was drawn with.
    key = state.key(f"pooling_{opened.fingerprint[:12]}" + (f"_{layer.over}" if layer.over != "tokens" else ""))
    then, then_key = list(POSTPROCESSING), state.key("postprocessing")

    source = state.source

    def choose() -> None:
        # What a list of the checkpoint before tells late is not meant for this one.
        if state.source != source:
            return
        state.postprocessing = st.session_state[then_key]
        if pooled:
            state.pooling = st.session_state[key]

    left.selectbox(
        "Pooling",
        poolings or [_NONE_NEEDED],
        index=poolings.index(str(state.pooling)) if pooled else 0,
        key=key,
        format_func=lambda name: label(name, layer.over) if pooled else name,
        disabled=not pooled,
        on_change=choose,
        help=f"How the vectors of an instance's {layer.over or 'parts'} become one vector. "
        + (escape(f"As trained here: {opened.recipe}.") if opened.recipe else escape(f"{opened.untold}.")),
    )
    right.selectbox(
        "Then",
        then,
        index=then.index(state.postprocessing),
        key=then_key,
        format_func=lambda name: POSTPROCESSING[name].label,
        on_change=choose,
        help="What is done to the vectors before they are compared and drawn.",
    )
    explained = sentence(str(state.pooling), layer.over) if pooled else _ONE_ALREADY[opened.reads.modality]
    if pooled and state.pooling == AS_TRAINED:
        explained = f"As trained: the {opened.recipe}."
    st.caption(escape(f"{explained} {POSTPROCESSING[state.postprocessing].sentence}"))
