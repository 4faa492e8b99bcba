"""From evidence to a story: what is given, what a layer makes of it, who is near whom, what depth changes, caution."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from embedviz.errors import InstancesError
from embedviz.figures.survival import one_in
from embedviz.figures.words import shorten
from embedviz.similarity import nearest_to
from embedviz.stories import pictures
from embedviz.stories.evidence import Evidence, Seen
from embedviz.stories.numbers import alike, mutual
from embedviz.stories.samples import Telling, telling_of
from embedviz.stories.story import Step, Story
from embedviz.stories.through import Kinds, depth_sentences
from embedviz.stories.trials import prepared
from embedviz.stories.words import cosine, count, each_of, quote, share

#: Fewer instances have nobody to be near to.
FEWEST = 3
#: From this mean cosine on, high cosines mean nothing.
_CROWDED = 0.5
#: Examples of what is given, and bars of who is near whom.
_SOME = 8


def tell(evidence: Evidence) -> Story:
    """The story of these instances; InstancesError where there are too few, or the layer tells none of them apart."""
    if len(evidence.instances) < FEWEST:
        raise InstancesError(
            f"A story takes {FEWEST} instances or more",
            value=count(len(evidence.instances), "instance"),
            remedy="Add some in the sidebar, or take a sample.",
        )
    if not (evidence.layer.near.indices[:, 0] >= 0).any():
        raise InstancesError(
            "This layer gives vectors without any direction, so nobody is near anybody",
            value=evidence.layer.path,
            remedy="Choose another layer.",
        )
    telling = telling_of(evidence.instances)
    kinds = telling.kinds_in(evidence.instances)
    steps = [given(evidence, telling, kinds), made(evidence, telling)]
    steps.append(telling.near(evidence) if telling.near else near(evidence, telling, kinds))
    if len(evidence.depth) > 1:
        steps.append(depth(evidence, telling, kinds))
    steps.append(careful(evidence, telling))
    return Story(telling.title or f"What a model makes of {evidence.shown.name or 'these inputs'}", tuple(steps))


def given(evidence: Evidence, telling: Telling, kinds: Kinds) -> Step:
    """What the model is given."""
    total = len(evidence.instances)
    sampled = f", drawn at random from {evidence.total:,}" if evidence.total > total else ""
    first = f"The model is given {total:,} {telling.nouns}{sampled}"
    groups: list[tuple[str, int]] = []
    if kinds is None:
        said = f"{first}.", "It is told nothing else: who is like whom among them is for the model to find."
    elif telling.given is not None:
        said = telling.given(evidence, kinds)
    else:
        sizes = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds) if kind is not None}
        said = f"{first}: {each_of(list(sizes.values()), telling.kinds)}.", _named(evidence, telling, kinds)
        groups = sorted(sizes.items(), key=lambda size: (-size[1], size[0]))[: pictures.MOST_EXAMPLES]
    # Those that are set apart from the kinds come first.
    apart = [place for place, kind in enumerate(kinds or ()) if kind is None][:4] if telling.without else []
    places = [*apart, *_some(kinds, total)][:_SOME]
    return _step(evidence, "given", "What the model is given", said, pictures.examples(places, groups))


def _named(evidence: Evidence, telling: Telling, kinds: Sequence[str | None]) -> str:
    """That the kinds are kept from the model, and how many texts say theirs all the same."""
    only = f"It is given the {telling.nouns} only, not their {telling.kinds}"
    if evidence.instances.modality != "text":
        return f"{only}."
    pairs = zip(kinds, evidence.shown.texts, strict=True)
    # Whole words: "clothing" does not say "thing".
    said = sum(kind is not None and _in_so_many_words(kind, text) for kind, text in pairs)
    own = "says its" if said == 1 else "say their"
    return f"{only}; {said or 'none'} of the {len(evidence.shown.texts):,} {own} own in so many words."


def _in_so_many_words(kind: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(kind)}(?!\w)", text, re.IGNORECASE) is not None


def _some(kinds: Kinds, total: int) -> list[int]:
    """Places of a few instances: one of each kind, or evenly spaced."""
    if kinds is not None:
        firsts = {kind: place for place, kind in reversed(list(enumerate(kinds))) if kind is not None}
        return sorted(firsts.values())[:_SOME]
    return [int(place) for place in np.unique(np.linspace(0, total - 1, min(_SOME, total)).round())]


def made(evidence: Evidence, telling: Telling) -> Step:
    """What the layer makes of one of them, of its nearest neighbour and of the one least like it."""
    layer, texts = evidence.layer, evidence.shown.texts
    width, place = layer.vectors.shape[1], typical(layer)
    near = nearest_to(layer.vectors, place, k=len(layer.vectors) - 1)
    found = [(int(at), float(value)) for at, value in zip(near.indices[0], near.cosines[0], strict=True) if at >= 0]
    (close, high), (far, low) = found[0], found[-1]
    numbers = "1 number" if width == 1 else f"{width:,} numbers"
    first = f"At {layer.title}, the model turns each {telling.noun} into an embedding of {numbers}."
    second = f"Nearest to {quote(texts[place])} is {quote(texts[close])} (cosine {cosine(high)})"
    second += f", farthest {quote(texts[far])} ({cosine(low)})." if far != close else "."
    rows = [(place, None), (close, high)] + ([(far, low)] if far != close else [])
    picture = pictures.strips([(at, layer.vectors[at], value) for at, value in rows])
    return _step(evidence, "layer", f"A {telling.noun} becomes {numbers}", (first, second), picture)


def typical(layer: Seen) -> int:
    """The instance whose nearest neighbour is as near as the middle one's."""
    nearest = layer.near.cosines[:, 0]
    order = np.argsort(np.where(np.isfinite(nearest), nearest, np.inf), kind="stable")
    return int(order[max(0, int(np.isfinite(nearest).sum()) - 1) // 2])


def near(evidence: Evidence, telling: Telling, kinds: Kinds) -> Step:
    """Who ends up near whom."""
    nearest, cosines = evidence.layer.near.indices[:, 0], evidence.layer.near.cosines[:, 0]
    if kinds is not None:
        found = alike(nearest, kinds)
        said = telling.by_kind(found)
        if telling.more is not None:
            said = telling.overall(found), telling.more(evidence, found, kinds)
        rows = [(kind, hits / of, f"{hits} of {of}") for kind, (hits, of) in found.kinds.items()]
        reference = (found.chance / found.total, "by chance")
    else:
        texts, order = evidence.shown.texts, np.argsort(-np.nan_to_num(cosines, nan=-2), kind="stable")
        one, other = int(order[0]), int(nearest[order[0]])
        both = f"{mutual(nearest):,} of the {len(texts):,} {telling.nouns}"
        said = (
            f"Most alike of all are {quote(texts[one])} and {quote(texts[other])} (cosine {cosine(cosines[one])}).",
            f"{both} are the nearest neighbour of their own nearest neighbour.",
        )
        best = [int(at) for at in order[:_SOME] if nearest[at] >= 0]
        rows = [(shorten(texts[at], 60), float(cosines[at]), cosine(cosines[at])) for at in best]
        reference = None
    picture = _map(evidence) or pictures.bars(rows, reference=reference)
    return _step(evidence, "near", telling.near_title, said, picture)


def _map(evidence: Evidence, *, trusting: bool = False) -> pictures.Picture | None:
    """The chosen layer's map; None where there is none in 2-D."""
    projection = evidence.projection
    if projection is None or projection.dimensions != 2:
        return None
    name = evidence.layer.title
    kept = f"keeps {one_in(projection.kept)} neighbours" if projection.kept is not None else ""
    return pictures.maps(
        {name: projection},
        titles={name: name[:1].upper() + name[1:]},
        neighbours={name: evidence.layer.near.indices},
        shares={name: evidence.shares} if evidence.shares is not None else None,
        captions={name: kept},
        selected=[] if trusting else [typical(evidence.layer)],
        trusting=trusting and evidence.shares is not None,
    )


def depth(evidence: Evidence, telling: Telling, kinds: Kinds) -> Step:
    """How that changes from the first layer to the last."""
    told = depth_sentences(evidence.depth, telling, kinds)
    picture = pictures.bars(told.rows, reference=told.reference)
    if evidence.maps is not None:
        picture = pictures.maps(
            evidence.maps.maps,
            mode="flight",
            neighbours={each.title: each.near.indices for each in evidence.depth},
            shares=evidence.map_shares,
            titles={each.title: each.title[:1].upper() + each.title[1:] for each in evidence.depth},
            captions=told.captions,
        )
    return _step(evidence, "depth", telling.depth_title, told.sentences, picture, at=evidence.depth[0])


def careful(evidence: Evidence, telling: Telling) -> Step:
    """What the map and the cosines do not say."""
    picture = _map(evidence, trusting=True)
    if picture is None:
        layers = evidence.depth or (evidence.layer,)
        rows = [(each.title, each.crowding or 0.0, cosine(each.crowding or 0.0)) for each in layers]
        picture = pictures.bars(rows, caption="The mean cosine of any two, layer by layer")
    said = _kept(evidence), _crowding(evidence, telling)
    return _step(evidence, "careful", "What to be careful about", said, picture)


def _kept(evidence: Evidence) -> str:
    projection = evidence.projection
    if projection is None:
        return "There is no map of these that could be drawn: only the cosines can be relied on."
    if projection.kept is None:
        return f"A map of only {count(len(evidence.instances), 'instance')} hardly says anything: rely on the cosines."
    told = one_in(projection.kept)
    many = {"none": "none of the", "nearly all": "nearly all", "all": "all"}.get(told, f"about {told}")
    faint = "; faint points have lost most of theirs" if evidence.shares is not None else ""
    return f"On a flat map, {many} true neighbours ({share(projection.kept)}) are still neighbours{faint}."


def _crowding(evidence: Evidence, telling: Telling) -> str:
    crowding = evidence.layer.crowding
    if crowding is None:
        return "Too few have a direction here to say how alike any two of them are."
    means = "here a high cosine means little" if crowding > _CROWDED else "only a cosine well above that means anything"
    start = f"Any two of the {len(evidence.instances):,} {telling.nouns}, however unlike"
    return f"{start}, have a cosine of {cosine(crowding)} on average: {means}."


def _step(
    evidence: Evidence,
    kind: str,
    title: str,
    said: tuple[str, ...],
    picture: pictures.Picture,
    at: Seen | None = None,
) -> Step:
    """``at``: the layer that is guessed about, where it is another than the chosen one."""
    layer = at or evidence.layer
    trials = prepared(layer.vectors, evidence.shown.texts, at=layer.title)
    tried = None if at is None else (at.path, at.pooling)
    return Step(kind, title, said, picture, evidence.shown, evidence.source, trials, tried)
