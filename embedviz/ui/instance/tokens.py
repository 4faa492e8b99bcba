"""The instance's tokens as the model sees them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import streamlit as st

from embedviz.records import Token
from embedviz.ui import words
from embedviz.ui.instance.awaited import made
from embedviz.ui.instance.chips import chips
from embedviz.ui.instance.one import One
from embedviz.ui.jobs import Job
from embedviz.ui.settings import Settings
from embedviz.ui.state import State
from embedviz.ui.store import store
from embedviz.workers.items import pack
from embedviz.workers.pool import pool

Listed = tuple[tuple[Token, ...], ...]


def section(one: One, session: State) -> None:
    """Each token with what it is, and how many there are."""
    settings = one.settings
    if not isinstance(one.item, str):
        st.info("This instance is not one text, so there is no list of its tokens.", icon=":material/info:")
        return
    key = listed_key(settings, (one.item,))
    if store.get(key) is None and not made("tokens", key, lambda job: ask(settings, (one.item,), (), job), session):
        return
    [text], [tokens] = store.get(key)
    st.markdown(chips(tokens, text))
    st.caption(words.escape(_reading(tokens, settings.opened.max_tokens)))
    if text != one.item:
        st.caption(f"The tokenizer is given: “{words.escape(words.shorten(text, 300))}”")
    st.caption(
        "What the model reads are these pieces, by their numbers in its vocabulary. Special ones are put around each "
        "text, an unknown one stands for letters that the vocabulary has no piece for, and what is cut off did not fit."
    )


def _reading(tokens: Sequence[Token], longest: int) -> str:
    given = [token for token in tokens if not token.cut]
    special, unknown = sum(token.special for token in given), sum(token.unknown for token in given)
    told = f"{words.count(len(given), 'token')}, {special} of them special, {unknown} unknown."
    cut = len(tokens) - len(given)
    return told + (f" The text is longer than the model's {longest:,} tokens: the rest was cut off." if cut else "")


def listed_key(settings: Settings, items: Sequence[str], layers: Sequence[str] = ()) -> Hashable:
    return ("tokens", settings.opened.identity, settings.prompt, tuple(items), tuple(layers))


def ask(settings: Settings, items: Sequence[str], layers: Sequence[str], job: Job) -> Any:
    """Ask the model's worker for the tokens, and with ``layers`` for the vectors of each; keeps and returns them.

    Kept are the texts as the tokenizer is given them and the tokens of each; with ``layers`` the arrays too.
    """
    told, arrays = pack(items, "text")
    insist = any(layer is not None and layer.untrained for layer in map(settings.opened.layer, layers))
    arguments = {"items": told, "layers": list(layers), "prompt": settings.prompt, "insist": insist}
    job.progress("looking at the tokens", 0, 0)
    value, found = pool().model(settings.opened.source).tokens(arguments, arrays, job.progress, job.stopped)
    listed = tuple(tuple(Token.from_json(each) for each in tokens) for tokens in value["tokens"])
    texts = tuple(value["texts"])
    kept = (texts, listed, found) if layers else (texts, listed)
    size = sum(array.nbytes for array in found.values()) + 500 * sum(map(len, listed))
    store.put(listed_key(settings, items, layers), kept, size)
    return kept
