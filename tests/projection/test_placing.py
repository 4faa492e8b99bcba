"""New instances on a map that stays: against the maps themselves, and against umap-learn's own transform."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

import embedviz as ev
from embedviz.projection.placing import LOOKED_AT, Ground
from embedviz.records import Projection

DIGITS = load_digits().data[:600].astype(np.float32)


def on_map(projection: Projection, near: np.ndarray, place: np.ndarray) -> int:
    """How many of ``near`` are among as many nearest on the map, by scikit-learn."""
    beside = NearestNeighbors(n_neighbors=len(near)).fit(projection.coordinates).kneighbors(place[None])[1][0]
    return len(set(beside.tolist()) & set(near.tolist()))


@pytest.mark.parametrize("postprocessing", ["none", "l2", "centred", "standardised"])
def test_neighbours_are_the_true_ones(postprocessing: str) -> None:
    old, new = DIGITS[:500], DIGITS[500:]
    changed = ev.postprocess(ev.Embeddings.from_array(old), postprocessing)
    ground = Ground(old, ev.project(changed, method="pca"), postprocessing)
    found = ground.land(new, k=12)
    rows = new.astype(np.float64)
    if postprocessing in ("centred", "standardised"):
        rows = rows - old.mean(axis=0, dtype=np.float64)
    if postprocessing == "standardised":
        spread = old.std(axis=0, dtype=np.float64)
        rows = np.divide(rows, spread, out=np.zeros_like(rows), where=spread > 0)
    theirs = NearestNeighbors(n_neighbors=12, metric="cosine").fit(changed.vectors).kneighbors(rows)
    np.testing.assert_allclose(found.cosines, 1 - theirs[0], atol=1e-5)
    assert (found.indices == theirs[1]).mean() > 0.995  # but for ties
    places = found.coordinates
    for row in range(0, 100, 9):
        assert found.kept[row] == on_map(ground.projection, found.indices[row, :LOOKED_AT], places[row])


def test_on_a_pca_the_same_axes_put_them() -> None:
    from sklearn.decomposition import PCA

    ground = Ground(DIGITS[:500], ev.project(ev.Embeddings.from_array(DIGITS[:500]), method="pca"))
    theirs = PCA(2, svd_solver="full").fit(DIGITS[:500].astype(np.float64)).transform(DIGITS[500:])
    ours = ground.land(DIGITS[500:]).coordinates
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-3)


def test_what_is_there_already_lands_on_itself() -> None:
    drawn = ev.project(ev.Embeddings.from_array(DIGITS), method="umap")
    found = Ground(DIGITS, drawn).land(DIGITS[:20])
    np.testing.assert_array_equal(found.coordinates, drawn.coordinates[:20])
    assert found.indices[:, 0].tolist() == list(range(20))
    assert not found.rarity.any()


def test_as_many_neighbours_stay_as_by_umaps_own_transform() -> None:
    import umap

    held_out = np.arange(len(DIGITS)) % 5 == 0
    old, new = DIGITS[~held_out], DIGITS[held_out]
    # Euclidean on unit vectors is cosine's order, and is compiled already for the maps of the other tests.
    fitted = umap.UMAP(random_state=0).fit(old / np.linalg.norm(old, axis=1, keepdims=True))
    drawn = Projection(fitted.embedding_, "umap", {}, 0)
    found = Ground(old, drawn).land(new)
    theirs = fitted.transform(new / np.linalg.norm(new, axis=1, keepdims=True))
    kept = [on_map(drawn, found.indices[row, :LOOKED_AT], theirs[row]) for row in range(len(new))]
    assert found.kept.mean() > np.mean(kept) - 0.2


def test_an_outsider_is_told() -> None:
    drawn = ev.project(ev.Embeddings.from_array(DIGITS), method="pca")
    strange = np.random.default_rng(0).normal(size=(1, 64)).astype(np.float32)
    found = Ground(DIGITS, drawn).land(np.concatenate([strange, DIGITS[:1] * 0.5]))
    assert found.outside(0)
    assert found.rarity[0] == 1
    assert not found.outside(1)


def test_a_vector_without_a_direction_has_no_place() -> None:
    drawn = ev.project(ev.Embeddings.from_array(DIGITS), method="umap")
    found = Ground(DIGITS, drawn).land(np.zeros((1, 64)))
    assert np.isnan(found.coordinates).all()
    assert (found.indices == -1).all()
    assert found.kept.tolist() == [0]
    assert not found.outside(0)


def test_what_does_not_belong_is_refused() -> None:
    drawn = ev.project(ev.Embeddings.from_array(DIGITS), method="pca")
    with pytest.raises(ev.ProjectionError, match="as wide as"):
        Ground(DIGITS, drawn).land(np.ones((1, 63)))
    with pytest.raises(ev.ProjectionError, match="do not belong together"):
        Ground(DIGITS[:5], drawn)
    with pytest.raises(ev.ProjectionError, match="NaN"):
        Ground(DIGITS, drawn).land(np.full((1, 64), np.nan))
