"""A curve over depth in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embedviz.errors import printable
from embedviz.records import DoubleArray


def number(value: float, decimals: int = 2) -> str:
    """As short as can be: ".21", "-.03", "1.00", "47"."""
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        return "0"
    return text.replace("0.", ".", 1) if abs(float(text)) < 1 and decimals else text


def named(layer: str) -> str:
    """Somebody's name of a layer, so that it can stand in a sentence; "" is the whole model."""
    return printable(layer, 80) or "the whole model"


def reading(layers: Sequence[str], values: DoubleArray, decimals: int = 2, chance: float | None = None) -> str:
    """ "Rises from .21 to .74; highest at encoder.layer.5. Chance is .13." """
    there = np.flatnonzero(np.isfinite(values))
    if not len(there):
        return ""
    first, last = there[0], there[-1]
    ends = [number(float(values[place]), decimals) for place in (first, last)]
    if first == last:
        said = f"It is {ends[0]} at {named(layers[first])}"
    else:
        if ends[0] == ends[1]:
            said = f"Begins and ends at {ends[0]}"
        else:
            said = f"{'Rises' if values[last] > values[first] else 'Falls'} from {ends[0]} to {ends[1]}"
        for word, place in (("highest", there[values[there].argmax()]), ("lowest", there[values[there].argmin()])):
            value = number(float(values[place]), decimals)
            if value not in ends:
                said += f"; {word}, {value}, at {named(layers[place])}"
            elif word == "highest" and values[place] > values[there].min():
                said += f"; highest at {named(layers[place])}"
    return f"{said}." + ("" if chance is None else f" Chance is {number(chance)}.")
