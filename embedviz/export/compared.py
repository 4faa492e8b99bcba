"""A comparison of layers as tables, one row a number."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.comparison import CURVES, MEASURES
from embedviz.records import Comparison


def agreements_table(comparison: Comparison) -> Any:
    """A pandas DataFrame: measure, two layers, how alike, the ends of the 95 % interval, chance.

    What could not be measured is empty.
    """
    import pandas as pd

    rows = [
        {
            "measure": MEASURES[name].label,
            "layer": one,
            "other layer": other,
            "value": _cell(each.values, row, column),
            "low": _cell(each.low, row, column),
            "high": _cell(each.high, row, column),
            "chance": each.chance,
        }
        for name, each in comparison.agreements.items()
        for row, one in enumerate(comparison.rows)
        for column, other in enumerate(comparison.columns)
    ]
    return pd.DataFrame(rows)


def curves_table(comparison: Comparison) -> Any:
    """A pandas DataFrame: curve, layer, its number, the ends of the 95 % interval, chance."""
    import pandas as pd

    sides = ((comparison.rows, comparison.curves), (comparison.columns, comparison.other_curves))
    rows = [
        {
            "curve": CURVES[name].label,
            "layer": layer,
            "value": _cell(each.values, place),
            "low": _cell(each.low, place),
            "high": _cell(each.high, place),
            "chance": each.chance,
        }
        for layers, curves in sides
        for name, each in curves.items()
        for place, layer in enumerate(layers)
    ]
    return pd.DataFrame(rows)


def _cell(values: npt.NDArray[np.float64] | None, *place: int) -> float | None:
    """The number at a place; None where there is none."""
    found = float("nan") if values is None else float(values[place])
    return found if np.isfinite(found) else None
