"""Steps by themselves: one map, or the maps of several layers, as a person has them before them on another page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from embedviz.figures.survival import one_in, survive_sentence
from embedviz.projection.quality import kept_shares
from embedviz.records import Instances, Projection
from embedviz.stories import pictures
from embedviz.stories.evidence import Seen
from embedviz.stories.numbers import alike, mutual
from embedviz.stories.pictures import MOST_LAYERS
from embedviz.stories.samples import Telling, telling_of
from embedviz.stories.story import NAME, Provenance, Step, StorySet
from embedviz.stories.through import depth_sentences
from embedviz.stories.trials import prepared
from embedviz.stories.words import cosine, quote

__all__ = ["MOST_CHOSEN", "MOST_LAYERS", "map_step", "maps_step"]

#: Instances that are ringed, with lines to their neighbours.
MOST_CHOSEN = 12


def map_step(
    layer: Seen,
    projection: Projection,
    instances: Instances,
    shown: StorySet,
    source: Provenance,
    chosen: Sequence[int] = (),
) -> Step:
    """One map. Its words are about the first instance ``chosen``, by place, or else about all of them."""
    telling = _telling(instances)
    name = layer.title
    picture = pictures.maps(
        {name: projection},
        neighbours={name: layer.near.indices},
        shares={name: kept_shares(layer.near.indices, projection.coordinates)},
        captions={name: f"keeps {one_in(projection.kept)} neighbours" if projection.kept is not None else ""},
        selected=chosen,
    )
    kinds = telling.kinds_in(instances)
    if chosen:
        said = [_about_one(layer, shown, chosen[0])]
    elif kinds is not None:
        said = [telling.by_kind(alike(layer.near.indices[:, 0], kinds))[0]]
    else:
        said = [_about_all(layer, telling)]
    said.append(f"{survive}." if (survive := survive_sentence(projection)) else _few(shown))
    title = f"What the model makes of {_own_name(shown)}"
    if chosen:
        title = f"Who is like {quote(shown.texts[chosen[0]])}?"
    return _step("map", title, said, picture, layer, shown, source)


def maps_step(
    layers: Sequence[Seen],
    drawn: Mapping[str, Projection],
    instances: Instances,
    shown: StorySet,
    source: Provenance,
    *,
    mode: str = "maps",
    chosen: Sequence[int] = (),
) -> Step:
    """The maps of some layers, by their titles, side by side or as a flight from the first to the last."""
    telling = _telling(instances)
    kinds = telling.kinds_in(instances)
    captions, said = {}, [_about_all(layers[0], telling)]
    if len(layers) > 1:
        told = depth_sentences(layers, telling, kinds)
        captions, said = told.captions, list(told.sentences)
    picture = pictures.maps(
        drawn,
        mode=mode,
        neighbours={each.title: each.near.indices for each in layers},
        shares={each.title: kept_shares(each.near.indices, drawn[each.title].coordinates) for each in layers},
        captions=captions,
        selected=chosen,
    )
    title = f"From {layers[0].title} to {layers[-1].title}" if len(layers) > 1 else layers[0].title
    return _step("maps", title, said, picture, layers[-1], shown, source)


def _telling(instances: Instances) -> Telling:
    """The words for these instances; what is alike is said by the column they are coloured by."""
    known = telling_of(instances)
    if known.group == instances.label:
        return known
    return Telling(known.noun, known.nouns, group=instances.label or "")


def _about_one(layer: Seen, shown: StorySet, place: int) -> str:
    near = int(layer.near.indices[place, 0])
    if near < 0:
        return f"{quote(shown.texts[place])} has no direction here, so no nearest neighbour."
    value = cosine(layer.near.cosines[place, 0])
    return f"The nearest neighbour of {quote(shown.texts[place])} is {quote(shown.texts[near])} (cosine {value})."


def _about_all(layer: Seen, telling: Telling) -> str:
    both = mutual(layer.near.indices[:, 0]) if layer.near.indices.shape[1] else 0
    count = len(layer.vectors)
    return f"{both:,} of the {count:,} {telling.nouns} are the nearest neighbour of their own nearest neighbour."


def _own_name(shown: StorySet) -> str:
    """The set's name within a sentence; "these inputs" where it has none."""
    return f"“{shown.name}”" if shown.name else "these inputs"


def _few(shown: StorySet) -> str:
    return f"With {len(shown):,} points a map says hardly anything: rely on the cosines."


def _step(
    kind: str,
    title: str,
    said: Sequence[str],
    picture: pictures.Picture,
    layer: Seen,
    shown: StorySet,
    source: Provenance,
) -> Step:
    trials = prepared(layer.vectors, shown.texts, at=layer.title[:NAME])
    return Step(kind, title[:NAME], tuple(said), picture, shown, source, trials, (layer.path, layer.pooling))
