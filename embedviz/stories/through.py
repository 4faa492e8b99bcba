"""What is said of how neighbours change from the first layer to the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embedviz.stories.evidence import Seen
from embedviz.stories.numbers import alike, shared
from embedviz.stories.samples import Telling
from embedviz.stories.words import about

#: Each instance's kind, None for those of none; None where there are no kinds.
Kinds = Sequence[str | None] | None


@dataclass(frozen=True)
class Told:
    """Two sentences; each layer's caption by its title; and the same numbers as bars with a line to compare them to."""

    sentences: tuple[str, str]
    captions: dict[str, str]
    rows: list[tuple[str, float, str]]
    reference: tuple[float, str] | None = None


def depth_sentences(layers: Sequence[Seen], telling: Telling, kinds: Kinds) -> Told:
    """By how many are beside their own kind; without kinds, by how many neighbours are those of the last layer."""
    return _by_kinds(layers, telling, kinds) if kinds is not None else _by_neighbours(layers, telling)


def _by_kinds(layers: Sequence[Seen], telling: Telling, kinds: Sequence[str | None]) -> Told:
    found = {each.title: alike(each.near.indices[:, 0], kinds) for each in layers}
    first, last = found[layers[0].title], found[layers[-1].title]
    best = max(found, key=lambda title: found[title].hits)
    total, chance = first.total, first.chance
    most = f"It is the most at {best}: {found[best].hits:,}" if found[best].hits > last.hits else "No layer has more"
    sentences = (
        f"At {layers[0].title}, {first.hits:,} of {total:,} {telling.nouns} have one of their own {telling.kind} as "
        f"their nearest neighbour; at {layers[-1].title}, {last.hits:,}.",
        f"{most}; by chance it would be {about(chance)}.",
    )
    captions = {title: f"{each.hits:,} of {total:,} beside their own {telling.kind}" for title, each in found.items()}
    rows = [(title, each.hits / total, f"{each.hits:,} of {total:,}") for title, each in found.items()]
    return Told(sentences, captions, rows, (chance / total, "by chance"))


def _by_neighbours(layers: Sequence[Seen], telling: Telling) -> Told:
    last = layers[-1].near.indices
    # Of few, all others would be neighbours everywhere.
    k = max(1, min(last.shape[1], (len(last) - 1) // 2))
    kept = {each.title: shared(each.near.indices[:, :k], last[:, :k]) for each in layers}
    before = layers[-2].title
    sentences = (
        f"Of the {k} nearest neighbours that a {telling.noun} has at {layers[-1].title}, it has "
        f"{kept[layers[0].title]:.1f} at {layers[0].title} already, on average.",
        f"One layer before the end, at {before}, it has {kept[before]:.1f} of them.",
    )
    captions = {title: f"{value:.1f} of {k} neighbours as at the end" for title, value in kept.items()}
    rows = [(title, value / k, f"{value:.1f} of {k}") for title, value in kept.items()]
    return Told(sentences, captions, rows)
