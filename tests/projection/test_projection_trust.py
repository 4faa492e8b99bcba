"""Trust point by point, against scikit-learn, a plain sort in float64, and contradictions that were planted."""

from collections.abc import Callable

import numpy as np
import pytest

from embedviz import similarity
from embedviz.errors import Cancelled, ProjectionError
from embedviz.projection import quality
from embedviz.projection import trust as module
from embedviz.projection.quality import measure
from embedviz.projection.trust import point_trust, trust

Clusters = Callable[..., np.ndarray]


def sorted_others(distances: np.ndarray) -> np.ndarray:
    """Each row's others (n, n - 1), nearest first, ties by place."""
    order = np.argsort(distances, axis=1, kind="stable")
    return order[order != np.arange(len(order))[:, None]].reshape(len(order), -1)


def in_truth(vectors: np.ndarray) -> np.ndarray:
    from sklearn.metrics.pairwise import cosine_distances

    return sorted_others(cosine_distances(vectors.astype(np.float64)).round(12))


def on_map(coordinates: np.ndarray) -> np.ndarray:
    places = coordinates.astype(np.float64)
    return sorted_others(((places[:, None] - places[None]) ** 2).sum(axis=2))


def rank(order: np.ndarray, i: int, j: int) -> int:
    return int(np.flatnonzero(order[i] == j)[0]) + 1


@pytest.fixture(params=[5000, similarity.BLOCK])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "BLOCK", request.param)


