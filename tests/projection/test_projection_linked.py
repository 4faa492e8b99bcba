"""The linked graph: each layer's own neighbours, and the same instance one layer on."""

import numpy as np
import pytest

from embedviz.projection.linked import linked_graph, sketch
from embedviz.vectors import unit_vectors

N, K = 40, 8


def layers(missing: dict[int, list[int]]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    generator = np.random.default_rng(0)
    units, defined = [], []
    for layer, width in enumerate((6, 10, 7)):
        rows = generator.normal(size=(N, width))
        rows[missing.get(layer, [])] = 0
        each, pointing = unit_vectors(rows)
        units.append(each)
        defined.append(pointing)
    return units, defined


def test_rows_are_own_neighbours_then_links() -> None:
    from sklearn.neighbors import NearestNeighbors

    units, defined = layers({})
    graph = linked_graph(units, defined, K)
    assert graph.indices.shape == graph.distances.shape == (3 * N, K)
    np.testing.assert_array_equal(graph.indices[:, 0], np.arange(3 * N))
    for layer, rows in enumerate(units):
        apart, near = NearestNeighbors(n_neighbors=K - 1, metric="cosine").fit(rows).kneighbors()
        own = K - (2 if layer == 1 else 1)
        block = slice(layer * N, (layer + 1) * N)
        np.testing.assert_array_equal(graph.indices[block, 1:own], near[:, : own - 1] + layer * N)
        np.testing.assert_allclose(graph.distances[block, 1:own], apart[:, : own - 1], atol=1e-12)
        np.testing.assert_allclose(graph.distances[block, own:], apart[:, :1].repeat(K - own, axis=1), atol=1e-12)
    item = np.arange(N)
    np.testing.assert_array_equal(graph.indices[:N, -1], item + N)
    np.testing.assert_array_equal(graph.indices[N : 2 * N, -2:], np.column_stack([item + 2 * N, item]))
    np.testing.assert_array_equal(graph.indices[2 * N :, -1], item + N)


def test_what_is_missing_in_a_layer_is_linked_over_it() -> None:
    units, defined = layers({0: [4], 1: [4, 9]})
    graph = linked_graph(units, defined, K)
    assert len(graph.indices) == 3 * N - 3
    assert (graph.places < 0).nonzero()[0].tolist() == [0, 1, 1]
    first, middle, last = graph.places
    assert (middle[9], first[4], middle[4]) == (-1, -1, -1)
    assert graph.indices[first[9], -1] == last[9]
    assert graph.indices[last[9], -1] == first[9]
    lone = graph.indices[last[4]]  # alone in its last layer: all its neighbours are its own
    assert set(lone) <= set(last.tolist())


def test_a_link_weighs_as_much_as_the_nearest_neighbour_however_crowded_the_layer() -> None:
    """UMAP's own scaling, a rho and a sigma for every row, makes the weights of a layer a thousand times as crowded
    what they were."""
    from embedviz.projection.warm import import_umap

    import_umap()
    from umap.umap_ import smooth_knn_dist

    graph = linked_graph(*layers({}), K)
    weights = []
    for crowding in (1, 1e-3, 1e-6):
        distances = graph.distances.copy()
        distances[N : 2 * N] *= crowding
        sigmas, rhos = smooth_knn_dist(distances.astype(np.float32), float(K))
        weights.append(np.exp(-np.maximum(0, distances - rhos[:, None]) / sigmas[:, None]))
    np.testing.assert_allclose(weights[0][N : 2 * N, -2:], 1, atol=1e-4)
    np.testing.assert_allclose(weights[0][N : 2 * N, -1], weights[0][N : 2 * N, 1], atol=1e-4)
    for crowded in weights[1:]:
        np.testing.assert_allclose(crowded, weights[0], atol=1e-3)


def test_the_smallest_layer_bounds_the_neighbours() -> None:
    units, defined = layers({1: list(range(34))})
    assert linked_graph(units, defined, K).indices.shape[1] == 6


def test_a_sketch_keeps_distances_and_is_the_same_in_every_layer() -> None:
    generator = np.random.default_rng(0)
    units = [unit_vectors(generator.normal(size=(60, width)))[0] for width in (300, 500)]
    places = np.arange(120).reshape(2, 60)
    drawn = sketch(units, places, seed=0)
    np.testing.assert_array_equal(drawn[:60], drawn[60:])
    both = np.concatenate(units, axis=1)
    true = np.linalg.norm(both[:30] - both[30:], axis=1)
    found = np.linalg.norm(drawn[:30] - drawn[30:60], axis=1)
    assert found.mean() / true.mean() == pytest.approx(np.sqrt(drawn.shape[1]), rel=0.05)
