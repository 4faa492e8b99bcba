"""The map with the instance on it, and how sure its place is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from embedviz.figures.linked import Packed, pack_maps
from embedviz.figures.survival import one_in
from embedviz.moments import Moments, postprocess_part
from embedviz.projection.quality import FEWEST
from embedviz.records import FloatArray, IntArray, Landing, Projection
from embedviz.stories import Step
from embedviz.ui import trust, words
from embedviz.ui.compare.comparing import Comparing
from embedviz.ui.compare.made import Compared
from embedviz.ui.instance import layers
from embedviz.ui.instance.landed import landing, landings
from embedviz.ui.instance.one import One
from embedviz.ui.linked_maps import linked_maps
from embedviz.ui.present.adding import add_to_story
from embedviz.ui.present.steps import map_step
from embedviz.ui.state import State

MODES = {
    "here": (":material/location_on: This layer", "The map of the layer chosen in the sidebar."),
    "flight": (":material/flight_takeoff: Through the layers", "One map that changes from layer to layer."),
    "trail": (":material/timeline: Its trail", "Its way through the maps of all layers."),
}
_HEIGHT = 470
_TOO_FEW = f"Of fewer than {FEWEST} instances it cannot be told how sure a place is: rely on the list beside the map."
#: What is seen on the maps of all layers.
_READING = {
    "flight": "All layers in one frame; the lines go to its true neighbours at the layer that is shown. The list "
    "beside it stays at the layer chosen in the sidebar.",
    "trails": "All layers in one frame: its way from the first (hollow) to the last (filled).",
}


def section(one: One, session: State, wanted: Comparing | None, compared: Compared | None) -> None:
    """The map, and what is to be said about the instance's place on it."""
    mode = str(
        st.segmented_control(
            "Map",
            list(MODES),
            default="here",
            required=True,
            key="look_mode",
            format_func=lambda name: MODES[name][0],
            label_visibility="collapsed",
            persist_state="session",
            help=" ".join(sentence for _, sentence in MODES.values()),
        )
    )
    if mode == "here":
        _here(one, session)
    elif compared is None:
        layers.offer(session, wanted)
    elif compared.maps is None:
        st.info(words.escape(compared.unmapped), icon=":material/info:")
    else:
        _through(one, session, compared, "flight" if mode == "flight" else "trails")


def _here(one: One, session: State) -> None:
    picture = one.picture
    if picture.projection is None:
        st.info(words.escape(picture.unmapped), icon=":material/info:")
        return
    found = landing(one)
    name = picture.settings.layer or "the whole model"
    near = picture.similarity[picture.settings.postprocessing.replace("l2", "none")].indices
    if one.place is None:
        assert found is not None
        projection = _with_row(picture.projection, found)
        near = _with_neighbours(near, found)
    else:
        projection = picture.projection
    packed = pack_maps(
        {name: projection},
        one.instances,
        colour=_colour(one, session),
        theme=_theme(),
        neighbours={name: near} if len(near) else None,
    )
    _draw(packed, one, session, "maps", (name,))
    st.caption(words.escape(sureness(one, found)))
    add_to_story(session.present, lambda: _step(one, projection, session), key="add_instance")


def _step(one: One, projection: Projection, session: State) -> Step:
    """The map with the instance on it, as a step of a story."""
    settings, own = one.settings, one.embeddings(one.settings)
    vectors, moments = one.picture.embeddings.vectors, Moments()
    moments.add(vectors)
    if one.place is None and own is not None:
        vectors = np.concatenate([vectors, own.vectors])
    drawn = postprocess_part(vectors, settings.postprocessing, moments)
    chosen = [one.instances.ids.index(one.id)]
    return map_step(settings, projection, one.instances, drawn, chosen, session.colour)


