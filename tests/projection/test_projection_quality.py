"""How faithful a map is, against scikit-learn and a plain sort."""

from collections.abc import Callable

import numpy as np
import pytest

from embedviz import similarity
from embedviz.errors import ProjectionError
from embedviz.projection import quality
from embedviz.projection.quality import kept_neighbours, kept_shares, measure, trustworthiness
from embedviz.similarity import neighbours

Clusters = Callable[..., np.ndarray]


@pytest.fixture(params=[5000, similarity.BLOCK])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "BLOCK", request.param)


@pytest.mark.parametrize(("n", "k"), [(10, 3), (31, 15), (200, 15), (200, 5)])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_trust_against_scikit_learn(n: int, k: int, dimensions: int, clusters: Clusters, block: None) -> None:
    from sklearn.manifold import trustworthiness as expected

    vectors = clusters(n)
    coordinates = vectors[:, :dimensions]
    assert trustworthiness(vectors, coordinates, k) == pytest.approx(
        expected(vectors.astype(np.float64), coordinates, n_neighbors=k, metric="cosine"), abs=1e-12
    )


def test_kept_against_a_sort(clusters: Clusters, block: None) -> None:
    vectors = clusters(150)
    coordinates = vectors[:, :2].astype(np.float64)
    distances = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    drawn = np.argsort(distances, axis=1, kind="stable")[:, :15]
    true = neighbours(vectors, 15).indices
    shared = [len(set(a) & set(b)) / 15 for a, b in zip(drawn.tolist(), true.tolist(), strict=True)]
    assert kept_neighbours(vectors, coordinates) == pytest.approx(np.mean(shared))


def test_a_perfect_map() -> None:
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, 100)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    assert measure(5 * circle, circle).trust == 1
    assert measure(5 * circle, circle).kept == 1


def test_a_random_map_is_chance() -> None:
    generator = np.random.default_rng(0)
    found = measure(generator.normal(size=(1500, 30)), generator.normal(size=(1500, 2)))
    assert found.trust == pytest.approx(0.503, abs=0.02)
    assert found.chance == pytest.approx(15 / 1499)
    assert found.kept == pytest.approx(found.chance, abs=0.005)


def test_a_sample_is_near_the_whole(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clusters(1500)
    whole = measure(vectors, vectors[:, :2])
    monkeypatch.setattr(quality, "EXACT", 1000)
    sampled = measure(vectors, vectors[:, :2])
    assert sampled != whole
    assert sampled == measure(vectors, vectors[:, :2])
    assert sampled.trust == pytest.approx(whole.trust, abs=0.01)
    assert sampled.kept == pytest.approx(whole.kept, abs=0.01)


def test_too_few_have_no_number_and_a_reason(clusters: Clusters) -> None:
    for n in range(quality.FEWEST):
        assert measure(clusters(n), np.zeros((n, 2))).trust is None
        assert kept_neighbours(clusters(n), np.zeros((n, 2))) is None
    assert measure(clusters(10), clusters(10)[:, :2]).k == 4
    assert "10 instances" in quality.WHY_NOT


def test_what_has_no_place_is_left_out(clusters: Clusters) -> None:
    vectors = clusters(60)
    coordinates = vectors[:, :2].copy()
    expected = measure(np.delete(vectors, [4, 9], axis=0), np.delete(coordinates, [4, 9], axis=0))
    vectors[4] = 0
    coordinates[9] = np.nan
    assert measure(vectors, coordinates) == expected


def test_another_table_is_refused() -> None:
    with pytest.raises(ProjectionError, match="20 places, 21 vectors"):
        measure(np.ones((21, 3)), np.ones((20, 2)))


def test_kept_shares_are_those_of_a_comparison_of_lists() -> None:
    rng = np.random.default_rng(4)
    vectors, places = rng.normal(size=(60, 8)), rng.normal(size=(60, 2)).astype(np.float32)
    places[11] = np.nan
    vectors[20] = 0
    near = neighbours(vectors, k=6).indices
    found = kept_shares(near, places)
    assert np.isnan(found[[11, 20]]).all()
    for row in set(range(60)) - {11, 20}:
        others = [place for place in range(60) if place not in (row, 11)]
        drawn = sorted(others, key=lambda place: float(np.sum((places[place].astype(float) - places[row]) ** 2)))[:6]
        assert found[row] == pytest.approx(len(set(drawn) & set(near[row].tolist())) / 6)


def test_kept_shares_of_too_few() -> None:
    near = np.full((1, 0), -1, dtype=np.int64)
    assert np.isnan(kept_shares(near, np.zeros((1, 2)))).all()
    assert kept_shares(np.array([[1], [0]]), np.array([[0.0, 0], [1, 1]])).tolist() == [1, 1]
