"""The second model that layers are compared with: one that was opened, one that is offered, or the null model."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from embedviz.ui import options, words
from embedviz.ui.opened import Opened
from embedviz.ui.settings import Settings
from embedviz.ui.state import BUNDLED, State
from embedviz.workers.model_worker import Source


def choose_other(session: State) -> None:
    """The list of models to compare with, and a button for the null model; the choice goes to ``session.compare``."""
    chosen, source = session.compare, session.source
    null = null_of(source)
    if chosen.other is not None and chosen.other.options.random_weights and chosen.other != null:
        chosen.other = None  # the null model of another checkpoint
    others = [each for each in (BUNDLED, *session.before, *options.offered()) if each != source]
    listed = list(dict.fromkeys([null, *others, *([chosen.other] if chosen.other else [])]))
    key = f"other_model_{hash((source, chosen.other, len(listed)))}"

    def choose() -> None:
        if st.session_state[key] != chosen.other:
            chosen.other, chosen.other_layers, chosen.pair, chosen.shown = st.session_state[key], (), None, ()

    st.selectbox(
        "Compare with",
        listed,
        index=listed.index(chosen.other) if chosen.other in listed else None,
        format_func=lambda each: each.name,
        key=key,
        placeholder="Compare with…",
        on_change=choose,
        label_visibility="collapsed",
        width=280,
        help="Models opened in the sidebar before, and those this server offers.",
    )
    if chosen.other != null and st.button(
        "Random weights",
        key="null_model",
        icon=":material/casino:",
        help="The null model: the same architecture before training. What differs from it, training did.",
    ):
        chosen.other, chosen.other_layers, chosen.pair, chosen.shown = null, (), None, ()
        st.rerun()


def null_of(source: Source) -> Source:
    """The same architecture with random weights."""
    return replace(source, name=f"{source.name}, random weights", options=replace(source.options, random_weights=1))


def names_of(one: Source, other: Source) -> tuple[str, str]:
    """Two short names that differ."""
    if other == null_of(one):
        return "trained", "random weights"
    first, second = words.shorten(one.name, 24), words.shorten(other.name, 24)
    return (first, second) if first != second else (first, f"{second} (2)")


def unfit(base: Settings, other: Opened) -> str:
    """Why another model cannot be given these instances; "" where it can."""
    if other.unreadable or not other.capturable:
        return other.unreadable or "None of its layers can be captured."
    if other.reads.modality != base.instances.modality:
        return f"The other model reads {other.reads.text}, and the instances are {base.instances.modality}."
    if other.reads.modality == "tensors" and other.reads.shape != base.opened.reads.shape:
        return f"The other model reads {other.reads.text}, this one {base.opened.reads.text}."
    return ""
