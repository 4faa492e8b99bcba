"""What stays of a map under other seeds."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from embedviz.errors import Cancelled, ProjectionError
from embedviz.projection import METHODS, project
from embedviz.projection import reroll as module
from embedviz.projection.reroll import reroll
from embedviz.records import Projection

Clusters = Callable[..., np.ndarray]


def nearest(coordinates: np.ndarray, k: int) -> list[list[int]]:
    found = NearestNeighbors(n_neighbors=k).fit(coordinates.astype(np.float64)).kneighbors(return_distance=False)
    return [list(map(int, row)) for row in found]


def test_umap_against_maps_drawn_one_by_one(clusters: Clusters) -> None:
    vectors = clusters(90)
    drawn = project(vectors, "umap", seed=5, n_neighbors=10)
    found = reroll(vectors, drawn, seeds=(6, 11), k=8)
    shares = np.zeros((2, 90))
    for number, seed in enumerate((6, 11)):
        other = project(vectors, "umap", seed=seed, n_neighbors=10).coordinates
        for place, (a, b) in enumerate(zip(nearest(drawn.coordinates, 8), nearest(other, 8), strict=True)):
            shares[number, place] = len(set(a) & set(b)) / 8
    assert found.shares == pytest.approx(shares.mean(axis=0), abs=1e-6)
    assert found.stays == pytest.approx(shares.mean())
    assert (found.seeds, found.k, found.fixed) == ((6, 11), 8, False)
    assert found.chance is not None
    assert found.chance < found.stays < 1


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_method_without_chance_says_so(method: str, clusters: Clusters) -> None:
    found = reroll(clusters(40), project(clusters(40), method))
    assert found.fixed
    assert found.stays == 1
    assert (found.shares == 1).all()


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_can_be_drawn_again(method: str, clusters: Clusters) -> None:
    found = reroll(clusters(30), project(clusters(30), method, dimensions=3), seeds=(1,))
    assert found.stays is not None
    assert 0 <= found.stays <= 1


@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_too_few_say_so(n: int, clusters: Clusters) -> None:
    found = reroll(clusters(n), project(clusters(n)))
    assert found.stays is None
    assert "too few" in found.note
    assert np.isnan(found.shares).all()


def test_few_are_drawn_by_pca_which_never_changes(clusters: Clusters) -> None:
    assert reroll(clusters(12), project(clusters(12), "umap")).fixed


def test_zero_vectors_have_no_share(clusters: Clusters) -> None:
    vectors = clusters(40)
    vectors[7] = 0
    found = reroll(vectors, project(vectors, "umap"), seeds=(1,))
    assert np.flatnonzero(np.isnan(found.shares)).tolist() == [7]


def test_a_sample_says_so(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 50)
    monkeypatch.setattr(module, "SOME", 20)
    found = reroll(clusters(60), project(clusters(60)), seeds=(1,))
    assert np.isfinite(found.shares).sum() == 20
    assert found.note == "Taken of 20 of the 60 instances, drawn at random."


def test_it_can_be_watched_and_stopped(clusters: Clusters) -> None:
    told: list[tuple[int, int]] = []
    drawn = project(clusters(60))
    reroll(clusters(60), drawn, progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert {total for _, total in told} == {300}
    assert told[-1][0] > 250

    def stop(_done: int, _total: int) -> None:
        raise Cancelled("Stopped")

    with pytest.raises(Cancelled):
        reroll(clusters(60), drawn, progress=stop)


def test_another_table_is_refused(clusters: Clusters) -> None:
    with pytest.raises(ProjectionError, match="20 places, 21 vectors"):
        reroll(clusters(21), Projection(np.zeros((20, 2), np.float32), "pca", {}, 0))
