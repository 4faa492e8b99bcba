"""How far a map can be trusted, in sentences of plain text that stand below any map."""

from __future__ import annotations

from embedviz.records import Projection, Stability, Trust

_FRACTIONS = ((1, 6), (1, 5), (1, 4), (3, 10), (1, 3), (2, 5), (1, 2), (3, 5), (2, 3), (7, 10), (3, 4), (4, 5), (9, 10))


def one_in(share: float) -> str:
    """A share in 0..1 as people say it: "1 in 16", "2 in 3", "none", "nearly all", "all"."""
    if share <= 0:
        return "none"
    if share < 1 / 6:
        return f"1 in {round(1 / share):,}"
    if share >= 0.95:
        return "all" if share >= 0.9995 else "nearly all"
    top, bottom = min(_FRACTIONS, key=lambda fraction: abs(share - fraction[0] / fraction[1]))
    return f"{top} in {bottom}"


def survive_sentence(projection: Projection) -> str:
    """ "About 1 in 5 nearest neighbours survive on this map"; "" where there are too few instances to say."""
    if projection.kept is None:
        return ""
    told = one_in(projection.kept)
    amount = {"none": "None of the", "nearly all": "Nearly all", "all": "All"}.get(told, f"About {told}")
    return f"{amount} nearest neighbours survive on this map"


def baselines_sentence(projection: Projection, trust: Trust) -> str:
    """ "PCA keeps 1 in 10, a random picture 1 in 16 (chance)."; "" where nothing was measured."""
    told = []
    pca, random = (trust.baselines.get(name) for name in ("pca", "random"))
    if pca is not None and pca.kept is not None and projection.method != "pca":
        told.append(f"PCA keeps {one_in(pca.kept)}")
    if random is not None and random.chance is not None:
        told.append(f"{'a' if told else 'A'} random picture {'' if told else 'keeps '}{one_in(random.chance)} (chance)")
    return f"{', '.join(told)}." if told else ""


def stays_sentence(stability: Stability) -> str:
    """What is the same under other seeds: "Under 3 other seeds, 2 in 3 neighbours on this map stay together."."""
    if stability.stays is None:
        return stability.note
    if stability.fixed:
        return "This method draws the same picture whatever the seed: no other seed can show what is arbitrary in it."
    count = len(stability.seeds)
    told = one_in(stability.stays)
    amount = {"none": "none of the", "nearly all": "nearly all", "all": "all"}.get(told, f"about {told}")
    seeds = f"{count} other seeds" if count > 1 else "another seed"
    sentence = f"Under {seeds}, {amount} neighbours on this map stay neighbours"
    chance = f" (by chance {one_in(stability.chance)})" if stability.chance is not None else ""
    return " ".join(part for part in (f"{sentence}{chance}.", stability.note) if part)
