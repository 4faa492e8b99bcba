"""Token by token: every token of a few instances as a point, from layer to layer, and two texts side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from embedviz.depth import short_names, spread
from embedviz.errors import ProjectionError
from embedviz.figures.linked import pack_maps
from embedviz.records import TOKENS, FloatArray, Instances, IntArray, Projection, Token
from embedviz.similarity import neighbours
from embedviz.ui import words
from embedviz.ui.compare.choice import all_blocks
from embedviz.ui.instance import token_pair
from embedviz.ui.instance.awaited import made
from embedviz.ui.instance.chips import look, visible
from embedviz.ui.instance.near import Near, partner_of
from embedviz.ui.instance.one import One
from embedviz.ui.instance.tokens import ask, listed_key
from embedviz.ui.jobs import Job
from embedviz.ui.linked_maps import linked_maps
from embedviz.ui.settings import Settings
from embedviz.ui.state import State
from embedviz.ui.store import store
from embedviz.ui.tables.selection import choose_one
from embedviz.workers.pool import pool
from embedviz.workers.wire import Arrays

#: Instances whose tokens are drawn together, and those that the page begins with.
MOST, _FIRST = 12, 4
_NEIGHBOURS = 10
_HEIGHT = 480
_MODES = {
    "flight": (":material/flight_takeoff: Flight", "One map that changes from layer to layer."),
    "maps": (":material/grid_view: Side by side", "Up to six of the layers."),
    "trails": (":material/timeline: Trails", "The way of chosen tokens through all layers."),
}


@dataclass(frozen=True, eq=False)
class TokenMap:
    """The tokens of some texts one after the other, and by layer their vectors, maps and nearest tokens.

    ``tokens`` are those that the model is given; ``instance`` (tokens,) says of which text each is. ``unmapped`` says
    why there are no maps.
    """

    texts: tuple[str, ...]
    tokens: tuple[Token, ...]
    instance: IntArray
    position: IntArray
    vectors: Mapping[str, FloatArray]
    near: Mapping[str, IntArray]
    maps: Mapping[str, Projection]
    unmapped: str = ""

    def of(self, text: int) -> IntArray:
        """The places of one text's tokens."""
        return np.flatnonzero(self.instance == text)


def section(one: One, near: Near, session: State) -> None:
    """The choice of instances, their tokens' maps, and the tokens of two of them."""
    paths = _paths(one.settings)
    if not isinstance(one.item, str) or not paths:
        st.info("The layers of this model have no vector for each token.", icon=":material/info:")
        return
    partner = partner_of(one, near, session)
    items = _choose(one, near, partner, session)
    key = ("token map", listed_key(one.settings, items, paths))
    if store.get(key) is None and not made(
        "token_map", key, lambda job: store.put(key, _make(one.settings, items, paths, job), _BYTES), session
    ):
        return
    found: TokenMap = store.get(key)
    left, right = st.columns([10, 9], gap="medium")
    with left:
        _maps(found)
    with right:
        token_pair.section(found, session)


_BYTES = 5_000_000


def _paths(settings: Settings) -> list[str]:
    opened = settings.opened
    layers = [opened.layer(path) for path in (*all_blocks(opened), settings.layer)]
    return list(dict.fromkeys(layer.path for layer in layers if layer is not None and layer.over == TOKENS))


def _choose(one: One, near: Near, partner: int | None, session: State) -> tuple[str, ...]:
    """The texts whose tokens are drawn, the instance itself first and its partner next."""
    instances, looked = one.picture.instances, session.looked
    there = dict(zip(instances.ids, instances.items, strict=True))
    start = [*([partner] if partner is not None else []), *near.places]
    offered = [identity for identity in dict.fromkeys(instances.ids[place] for place in start) if identity != one.id]
    chosen = [identity for identity in looked.tokens_of if identity in there and identity != one.id]
    chosen = chosen or offered[: _FIRST - 1]
    options = list(dict.fromkeys([*chosen, *offered]))[: MOST - 1]
    key = f"tokens_of_{hash((one.id, one.text, tuple(options), tuple(chosen)))}"

    def choose() -> None:
        looked.tokens_of = tuple(st.session_state[key])

    def add(identity: str | None) -> None:
        looked.tokens_of = tuple(dict.fromkeys([*([identity] if identity else []), *chosen]))[: MOST - 1]

    left, right = st.columns([3, 2], gap="medium")
    # Pills, since the chips of a list cannot be read in the dark theme.
    left.pills(
        "Its tokens, and those of",
        options,
        selection_mode="multi",
        default=chosen,
        key=key,
        format_func=lambda identity: words.escape(words.shorten(str(there[identity]), 44)),
        on_change=choose,
        help=f"Its nearest neighbours first; up to {MOST} texts together.",
    )
    with right:
        choose_one(
            instances,
            None,
            add,
            label="Add another",
            key="tokens_add",
            help="Try one that has a word in common with it, in another meaning.",
        )
    others = [str(there[identity]) for identity in chosen]
    return tuple(dict.fromkeys([str(one.item), *others]))