def sureness(one: One, found: Landing | None) -> str:
    """How far the instance's place on the map can be trusted, in a sentence or two."""
    picture = one.picture
    assert picture.projection is not None
    usual = picture.projection.kept
    beside = f" On this map {one_in(usual)} nearest neighbours survive." if usual is not None else ""
    if one.place is not None:
        point = trust.point(picture, one.place)
        if not point.k:
            return "It has no direction or no place on this map, so nothing can be said about its place."
        if len(picture.instances) < FEWEST:
            return _TOO_FEW
        word = _word(point.kept / point.k, usual)
        return f"{word}: {point.kept} of its {point.k} true neighbours are beside it here.{beside}"
    if found is None or np.isnan(found.coordinates[0]).any():
        return "Its vector has length 0: it has no direction, so it has no place on the map."
    if len(picture.instances) < FEWEST:
        return _TOO_FEW
    how = "by the map's own axes" if picture.projection.method == "pca" else "by its true neighbours"
    told = f"{found.kept[0]} of its {found.looked_at} true neighbours are beside it here, where it was put {how}"
    if found.outside(0):
        return (
            f"Unsure: the set has nothing much like it. Its nearest has cosine {found.cosines[0, 0]:.2f}, and "
            f"for {_hundred(float(found.rarity[0]))} of the set the nearest is nearer. {told}."
        )
    return f"{_word(found.kept[0] / max(1, found.looked_at), usual)}: {told}.{beside}"


def _word(share: float, usual: float | None) -> str:
    return "A sure place" if share >= 0.5 or (usual is not None and share >= usual) else "An unsure place"


def _hundred(share: float) -> str:
    return "all" if share >= 0.995 else f"{share:.0%}"


def _through(one: One, session: State, compared: Compared, mode: str) -> None:
    assert compared.maps is not None
    maps, neighbours = dict(compared.maps.maps), dict(compared.neighbours)
    instances = compared.comparing.instances
    if one.id not in instances.ids:
        found = landings(one, compared)
        maps = {name: _with_row(each, found[name]) for name, each in maps.items() if name in found}
        neighbours = {name: _with_neighbours(neighbours[name], found[name]) for name in maps}
        instances = one.with_it(instances)
    packed = pack_maps(maps, instances, colour=_colour(one, session), theme=_theme(), neighbours=neighbours)
    _draw(packed, one, session, mode, tuple(maps) if mode == "flight" else tuple(maps)[-1:])
    st.caption(f"{_READING[mode]} {'Placed on each map by its true neighbours there.' if one.place is None else ''}")


def _draw(packed: Packed, one: One, session: State, mode: str, shown: tuple[str, ...]) -> None:
    linked_maps(
        packed,
        key=f"look_map_{mode}",
        mode=mode,
        shown=shown,
        selected=(one.id,),
        focus=one.id,
        height=_HEIGHT,
        on_select=lambda ids: _selected(ids, one, session),
        alt=f"Map of {words.count(len(packed.ids), 'instance')} with “{words.shorten(one.text, 60)}” marked.",
    )


def _selected(ids: tuple[str, ...], one: One, session: State) -> None:
    """Turn to another instance of the set; what was typed can be gone back to."""
    others = tuple(identity for identity in ids if identity in one.picture.instances.ids)
    if others:
        session.looked.own = None
        session.select(others[:1])


def _with_row(projection: Projection, found: Landing) -> Projection:
    coordinates: FloatArray = np.concatenate([projection.coordinates, found.coordinates])
    return replace(projection, coordinates=coordinates)


def _with_neighbours(near: IntArray, found: Landing) -> IntArray:
    row = np.full((1, near.shape[1]), -1, dtype=np.int64)
    some = found.indices[:, : near.shape[1]]
    row[:, : some.shape[1]] = some
    return np.concatenate([near, row])


def _colour(one: One, session: State) -> str | None:
    columns = one.picture.instances.columns
    return session.colour if session.colour in columns else one.picture.instances.label


def _theme() -> str:
    return "dark" if st.context.theme.type == "dark" else "light"
