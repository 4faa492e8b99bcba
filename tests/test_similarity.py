"""Cosines, neighbours and pairs against scikit-learn and a plain float64 sort."""

import itertools

import numpy as np
import pytest

from embedviz import similarity
from embedviz.errors import ProjectionError
from embedviz.similarity import cosine_similarity, mean_cosine, nearest_to, neighbours, pairs

SMALL_BLOCKS = 700  # numbers in a block, so that tables of this size take several


@pytest.fixture(params=[SMALL_BLOCKS, similarity.BLOCK])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(similarity, "BLOCK", request.param)
    return int(request.param)


@pytest.fixture
def vectors() -> np.ndarray:
    """120 vectors with duplicates, scaled copies, and three zeros."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(120, 9)).astype(np.float32)
    rows[40:60] = rows[7]
    rows[60:70] = 3 * rows[8]
    rows[[5, 50, 119]] = 0
    return rows


def oracle(vectors: np.ndarray) -> np.ndarray:
    """Cosines in float64, pair by pair, NaN for zeros."""
    rows = vectors.astype(np.float64)
    with np.errstate(invalid="ignore"):
        rows /= np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return np.round((rows[:, None] * rows[None]).sum(axis=2), 12)


def test_table_against_scikit_learn(vectors: np.ndarray, block: int) -> None:
    from sklearn.metrics.pairwise import cosine_similarity as expected

    table = cosine_similarity(vectors)
    zeros = ~vectors.any(axis=1)
    assert table.dtype == np.float32
    assert np.isnan(table[zeros]).all()
    assert np.isnan(table[:, zeros]).all()
    kept = table[~zeros][:, ~zeros]
    np.testing.assert_allclose(kept, expected(vectors[~zeros].astype(np.float64)), atol=1e-6)
    assert (np.diag(kept) == 1).all()
    assert (kept == kept.T).all()
    assert np.abs(kept).max() <= 1


@pytest.mark.parametrize("k", [1, 10, 119])
def test_neighbours_against_a_sort(vectors: np.ndarray, block: int, k: int) -> None:
    table = oracle(vectors)
    found = neighbours(vectors, k)
    assert found.undefined == (5, 50, 119)
    assert found.indices.shape == (120, k)
    for row in range(len(vectors)):
        others = [other for other in range(len(vectors)) if other != row and not np.isnan(table[row, other])]
        expected = sorted(others, key=lambda other: (-table[row, other], other))[:k]
        expected += [-1] * (k - len(expected))
        assert found.indices[row].tolist() == expected
        given = found.indices[row] >= 0
        np.testing.assert_allclose(found.cosines[row][given], table[row][found.indices[row][given]], atol=1e-6)
        assert np.isnan(found.cosines[row][~given]).all()


def test_all_the_same_are_ordered_by_index() -> None:
    found = neighbours(np.full((40, 300), 0.1, dtype=np.float32), 3)
    assert found.indices[0].tolist() == [1, 2, 3]
    assert found.indices[2].tolist() == [0, 1, 3]
    assert (found.cosines == 1).all()


@pytest.mark.parametrize(("n", "columns"), [(0, 0), (1, 0), (2, 1), (4, 3)])
def test_few_instances_clip_k(n: int, columns: int) -> None:
    found = neighbours(np.eye(4, dtype=np.float32)[:n], 10)
    assert found.indices.shape == found.cosines.shape == (n, columns)


def test_only_zeros() -> None:
    found = neighbours(np.zeros((3, 2), dtype=np.float32), 2)
    assert (found.indices == -1).all()
    assert found.undefined == (0, 1, 2)
    assert pairs(np.zeros((3, 2))).most == ()
    assert mean_cosine(np.zeros((3, 2))) is None


@pytest.mark.parametrize("k", [1, 20, 10**6])
def test_pairs_against_a_sort(vectors: np.ndarray, block: int, k: int) -> None:
    table = oracle(vectors)
    every = [(i, j) for i, j in itertools.combinations(range(len(vectors)), 2) if not np.isnan(table[i, j])]
    found = pairs(vectors, k)
    assert [(pair.i, pair.j) for pair in found.most] == sorted(every, key=lambda ij: (-table[ij], ij))[:k]
    assert [(pair.i, pair.j) for pair in found.least] == sorted(every, key=lambda ij: (table[ij], ij))[:k]
    for pair in (*found.most, *found.least):
        assert pair.cosine == pytest.approx(table[pair.i, pair.j], abs=1e-9)


def test_mean_cosine_against_all_pairs(vectors: np.ndarray) -> None:
    table = oracle(vectors)
    upper = table[np.triu_indices(len(table), 1)]
    assert mean_cosine(vectors) == pytest.approx(np.nanmean(upper), abs=1e-9)
    assert mean_cosine([[1, 0], [0, 1]]) == pytest.approx(0)
    assert mean_cosine([[1, 0]]) is None


@pytest.mark.parametrize("scale", [2.0**-100, 2.0**67])  # powers of two: no rounding, so that ties stay ties
def test_extreme_lengths(vectors: np.ndarray, scale: float) -> None:
    table = cosine_similarity(vectors)
    scaled = vectors * np.float32(scale)
    np.testing.assert_allclose(cosine_similarity(scaled), table, atol=1e-6)
    np.testing.assert_array_equal(neighbours(scaled, 5).indices[:5], neighbours(vectors, 5).indices[:5])
    assert mean_cosine(scaled) == pytest.approx(mean_cosine(vectors), abs=1e-6)


def test_bad_input_is_refused() -> None:
    for function in (cosine_similarity, neighbours, pairs, mean_cosine):
        with pytest.raises(ProjectionError, match="NaN"):
            function([[1.0, np.nan]])
    for function in (neighbours, pairs):
        with pytest.raises(ProjectionError, match="k=0"):
            function(np.eye(3), 0)


def test_one_instances_neighbours_are_its_row_of_all(vectors: np.ndarray) -> None:
    everybody = neighbours(vectors, k=12)
    for place in range(len(vectors)):
        alone = nearest_to(vectors, place, k=12)
        assert np.array_equal(alone.indices[0], everybody.indices[place])
        assert np.array_equal(alone.cosines[0], everybody.cosines[place], equal_nan=True)
        assert alone.undefined == everybody.undefined
    assert nearest_to(vectors[:1], 0).indices.shape == (1, 0)


def test_progress_is_told_block_by_block(vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "BLOCK", SMALL_BLOCKS)
    told: list[tuple[int, int]] = []
    neighbours(vectors, progress=lambda done, total: told.append((done, total)))
    assert len(told) > 5
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (117, 117)


def test_many_are_ranked_as_if_all_were_compared_in_float64() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(4_100, 6)) @ rng.normal(size=(6, 32)) + 0.1 * rng.normal(size=(4_100, 32))
    rows[[5, 2_000, 4_000]] = rows[7]  # the same direction four times: a tie that the place decides
    rows[9] = rows[8] * (1 + 1e-9)
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = np.round(units @ units.T, 12)
    np.fill_diagonal(cosines, -np.inf)
    expected = np.argsort(-cosines, axis=1, kind="stable")[:, :10]
    found = neighbours(rows, k=10)
    assert np.array_equal(found.indices, expected)
    assert found.indices[5, :3].tolist() == [7, 2_000, 4_000]


def test_very_many_of_the_same_direction_are_all_compared() -> None:
    rows = np.ones((4_200, 8))
    rows[4_100:] = np.random.default_rng(0).normal(size=(100, 8))
    found = neighbours(rows, k=3)
    assert found.indices[0].tolist() == [1, 2, 3]
    assert found.indices[4_099].tolist() == [0, 1, 2]
