"""What a map does not say, in plain words, with the numbers of the map above it where they help."""

from __future__ import annotations

from embedviz.figures.survival import one_in, stays_sentence
from embedviz.projection import METHODS
from embedviz.records import OddPairs, Trust
from embedviz.ui import words
from embedviz.ui.picture import Picture
from embedviz.ui.state import State
from embedviz.ui.trust import known, rerolled


def not_said(picture: Picture, session: State) -> str:
    """The list as Markdown."""
    projection, trust, stability = picture.projection, known(session), rerolled(session)
    assert projection is not None
    dimensions = f"{picture.embeddings.width:,} dimensions to {projection.dimensions}"
    seeds = stays_sentence(stability) if stability is not None else "“Other seeds” under Trust finds out what stays."
    settings = ", ".join(each.label.lower() for each in METHODS[projection.method].parameters) if _set(picture) else ""
    said = {
        "Near on the map need not be alike.": f"A map from {dimensions} must put strangers side by side."
        + _example(picture, trust.near if trust else None, "Drawn side by side, {pair} have cosine {cosine:.2f}."),
        "Far on the map need not be unlike.": "It must tear neighbours apart as well."
        + _example(
            picture,
            trust.far if trust else None,
            "Each other's nearest of all, {pair} (cosine {cosine:.2f}) have {between} others between them here.",
        ),
        "Sizes of groups and the gaps between them mean little.": "Dense groups are spread out and loose ones drawn "
        "together; how far two groups lie apart says hardly anything.",
        "Noise can look clustered.": "Vectors drawn at random form clumps too." + _chance(trust),
        "Settings matter.": f"Other values of {settings} give other groups; those that stay can be trusted more."
        if settings
        else "",
        "Another seed may give another picture.": words.escape(seeds),
        "Directions mean nothing.": "A map may be turned or mirrored without becoming wrong; there is no left or up.",
        "The table beside it is exact.": "Lines lead from the chosen point to its true nearest neighbours.",
    }
    return "\n".join(f"- **{head}** {told}" for head, told in said.items() if told)


def _set(picture: Picture) -> bool:
    method = METHODS.get(picture.projection.method) if picture.projection else None
    return method is not None and bool(method.parameters)


def _chance(trust: Trust | None) -> str:
    if trust is None or trust.quality.kept is None or trust.quality.chance is None:
        return ""
    kept, chance = one_in(trust.quality.kept), one_in(trust.quality.chance)
    return f" This map keeps {kept} neighbours; drawn at random it would keep {chance}."


def _example(picture: Picture, pairs: OddPairs | None, sentence: str) -> str:
    """The worst of the pairs as a sentence; "" where there is none."""
    if pairs is None or not len(pairs):
        return ""
    items = [words.shorten(str(picture.instances.items[place]), 60) for place in pairs.places[0]]
    pair = " and ".join(f"“{words.escape(item)}”" for item in items)
    told = sentence.format(pair=pair, cosine=round(float(pairs.cosines[0]), 2) + 0.0, between=int(pairs.ranks[0]) - 1)
    return f" {told}"
