"""Where the instance stands among the others: at the layer that is shown, and at every layer of the model."""

from __future__ import annotations

from collections.abc import Hashable

from embedviz.projection.placing import Ground
from embedviz.records import FloatArray, Landing, Projection
from embedviz.ui.compare.made import Compared
from embedviz.ui.instance.one import One
from embedviz.ui.picture import Picture
from embedviz.ui.settings import Settings
from embedviz.ui.store import store


def landing(one: One) -> Landing | None:
    """It on the map of its picture; None without a map, and while it is not captured."""
    picture = one.picture
    own = one.embeddings(picture.settings)
    if picture.projection is None or own is None:
        return None
    return _ground_of(picture, picture.projection).land(own.vectors)


def landings(one: One, compared: Compared) -> dict[str, Landing]:
    """It on the map of every layer, by the layers' names; of those at which it is captured."""
    found = {}
    for name, settings in compared.comparing.layers.items():
        own = one.embeddings(settings)
        if own is not None:
            found[name] = _layer_ground(compared, name, settings).land(own.vectors, k=11)
    return found


def _ground_of(picture: Picture, projection: Projection) -> Ground:
    settings = picture.settings
    near = picture.similarity[settings.postprocessing.replace("l2", "none")].cosines
    nearest = near[:, 0] if near.size else None
    return _ground(("ground", settings.map_key), settings, projection, settings.postprocessing, nearest)


def _ground(
    key: Hashable, settings: Settings, projection: Projection, postprocessing: str, nearest: FloatArray | None = None
) -> Ground:
    found: Ground | None = store.get(key)
    if found is None or found.projection is not projection:
        vectors = store.get(settings.vectors_key).vectors
        found = Ground(vectors, projection, postprocessing, nearest)
        # What it works out on the way: the vectors as they are drawn, and these as float64 at length 1.
        store.put(key, found, 3 * vectors.nbytes)
    return found


def cosines_with(one: One, compared: Compared, partner: str) -> dict[str, float]:
    """Its cosine with an instance of the set, by the layers' names; of those at which it is captured."""
    place = compared.comparing.instances.ids.index(partner)
    found = {}
    for name, settings in compared.comparing.layers.items():
        own = one.embeddings(settings)
        if own is not None:
            found[name] = float(_layer_ground(compared, name, settings).cosines(own.vectors, place)[0])
    return found


def _layer_ground(compared: Compared, name: str, settings: Settings) -> Ground:
    assert compared.maps is not None
    key = ("ground", compared.comparing.maps_key, name)
    return _ground(key, settings, compared.maps.maps[name], compared.comparing.postprocessing)
