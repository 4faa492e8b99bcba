"""The ladder of small numbers of instances, and vectors of which no map can be drawn."""

import numpy as np
import pytest

from embedviz.errors import ProjectionError
from embedviz.projection import METHODS, project
from embedviz.similarity import cosine_similarity

EVERY = pytest.mark.parametrize("method", METHODS)
BOTH = pytest.mark.parametrize("dimensions", [2, 3])


def some(n: int, width: int = 6) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(n, width)).astype(np.float32)


@EVERY
def test_none(method: str) -> None:
    with pytest.raises(ProjectionError, match="nothing to draw"):
        project(some(0), method)


@EVERY
@BOTH
def test_one_is_the_origin(method: str, dimensions: int) -> None:
    made = project(some(1), method, dimensions=dimensions)
    assert made.method == "point"
    assert made.coordinates.tolist() == [[0.0] * dimensions]
    assert made.trust is None
    assert made.kept is None
    assert "too few to measure" in made.note


@EVERY
@BOTH
def test_two_are_a_line_as_long_as_one_minus_cosine(method: str, dimensions: int) -> None:
    vectors = some(2)
    made = project(vectors, method, dimensions=dimensions)
    length = np.linalg.norm(made.coordinates[1] - made.coordinates[0])
    assert made.method == "line"
    assert length == pytest.approx(1 - cosine_similarity(vectors)[0, 1], abs=1e-6)
    assert made.note.startswith("Two instances")


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.minimum > 3])
@BOTH
@pytest.mark.parametrize("n", [3, 4, 9, 10, 14])
def test_a_few_are_pca_with_the_reason(method: str, dimensions: int, n: int) -> None:
    made = project(some(n), method, dimensions=dimensions)
    assert made.method == "pca"
    assert made.parameters == {}
    assert f"needs at least 15 instances and would invent structure for {n}" in made.note
    assert np.isfinite(made.coordinates).all()
    assert (made.trust is None) == (made.kept is None) == (n < 10)


def test_three_keep_their_cosines_exactly() -> None:
    """Three directions fit into a plane: distances on the map are the chords, whose squares are 2(1 - cosine)."""
    vectors = some(3)
    made = project(vectors).coordinates.astype(np.float64)
    squares = ((made[:, None] - made[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(squares, 2 * (1 - cosine_similarity(vectors)), atol=1e-5)


@EVERY
def test_fifteen_are_the_method_asked_for(method: str) -> None:
    made = project(some(15), method)
    assert made.method == method
    assert made.trust is not None


@EVERY
@pytest.mark.parametrize(
    ("vectors", "says"),
    [
        (np.ones((20, 4)), "20 vectors, all the same"),
        (np.ones((3, 4)), "3 vectors, all the same"),
        (np.ones((20, 4)) + 1e-8 * some(20, 4), "all the same"),
        (np.eye(2).repeat(10, axis=0), "20 vectors, only two different ones"),
        (np.zeros((20, 4)), "not all zeros"),
        (np.zeros((2, 4)), "not all zeros"),
    ],
)
def test_no_meaningless_cloud(method: str, vectors: np.ndarray, says: str) -> None:
    with pytest.raises(ProjectionError, match=says):
        project(vectors, method)


def test_two_directions_are_no_map_but_for_pca_whose_lengths_differ() -> None:
    vectors = np.eye(2).repeat(10, axis=0) * np.arange(1, 21)[:, None]
    for method in METHODS:
        if METHODS[method].directions:
            with pytest.raises(ProjectionError, match="only two different ones"):
                project(vectors, method)
    assert project(vectors, "pca").method == "pca"


def test_three_directions_are_enough() -> None:
    vectors = np.eye(3).repeat(10, axis=0)
    for method in METHODS:
        assert np.isfinite(project(vectors, method).coordinates).all()


@EVERY
def test_nan_and_infinity(method: str) -> None:
    vectors = some(20)
    vectors[4, 0] = np.inf
    with pytest.raises(ProjectionError, match="1 of 20 vectors hold NaN or infinity: 4"):
        project(vectors, method)


@EVERY
def test_zeros_are_not_counted_among_the_few(method: str) -> None:
    vectors = some(16)
    vectors[2:] = 0
    made = project(vectors, method)
    assert made.method == "line"
    assert "14 of 16" in made.note


@EVERY
@pytest.mark.parametrize("scale", [1e-30, 1e20])
def test_extreme_lengths(method: str, scale: float) -> None:
    vectors = some(20) * np.float32(scale)
    made = project(vectors, method)
    assert np.isfinite(made.coordinates).all()
    assert made.trust == pytest.approx(project(some(20), method).trust, abs=0.1)