@pytest.mark.parametrize(("n", "k", "dimensions"), [(10, 15, 2), (31, 15, 3), (150, 15, 2), (150, 4, 3)])
def test_against_scikit_learn_and_a_sort(n: int, k: int, dimensions: int, clusters: Clusters, block: None) -> None:
    from sklearn.manifold import trustworthiness

    vectors, coordinates = clusters(n), clusters(n)[:, :dimensions]
    found = trust(vectors, coordinates, k)
    k = min(k, (n - 1) // 2)
    assert found.quality == measure(vectors, coordinates, k)
    assert found.quality.trust == pytest.approx(
        trustworthiness(vectors.astype(np.float64), coordinates, n_neighbors=k, metric="cosine"), abs=1e-12
    )
    true, drawn = in_truth(vectors), on_map(coordinates)
    shares = [len(set(a[:k]) & set(b[:k])) / k for a, b in zip(true.tolist(), drawn.tolist(), strict=True)]
    assert found.shares.dtype == np.float32
    assert found.shares == pytest.approx(np.array(shares))
    assert found.quality.kept == pytest.approx(np.mean(shares))
    assert found.note == ""


def test_contradictions_against_a_sort(clusters: Clusters, block: None) -> None:
    n, k = 120, 8
    vectors, coordinates = clusters(n), clusters(n)[:, :2]
    found, true, drawn = trust(vectors, coordinates, k), in_truth(vectors), on_map(coordinates)
    near, far = [], []
    for i in range(n):
        for j in range(i + 1, n):
            truly = min(rank(true, i, j), rank(true, j, i))
            mapped = min(rank(drawn, i, j), rank(drawn, j, i))
            if j in drawn[i, :k] and i in drawn[j, :k] and truly > k:
                near.append((-truly, i, j))
            if true[i, 0] == j and true[j, 0] == i and mapped > k:
                far.append((-mapped, i, j))
    assert len(near) > 20
    assert far
    for pairs, expected in ((found.near, near), (found.far, far)):
        expected = sorted(expected)[: module.MOST_PAIRS]
        assert [(-r, i, j) for r, (i, j) in zip(pairs.ranks.tolist(), pairs.places.tolist(), strict=True)] == expected
        for (i, j), cosine in zip(pairs.places, pairs.cosines, strict=True):
            assert cosine == pytest.approx(similarity.cosine_similarity(vectors[[i, j]])[0, 1], abs=1e-6)


def on_a_circle(n: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Vectors that a flat map can draw without a fault, and that map."""
    angles = np.sort(np.random.default_rng(0).uniform(0, 2 * np.pi, n))
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    return 3 * circle, circle


def test_a_perfect_map_contradicts_nothing() -> None:
    found = trust(*on_a_circle())
    assert (found.shares == 1).all()
    assert len(found.near) == len(found.far) == 0
    assert found.baselines["pca"].kept == 1
    assert found.baselines["random"].kept == pytest.approx(15 / 99, abs=0.03)
    assert found.baselines["random"].trust == pytest.approx(0.5, abs=0.05)


def test_a_torn_pair_and_a_false_neighbour_are_found() -> None:
    """Two that are each other's nearest are drawn apart, so that one of them lands beside a stranger."""
    vectors, places = on_a_circle()
    vectors[41] = vectors[40] * 1.5
    places[41] = places[90] + 1e-4
    found = trust(vectors, places, 5)
    assert found.far.places[0].tolist() == [40, 41]
    assert found.far.cosines[0] == pytest.approx(1)
    assert found.far.ranks[0] > 30
    assert (found.near.places[:5] == 41).any(axis=1).all()
    assert [41, 90] in found.near.places.tolist()
    assert found.near.ranks[0] > 30
    assert found.shares[41] == 0
    assert found.shares[70] == 1

    told = point_trust(vectors, places, 41, 5)
    assert (told.kept, told.k) == (0, 5)
    assert told.false.indices[0] == 90
    assert told.missing.indices[0] == 40
    assert told.missing.true_ranks.tolist() == [1, 2, 3, 4, 5]
    assert told.false.map_ranks.tolist() == [1, 2, 3, 4, 5]


def test_one_point_against_a_sort(clusters: Clusters) -> None:
    vectors, coordinates = clusters(80), clusters(80)[:, :2]
    shares, true, drawn = trust(vectors, coordinates, 10).shares, in_truth(vectors), on_map(coordinates)
    for place in range(80):
        told = point_trust(vectors, coordinates, place, 10)
        assert told.kept / told.k == pytest.approx(float(shares[place]))
        assert told.false.indices.tolist() == [j for j in drawn[place, :10] if j not in true[place, :10]]
        assert told.missing.indices.tolist() == [j for j in true[place, :10] if j not in drawn[place, :10]]
        for some in (told.false, told.missing):
            assert some.map_ranks.tolist() == [rank(drawn, place, j) for j in some.indices]
            assert some.true_ranks.tolist() == [rank(true, place, j) for j in some.indices]
            cosines = similarity.cosine_similarity(vectors[[place, *some.indices]])[0, 1:]
            assert some.cosines == pytest.approx(cosines, abs=1e-6)


def test_duplicates_are_ordered_by_their_place() -> None:
    vectors, places = np.ones((30, 4)), np.zeros((30, 2))
    found = trust(vectors, places, 5)
    assert (found.shares == 1).all()
    told = point_trust(vectors, places, 3, 5)
    assert len(told.false) == len(told.missing) == 0


def test_what_has_no_place_or_no_direction_is_left_out(clusters: Clusters) -> None:
    vectors, coordinates = clusters(60), clusters(60)[:, :2].copy()
    without = [4, 9]
    expected = trust(np.delete(vectors, without, axis=0), np.delete(coordinates, without, axis=0))
    vectors[4], coordinates[9] = 0, np.nan
    found = trust(vectors, coordinates)
    assert np.flatnonzero(np.isnan(found.shares)).tolist() == without
    assert np.delete(found.shares, without).tolist() == expected.shares.tolist()
    there = np.delete(np.arange(60), without)
    assert found.near.places.tolist() == there[expected.near.places].tolist()
    assert found.baselines == expected.baselines
    for place in without:
        assert point_trust(vectors, coordinates, place).k == 0
    told = point_trust(vectors, coordinates, 30)
    assert not {4, 9} & {*told.false.indices.tolist(), *told.missing.indices.tolist()}


@pytest.mark.parametrize("n", range(quality.FEWEST))
def test_few_have_a_reason_and_no_number(n: int, clusters: Clusters) -> None:
    found = trust(clusters(n), np.zeros((n, 2)))
    assert found.quality.trust is None
    assert found.note == quality.WHY_NOT
    assert found.shares.shape == (n,)
    assert len(found.near) == len(found.far) == len(found.baselines) == 0
    for place in range(n):
        assert point_trust(clusters(n), np.zeros((n, 2)), place).k == max(0, (n - 1) // 2)


def test_a_sample_says_so_and_is_near_the_whole(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, coordinates = clusters(900), clusters(900)[:, :2]
    whole = trust(vectors, coordinates)
    monkeypatch.setattr(module, "EVERY", 800)
    monkeypatch.setattr(module, "SOME", 500)
    sampled = trust(vectors, coordinates, seed=3)
    assert sampled.note == "Taken of 500 of the 900 instances, drawn at random."
    known = np.isfinite(sampled.shares)
    assert known.sum() == 500
    assert sampled.shares[known].tolist() == whole.shares[known].tolist()
    assert sampled.quality.trust == pytest.approx(whole.quality.trust, abs=0.02)
    assert set(map(tuple, sampled.near.places.tolist())) <= {
        (i, j) for i in range(900) for j in range(i, 900) if known[i] and known[j]
    }
    assert trust(vectors, coordinates, seed=3).shares.tobytes() == sampled.shares.tobytes()


def test_it_can_be_watched_and_stopped(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "BLOCK", 3000)
    told: list[tuple[int, int]] = []
    trust(clusters(100), clusters(100)[:, :2], progress=lambda done, total: told.append((done, total)))
    assert told == [(30, 100), (60, 100), (90, 100), (100, 100)]

    def stop(_done: int, _total: int) -> None:
        raise Cancelled("Stopped")

    with pytest.raises(Cancelled):
        trust(clusters(100), clusters(100)[:, :2], progress=stop)


def test_what_makes_no_sense_is_refused(clusters: Clusters) -> None:
    with pytest.raises(ProjectionError, match="20 places, 21 vectors"):
        trust(np.ones((21, 3)), np.ones((20, 2)))
    with pytest.raises(ProjectionError, match="NaN"):
        trust(np.full((20, 3), np.nan), np.ones((20, 2)))
    for place in (-1, 20):
        with pytest.raises(ProjectionError, match="no such instance"):
            point_trust(clusters(20), clusters(20)[:, :2], place)
