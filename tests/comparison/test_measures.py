"""The measures against published values, scikit-learn, scipy and formulas written out in full."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.stats import ortho_group, spearmanr
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

import embedviz as ev
from embedviz import similarity
from embedviz.comparison import MEASURES, Measure, cka, intervals, mutual_neighbours
from embedviz.comparison.cka import debiased, scaled
from embedviz.comparison.measure import Estimate, Settings
from embedviz.comparison.view import View


def measured(name: str, *layers: np.ndarray, postprocessing: str = "centred", k: int = 10) -> Estimate:
    """One measure by itself, of layers that are all defined everywhere."""
    views = [View.of(str(place), ev.Embeddings.from_array(rows), postprocessing) for place, rows in enumerate(layers)]
    return MEASURES[name].run(views, np.arange(len(layers[0])), Settings(k), lambda done, total: None)


def between(name: str, one: np.ndarray, other: np.ndarray, **settings: Any) -> float:
    return float(measured(name, one, other, **settings).values[0, 1])


def biased_cka(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    norms = np.linalg.norm(one.T @ one) * np.linalg.norm(other.T @ other)
    return float(np.linalg.norm(one.T @ other) ** 2 / norms)


def feature_form(one: np.ndarray, other: np.ndarray) -> float:
    """Debiased CKA from the (width, width) products, as in Kornblith's notebook."""
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    n, rows = len(one), ((one**2).sum(axis=1), (other**2).sum(axis=1))

    def debias(product: float, a: np.ndarray, b: np.ndarray) -> float:
        return float(product - n / (n - 2) * (a @ b) + a.sum() * b.sum() / ((n - 1) * (n - 2)))

    cross = debias(np.linalg.norm(one.T @ other) ** 2, *rows)
    norms = [debias(np.linalg.norm(each.T @ each) ** 2, row, row) for each, row in zip((one, other), rows, strict=True)]
    return cross / float(np.sqrt(norms[0] * norms[1]))


@pytest.fixture
def published() -> tuple[np.ndarray, np.ndarray]:
    """The example of Kornblith et al.'s notebook."""
    generator = np.random.RandomState(1337)
    one = generator.randn(100, 10)
    return one, generator.randn(100, 10) + one


def test_cka_is_the_published_value(published: tuple[np.ndarray, np.ndarray]) -> None:
    assert biased_cka(*published) == pytest.approx(0.55761, abs=1e-5)
    assert between("cka", *published) == pytest.approx(0.51346, abs=1e-5)


