"""Linear probe: how well a simple classifier reads the label off the vectors (Alain & Bengio 2016)."""

from __future__ import annotations

import numpy as np

from embedviz.comparison import intervals
from embedviz.comparison.curve_kind import CurveKind, Point
from embedviz.comparison.labels import FEWEST
from embedviz.comparison.measure import Settings
from embedviz.comparison.view import View
from embedviz.records import IntArray


def run(view: View, rows: IntArray, codes: IntArray, settings: Settings) -> Point:
    """The share of labels that logistic regression gets right, each in the one of five folds it was not trained on."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    # Scaled inside of each fold, so that nothing of what is asked is known. The coarse tolerance costs no accuracy.
    probe = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-2, max_iter=500))
    folds = StratifiedKFold(FEWEST, shuffle=True, random_state=settings.seed)
    vectors = view.vectors[rows] / np.abs(view.vectors[rows]).max()  # float32 would overflow on squares of 1e20
    with threadpool_limits(1):  # the products are so small that threads mostly wait for each other
        answers = cross_val_predict(probe, vectors, codes, cv=folds)
    share = float((answers == codes).mean())
    return Point(share, *intervals.of_share(share, len(rows)))


def chance(codes: IntArray) -> float:
    """The share of the most frequent label: always to answer it takes no vectors."""
    return float(np.bincount(codes).max() / len(codes))


CURVE = CurveKind(
    name="probe",
    label="Linear probe",
    sentence="How often a simple classifier, trained on four fifths of the instances, gets the label of the others "
    "right.",
    not_said="It does not say that the model itself uses what the probe finds, nor that neighbours share it.",
    minimum=20,
    run=run,
    needs_labels=True,
    chance=chance,
    most=2_000,
)
