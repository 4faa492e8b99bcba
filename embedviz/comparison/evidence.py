"""Which layer to use, as far as what was measured can say, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from embedviz.comparison.reading import named, number
from embedviz.records import Agreement, Curve, IntArray

#: Above it, a mean cosine leaves little room for differences.
CROWDED = 0.5
#: From about here on, hubs are in many lists.
HUBS = 2.0


def evidence(
    layers: Sequence[str], curves: Mapping[str, Curve], agreements: Mapping[str, Agreement]
) -> tuple[str, tuple[str, ...]]:
    """The layer to use for finding what is alike, "" where nothing speaks for one, and sentences that say why.

    ``agreements`` are among the layers themselves; empty where they were compared with another model's.
    """
    if len(layers) < 2:
        return "", ("There is nothing to choose between: only one layer was compared.",)
    best, said = _by_labels(layers, curves["purity"], curves["probe"])
    return best, (*said, *_crowding(layers, curves), *_hubs(layers, curves), *_last(layers, agreements))


def _by_labels(layers: Sequence[str], purity: Curve, probe: Curve) -> tuple[str, list[str]]:
    if not np.isfinite(purity.values).any() or purity.low is None or purity.high is None or purity.chance is None:
        why = purity.why_not or "No layer could be measured against the labels."
        return "", [
            f"{why} Without labels to go by, nothing here says which layer is most useful, only how they differ."
        ]
    place = int(np.nanargmax(purity.values))
    if purity.low[place] <= purity.chance:
        return "", [
            f"No layer brings instances of one label together better than chance: {_scored(layers, purity, place)}."
        ]
    said = [f"Of an instance's nearest neighbours, most have its label at {_scored(layers, purity, place)}."]
    said.append(_equals(layers, purity, place))
    if np.isfinite(probe.values).any():
        said.append(_probed(layers, probe, place))
    said.append("This is true for these labels; another question may need another layer.")
    return layers[place], said


def _scored(layers: Sequence[str], curve: Curve, place: int) -> str:
    """ "encoder.layer.5 (.74, between .70 and .78; chance .13)" """
    interval = ""
    if curve.low is not None and curve.high is not None:
        interval = f", between {number(curve.low[place])} and {number(curve.high[place])}"
    chance = "" if curve.chance is None else f"; chance {number(curve.chance)}"
    return f"{named(layers[place])} ({number(curve.values[place])}{interval}{chance})"


def _within(curve: Curve, place: int) -> IntArray:
    """The other layers whose value lies within the interval of the one at ``place``."""
    assert curve.low is not None
    near = np.flatnonzero(curve.values >= curve.low[place])
    others: IntArray = near[near != place]
    return others


def _equals(layers: Sequence[str], purity: Curve, place: int) -> str:
    near = _within(purity, place)
    if not len(near):
        return "No other layer lies within this interval."
    names = ", ".join(f"{named(layers[other])} ({number(purity.values[other])})" for other in near)
    cheaper = f" {named(layers[near[0]])} comes earlier, so that it costs less to compute." if near[0] < place else ""
    return f"Within this interval, and so not to be told apart from it: {names}.{cheaper}"


def _probed(layers: Sequence[str], probe: Curve, place: int) -> str:
    top = int(np.nanargmax(probe.values))
    scored = _scored(layers, probe, top)
    if top == place:
        return f"A linear probe reads the label best there too: {scored}."
    if place in _within(probe, top):
        return f"A linear probe reads the label best at {scored}, but {named(layers[place])} is within this interval."
    return f"A linear probe reads the label best at {scored}: to train a classifier on the vectors, take that one."


def _crowding(layers: Sequence[str], curves: Mapping[str, Curve]) -> list[str]:
    values = curves["crowding"].values
    if not (values > CROWDED).any():
        return []
    place = int(np.nanargmax(values))
    return [
        f"Vectors are crowded at {int((values > CROWDED).sum())} of {len(layers)} layers, most at "
        f"{named(layers[place])} (mean cosine {number(values[place])}): raw cosines are high there for any two "
        "instances and cannot be compared across layers."
    ]


def _hubs(layers: Sequence[str], curves: Mapping[str, Curve]) -> list[str]:
    values = curves["hubness"].values
    if not (values > HUBS).any():
        return []
    place = int(np.nanargmax(values))
    return [
        f"At {named(layers[place])} a few instances are the neighbours of very many (hubness "
        f"{number(values[place], 1)}): look at neighbour lists there with care."
    ]


def _last(layers: Sequence[str], agreements: Mapping[str, Agreement]) -> list[str]:
    """How different an answer the other layers give from the last's."""
    if "mutual_neighbours" not in agreements:
        return []
    values = agreements["mutual_neighbours"].values[:-1, -1]
    if not np.isfinite(values).any():
        return []
    places = (int(np.nanargmin(values)), int(np.nanargmax(values)))
    low, high = (f"{number(values[place])} ({named(layers[place])})" for place in places)
    share = low if places[0] == places[1] else f"between {low} and {high}"
    chance = number(agreements["mutual_neighbours"].chance or 0)
    return [
        f"Of an instance's nearest neighbours at {named(layers[-1])}, the last layer compared, other layers share "
        f"{share}; chance is {chance}."
    ]
