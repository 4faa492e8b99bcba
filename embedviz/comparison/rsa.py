"""Representational similarity analysis (RSA): do two layers rank the pairs of instances alike?

Kriegeskorte, Mur & Bandettini (2008): Spearman's correlation of the two layers' cosines over all pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embedviz.comparison import intervals
from embedviz.comparison.measure import Estimate, Measure, Settings, sample_note, sampled
from embedviz.comparison.view import View
from embedviz.projection.method import Progress
from embedviz.records import DoubleArray, IntArray
from embedviz.similarity import rounded_cosines

EXACT = 500


def run(views: Sequence[View], rows: IntArray, settings: Settings, progress: Progress) -> Estimate:
    sample = sampled(rows, EXACT, settings.seed)
    tables = []
    for view in views:
        units = view.units(sample)
        tables.append(rounded_cosines(units, units))
    progress(0, 1)
    values = rank_correlations(tables)
    half = intervals.by_subsampling(
        lambda drawn: rank_correlations([table[np.ix_(drawn, drawn)] for table in tables]),
        len(sample),
        settings.seed,
        progress,
    )
    low, high = np.clip(values - half, -1, 1), np.clip(values + half, -1, 1)
    return Estimate(values, low, high, 0.0, sample_note(len(sample), len(rows), settings.seed))


def rank_correlations(tables: Sequence[DoubleArray]) -> DoubleArray:
    """(layers, layers) Spearman correlations of the upper triangles; NaN where all pairs are equally similar."""
    from scipy.stats import rankdata

    upper = np.triu_indices(len(tables[0]), 1)
    ranks = np.stack([rankdata(table[upper]) for table in tables])
    ranks -= ranks.mean(axis=1, keepdims=True)
    lengths = np.sqrt((ranks**2).sum(axis=1, keepdims=True))
    ranks /= np.where(lengths > 0, lengths, np.nan)
    values: DoubleArray = np.clip(ranks @ ranks.T, -1, 1)
    values[np.diag_indices(len(values))] = np.where(lengths[:, 0] > 0, 1.0, np.nan)
    return values


MEASURE = Measure(
    name="rsa",
    label="RSA",
    sentence="Whether the pairs of instances that are more similar at one layer are the more similar ones at the other "
    "too.",
    minimum=20,
    reason="with so few pairs, unrelated layers agree or disagree by accident.",
    run=run,
)
