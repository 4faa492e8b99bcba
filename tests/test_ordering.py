"""The order of a table of cosines."""

from __future__ import annotations

import numpy as np
import pytest

from embedviz.errors import ProjectionError
from embedviz.ordering import matrix_order
from embedviz.records import Embeddings


@pytest.fixture
def clusters():
    rng = np.random.default_rng(0)
    kinds = np.tile(np.arange(4), 8)
    return (np.eye(4, 16)[kinds] + 0.05 * rng.normal(size=(32, 16))).astype(np.float32), kinds


def test_clusters_stand_together(clusters):
    vectors, kinds = clusters
    order = matrix_order(vectors)
    assert sorted(order.tolist()) == list(range(32))
    assert np.count_nonzero(np.diff(kinds[order])) == 3
    assert matrix_order(vectors).tolist() == order.tolist()


def test_length_of_the_vectors_does_not_matter(clusters):
    vectors, _ = clusters
    scale = np.random.default_rng(1).uniform(0.1, 100, (32, 1))
    assert matrix_order(vectors * scale).tolist() == matrix_order(vectors).tolist()


def test_neighbours_in_the_order_are_closer_than_in_the_order_given(clusters):
    vectors, _ = clusters
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def steps(order):
        return float(np.sum(1 - np.sum(unit[order][1:] * unit[order][:-1], axis=1)))

    assert steps(matrix_order(vectors)) < 0.2 * steps(np.arange(32))


def test_labels_in_alphabetical_order_and_missing_ones_last(clusters):
    vectors, kinds = clusters
    labels = [None if at == 5 else float("nan") if at == 7 else "dbca"[kind] for at, kind in enumerate(kinds)]
    order = matrix_order(Embeddings(vectors, tuple(map(str, range(32)))), by="label", labels=labels)
    found = [labels[at] for at in order]
    assert found[:30] == sorted(found[:30])
    assert set(order[30:].tolist()) == {5, 7}
    assert sorted(order.tolist()) == list(range(32))


def test_vectors_without_a_direction_come_last(clusters):
    vectors = clusters[0].copy()
    vectors[3], vectors[9] = 0, np.nan
    assert matrix_order(vectors)[-2:].tolist() == [3, 9]


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few(n):
    assert sorted(matrix_order(np.eye(3)[:n].reshape(n, 3)).tolist()) == list(range(n))


def test_identical_vectors():
    assert sorted(matrix_order(np.ones((5, 3))).tolist()) == list(range(5))


def test_wrong_requests_say_why():
    with pytest.raises(ProjectionError, match="no such order"):
        matrix_order(np.eye(3), by="size")
    with pytest.raises(ProjectionError, match="2 labels for 3"):
        matrix_order(np.eye(3), by="label", labels=["a", "b"])
    with pytest.raises(ProjectionError, match="5,001 instances"):
        matrix_order(np.ones((5_001, 2)))
