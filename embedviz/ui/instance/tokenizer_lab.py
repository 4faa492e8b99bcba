"""The tokenizer lab: the same texts through two tokenizers, and what the model makes of both."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from embedviz.records import Instances
from embedviz.ui.cost import capture_seconds, quick
from embedviz.ui.instance.awaited import made
from embedviz.ui.instance.compared_tokens import show
from embedviz.ui.instance.lab import Lab
from embedviz.ui.instance.other_tokenizer import Other, choose_other
from embedviz.ui.jobs import Job
from embedviz.ui.look import main_button
from embedviz.ui.opened import Opened
from embedviz.ui.settings import Settings
from embedviz.ui.state import State
from embedviz.ui.store import store
from embedviz.workers.pool import pool

#: Texts that are looked at closely; the first of a longer list.
_MOST = 20


def tokenizer_lab(session: State, opened: Opened, settings: Settings, texts: Sequence[str]) -> None:
    """Draw the lab for these texts, at the settings' layer and pooling."""
    st.markdown("## Tokenizer lab")
    st.caption("A model knows ids, not words. With another tokenizer than its own the same text becomes other ids.")
    every = [text for text in texts if isinstance(text, str) and text.strip()]
    given = tuple(dict.fromkeys(every))[:_MOST]
    if not given:
        st.info("Type or choose a text to see its tokens.", icon=":material/info:")
        return
    if len(set(every)) > _MOST:
        st.caption(f"The first {_MOST} of {len(set(every)):,} different texts.")
    other = choose_other(session)
    if other is None:
        return
    lab = session.lab
    key = ("tokenizer_lab", opened.identity, settings.layer, settings.pooling, settings.prompt, given, other.name)
    found = store.get(key)
    if found is None:
        _make(lab, key, other, settings, given, session)
        found = store.get(key)
    if found is not None:
        lab.shown = key
    elif lab.shown is not None and lab.shown[-1] == other.name and (found := store.get(lab.shown)) is not None:
        st.caption(":material/history: What stands below is from earlier settings.")
    if found is not None:
        show(found, lab)


def _make(lab: Lab, key: Hashable, other: Other, settings: Settings, texts: tuple[str, ...], session: State) -> None:
    """Have it made where it is quick or was asked for; says how far it is, or what went wrong."""
    few = Instances(texts, tuple(map(str, range(len(texts)))))
    if lab.asked == key or (not other.uploaded and quick(2 * capture_seconds(replace(settings, instances=few)))):
        made("tokenizers", key, lambda job: _compare(key, other, settings, texts, session.id, job), session)
    else:
        _button(lab, key)


def _button(lab: Lab, key: Hashable) -> None:
    st.button(
        "Compare the tokenizers",
        key="lab_run",
        type=main_button(),
        icon=":material/play_arrow:",
        on_click=_ask,
        args=(lab, key),
        help="Runs the model twice over these texts, with the ids of each tokenizer.",
    )


def _ask(lab: Lab, key: Hashable) -> None:
    lab.asked = key


def _compare(key: Hashable, other: Other, settings: Settings, texts: tuple[str, ...], owner: str, job: Job) -> None:
    """Have it done in a worker, and keep it. A stranger's file never meets the worker that others share."""
    source = settings.opened.source
    if other.uploaded and source.shared:
        source = replace(source, owner=owner)
    layer = settings.opened.layer(settings.layer)
    arguments: dict[str, Any] = {
        "texts": list(texts),
        "ready": other.name,
        "path": str(other.source.path) if other.source is not None else None,
        "name": other.label,
        "layer": settings.layer,
        "pooling": settings.pooling,
        "prompt": settings.prompt,
        # A layer with random parameters is let through only on a person's insistence.
        "insist": layer is not None and layer.untrained,
    }
    compared = pool().model(source).compare_tokenizers(arguments, job.progress, job.stopped)
    size = sum(200 * (len(text.own) + len(text.other)) for text in compared.texts)
    store.put(key, compared, size + 2 * compared.own_vectors.nbytes)
