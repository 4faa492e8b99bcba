"""What other pages show, as steps of a story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embedviz.errors import InstancesError
from embedviz.records import AlignedMaps, FloatArray, Instances, Projection
from embedviz.stories import Seen, Step, single
from embedviz.stories.story import MOST_INSTANCES
from embedviz.ui.present.made import provenance, shown_of
from embedviz.ui.settings import Settings
from embedviz.ui.store import store
from embedviz.vectors import postprocess

if TYPE_CHECKING:
    from embedviz.ui.compare.made import Compared
    from embedviz.ui.picture import Picture
    from embedviz.ui.state import State


def explore_step(picture: Picture, session: State) -> Step:
    """The map that Explore shows, with the neighbours of the instance that is looked at."""
    vectors = postprocess(picture.embeddings, picture.settings.postprocessing).vectors
    chosen = _places(picture.instances, session)
    return map_step(picture.settings, picture.projection, picture.instances, vectors, chosen, session.colour)


def map_step(
    settings: Settings,
    projection: Projection | None,
    instances: Instances,
    vectors: FloatArray,
    chosen: Sequence[int],
    colour: str | None,
) -> Step:
    """One map of ``instances`` and their vectors as they are drawn, with the neighbours of those at ``chosen``."""
    if projection is None or projection.dimensions != 2:
        raise InstancesError("Only a flat map can be put into a story", remedy="Choose 2-D above the map.")
    rows = _rows(len(instances), chosen)
    layer = Seen.of(settings.layer, settings.layer or "the whole model", vectors[rows], settings.pooling)
    shown = _coloured(instances.only(rows), colour)
    return single.map_step(
        layer,
        replace(projection, coordinates=projection.coordinates[rows]),
        shown,
        shown_of(shown),
        provenance(settings, drawn=projection),
        chosen=[rows.index(place) for place in chosen],
    )


def compare_step(compared: Compared, maps: AlignedMaps, session: State, mode: str) -> Step:
    """The maps that Compare shows, or its flight through all layers."""
    everything = compared.comparing.layers
    names = [name for name in everything if mode == "flight" or name in session.compare.shown]
    if len(names) > single.MOST_LAYERS:
        places = np.linspace(0, len(names) - 1, single.MOST_LAYERS).round().astype(int)
        names = [names[place] for place in places]
    if not names:
        raise InstancesError("No layer is shown", remedy="Choose some above the maps.")
    whole = compared.comparing.instances
    rows = _rows(len(whole), _places(whole, session))
    instances = _coloured(whole.only(rows), session.colour)
    layers = [_seen(name, everything[name], compared.comparing.postprocessing, rows) for name in names]
    drawn: dict[str, Projection] = {
        name: replace(maps.maps[name], coordinates=maps.maps[name].coordinates[rows]) for name in names
    }
    last = everything[names[-1]]
    processing = compared.comparing.postprocessing or last.postprocessing
    source = provenance(replace(last, postprocessing=processing), layers=names)
    return single.maps_step(
        layers,
        drawn,
        instances,
        shown_of(instances),
        source,
        mode="flight" if mode == "flight" else "maps",
        chosen=_places(instances, session),
    )


def _seen(name: str, settings: Settings, postprocessing: str, rows: Sequence[int]) -> Seen:
    found = postprocess(store.get(settings.vectors_key), postprocessing or settings.postprocessing)
    vectors: FloatArray = found.vectors[list(rows)]
    return Seen.of(settings.layer, name, vectors, settings.pooling)


def _rows(count: int, chosen: Sequence[int]) -> list[int]:
    """All, or as many as a story can show, drawn at random beside those that are chosen."""
    if count <= MOST_INSTANCES:
        return list(range(count))
    order = np.random.default_rng(0).permutation(count).tolist()
    return sorted(list(dict.fromkeys((*chosen, *order)))[:MOST_INSTANCES])


def _places(instances: Instances, session: State) -> list[int]:
    """The one that is looked at first, then those selected."""
    wanted = dict.fromkeys([*([session.focus] if session.focus else []), *session.selected])
    known = {identity: place for place, identity in enumerate(instances.ids)}
    return [known[identity] for identity in wanted if identity in known][: single.MOST_CHOSEN]


def _coloured(instances: Instances, colour: str | None) -> Instances:
    """With the column that points are coloured by as the label; where that is none of its columns, without."""
    if colour is None:
        return instances
    return replace(instances, label=colour if colour in instances.columns else None)