def _make(settings: Settings, items: Sequence[str], paths: Sequence[str], job: Job) -> TokenMap:
    """Capture the tokens at every layer and draw their maps in one frame."""
    texts, listed, arrays = ask(settings, items, paths, job)
    tokens = tuple(token for each in listed for token in each if not token.cut)
    names = short_names(paths)
    vectors = {names[path]: arrays[f"vectors.{number}"] for number, path in enumerate(paths)}
    k = max(1, min(_NEIGHBOURS, len(tokens) - 1))
    near = {name: neighbours(rows, k=k).indices for name, rows in vectors.items()}
    maps: dict[str, Projection] = {}
    unmapped = ""
    try:
        maps = _drawn(vectors, near, job)
    except ProjectionError as error:
        unmapped = str(error)
    return TokenMap(texts, tokens, arrays["instance"], arrays["position"], vectors, near, maps, unmapped)


def _drawn(vectors: Mapping[str, FloatArray], near: Mapping[str, IntArray], job: Job) -> dict[str, Projection]:
    arrays: Arrays = {f"rows.{number}": rows for number, rows in enumerate(vectors.values())}
    arrays = arrays | {f"neighbours.{number}": rows for number, rows in enumerate(near.values())}
    asked = {"rows": list(vectors), "labels": None, "postprocessing": "centred", "alignment": "linked", "seed": 0}
    value, drawn = pool().numbers("aligned", asked, arrays, job.progress, job.stopped)
    return {
        told.pop("name"): Projection(coordinates=drawn[f"coordinates.{number}"], **told)
        for number, told in enumerate(value["maps"])
    }


def _maps(found: TokenMap) -> None:
    if found.unmapped:
        st.info(words.escape(found.unmapped), icon=":material/info:")
        return
    first, second = st.columns([3, 2], vertical_alignment="bottom")
    mode = str(
        first.segmented_control(
            "Tokens",
            list(_MODES),
            default="flight",
            required=True,
            key="token_mode",
            format_func=lambda name: _MODES[name][0],
            persist_state="session",
            help=" ".join(sentence for _, sentence in _MODES.values()),
        )
    )
    instances = _as_instances(found)
    colour = str(
        second.selectbox(
            "Colour",
            list(instances.columns),
            key="token_colour",
            persist_state="session",
            help="By the text a token is of, by its place in it, or by what kind of token it is.",
        )
    )
    theme = "dark" if st.context.theme.type == "dark" else "light"
    linked_maps(
        pack_maps(found.maps, instances, colour=colour, theme=theme, neighbours=found.near),
        key="token_map",
        mode=mode,
        shown=spread(list(found.maps)),
        height=_HEIGHT,
        alt=f"Maps of {words.count(len(found.tokens), 'token')} of {words.count(len(found.texts), 'text')}.",
    )
    st.caption(
        "Each point is a token, and its lines go to the tokens that are nearest to it in truth. All layers are drawn "
        "in one frame (centred vectors); point at a word that stands in several texts and fly through the layers."
    )


def _as_instances(found: TokenMap) -> Instances:
    texts = [words.shorten(text, 60) for text in found.texts]
    items = tuple(
        f"{visible(token.text)}   in: {texts[text]}" for token, text in zip(found.tokens, found.instance, strict=True)
    )
    columns = {
        "text": tuple(f"{text + 1} · {texts[text]}" for text in found.instance.tolist()),
        "position": tuple(found.position.tolist()),
        "kind": tuple(look(token)[1].partition(" “")[0] or "word or part" for token in found.tokens),
    }
    ids = tuple(f"{text + 1}.{place + 1}" for text, place in zip(found.instance, found.position, strict=True))
    return Instances(items, ids, columns, label="text")