@pytest.mark.parametrize("block", [700, similarity.BLOCK])
@pytest.mark.parametrize(("n", "width"), [(60, 200), (200, 30)])
def test_cka_is_the_same_in_feature_form(n: int, width: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "BLOCK", block)
    generator = np.random.default_rng(0)
    one = generator.normal(size=(n, width))
    other = one[:, : width // 2] ** 2 + 4
    assert debiased([scaled(one), scaled(other)])[0, 1] == pytest.approx(feature_form(one, other), abs=1e-12)


def test_cka_ignores_turns_scales_and_shifts_only() -> None:
    generator = np.random.default_rng(1)
    vectors = generator.normal(size=(80, 12))
    turned = 7e5 * vectors @ ortho_group.rvs(12, random_state=0) + generator.normal(size=12)
    stretched = vectors @ generator.normal(size=(12, 12))
    values = debiased([scaled(vectors), scaled(turned), scaled(stretched)])
    assert values[0, 1] == pytest.approx(1, abs=1e-9)
    assert values[0, 2] < 0.95


@pytest.mark.parametrize("n", [50, 200, 1000])
def test_unrelated_layers_have_no_cka_where_the_usual_formula_finds_much(n: int) -> None:
    generator = np.random.default_rng(2)
    one, other = generator.normal(size=(2, n, 384))
    assert biased_cka(one, other) == pytest.approx(384 / (384 + n), abs=0.03)
    assert between("cka", one, other) == pytest.approx(0, abs=4 / n)


def test_cka_of_many_is_of_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(3)
    one = generator.normal(size=(900, 10))
    other = one + generator.normal(size=(900, 10))
    whole = between("cka", one, other)
    monkeypatch.setattr(cka, "EXACT", 600)
    found = measured("cka", one, other)
    assert "600 of 900" in found.note
    assert found.values[0, 1] == pytest.approx(whole, abs=0.05)
    assert found.values[0, 1] != whole


def test_rsa_against_scipy() -> None:
    generator = np.random.default_rng(4)
    one, other = generator.normal(size=(90, 6)) + 2, generator.normal(size=(90, 11))
    other[:, :6] += one
    one[10:20], other[10:20] = one[0], other[0]  # duplicates: ties among the cosines
    upper = np.triu_indices(90, 1)
    for name, change in (("none", lambda rows: rows), ("centred", lambda rows: rows - rows.mean(axis=0))):
        cosines = [np.round(cosine_similarity(change(rows.astype(np.float32)))[upper], 6) for rows in (one, other)]
        expected = spearmanr(*cosines).statistic
        assert between("rsa", one, other, postprocessing=name) == pytest.approx(expected, abs=1e-3)


def test_mutual_neighbours_against_scikit_learn() -> None:
    generator = np.random.default_rng(5)
    one = generator.normal(size=(120, 8))
    other = np.hstack([one, generator.normal(size=(120, 5))])
    lists = [
        NearestNeighbors(metric="cosine").fit(rows).kneighbors(n_neighbors=7, return_distance=False)
        for rows in (one, other)
    ]
    expected = np.mean([len(set(a) & set(b)) / 7 for a, b in zip(*(each.tolist() for each in lists), strict=True)])
    assert between("mutual_neighbours", one, other, postprocessing="none", k=7) == pytest.approx(expected)


def test_mutual_neighbours_of_the_same_and_of_shuffled() -> None:
    generator = np.random.default_rng(6)
    vectors = generator.normal(size=(800, 20))
    assert between("mutual_neighbours", vectors, 3 * vectors + 1) == pytest.approx(1, abs=0.01)
    found = measured("mutual_neighbours", vectors, generator.permutation(vectors))
    assert found.chance == pytest.approx(10 / 799)
    assert found.values[0, 1] == pytest.approx(found.chance, abs=0.005)
    assert found.low[0, 1] < found.chance < found.high[0, 1]


def test_the_next_nearest_that_move_up_are_counted_as_when_each_is_left_out() -> None:
    """The standard error against one that really leaves out each instance, over several draws."""
    generator = np.random.default_rng(7)
    ratios = []
    for _ in range(6):
        one = generator.normal(size=(60, 5))
        other = one + generator.normal(size=(60, 5))
        found = mutual_neighbours.standard_error(*(ev.neighbours(rows, 11).indices for rows in (one, other)))
        left_out = []
        for place in range(60):
            lists = [ev.neighbours(np.delete(rows, place, axis=0), 10).indices for rows in (one, other)]
            left_out.append(mutual_neighbours.shared(*lists).mean() / 10)
        ratios.append(found / np.sqrt(59 * np.var(left_out)))
    assert 0.7 < np.mean(ratios) < 1.05


@pytest.mark.parametrize("name", MEASURES)
def test_intervals_hold_what_they_promise(name: str) -> None:
    """Drawn again and again from one population, the interval holds its mean at least nine times in ten, and is no
    more than twice as wide as it has to be."""
    generator = np.random.default_rng(8)
    mixing, centres = generator.normal(size=(2, 8, 20)), 1.5 * generator.normal(size=(6, 8))
    values, halves = [], []
    for _ in range(50):
        latent = generator.normal(size=(100, 8)) + centres[generator.integers(0, 6, 100)]
        made = measured(name, *(latent @ matrix + generator.normal(size=(100, 20)) for matrix in mixing))
        values.append(made.values[0, 1])
        halves.append((made.high[0, 1] - made.low[0, 1]) / 2)
    assert np.mean(np.abs(values - np.mean(values)) <= halves) >= 0.9
    assert np.median(halves) < 2 * intervals.NORMAL * np.std(values)


@pytest.mark.parametrize("name", MEASURES)
def test_a_layer_is_itself(name: str) -> None:
    vectors = np.random.default_rng(9).normal(size=(70, 10))
    layers = [vectors[:, :width] for width in (10, 5, 3)]
    found = measured(name, *layers)
    for table in (found.values, found.low, found.high):
        assert (np.diag(table) == 1).all()
        assert (table == table.T).all()
    assert (found.low <= found.values).all()
    assert (found.values <= found.high).all()
    assert (measured(name, *layers).low == found.low).all()


@pytest.mark.parametrize("name", MEASURES)
def test_pairs_do_not_depend_on_who_else_is_there(name: str) -> None:
    generator = np.random.default_rng(10)
    layers = generator.normal(size=(4, 60, 6))
    whole = measured(name, *layers).values
    for one, other in itertools.combinations(range(4), 2):
        assert between(name, layers[one], layers[other]) == pytest.approx(whole[one, other], abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.name)
def test_measures_say_what_they_are(measure: Measure) -> None:
    assert MEASURES[measure.name] is measure
    assert measure.label
    assert measure.sentence.endswith(".")
    assert measure.reason.endswith(".")
