"""One contract for every declared method, and what is particular to each."""

import hashlib
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from embedviz.errors import Cancelled, ProjectionError
from embedviz.projection import ALL_METHODS, METHODS, project
from embedviz.records import Embeddings

EVERY = pytest.mark.parametrize("method", METHODS)
Clusters = Callable[..., np.ndarray]


@EVERY
def test_declaration(method: str) -> None:
    declared = METHODS[method]
    assert declared.name == method
    assert declared.label
    assert declared.sentence.endswith(".")
    assert declared.settle({}) == {parameter.name: parameter.default for parameter in declared.parameters}
    for parameter in declared.parameters:
        assert parameter.label
        assert parameter.sentence.endswith(".")
        assert parameter.choices or (parameter.minimum is not None and parameter.maximum is not None)
        assert parameter.choices or parameter.step
        for value in (parameter.default, *parameter.choices):
            assert parameter.settle(value) == value
        if parameter.minimum is not None and parameter.maximum is not None:
            assert parameter.minimum <= parameter.default <= parameter.maximum


@EVERY
@pytest.mark.parametrize("dimensions", [2, 3])
def test_contract(method: str, dimensions: int, clusters: Clusters) -> None:
    vectors = clusters(60)
    before = vectors.copy()
    made = project(vectors, method, dimensions=dimensions, seed=4)
    assert made.coordinates.shape == (60, dimensions)
    assert made.coordinates.dtype == np.float32
    assert np.isfinite(made.coordinates).all()
    assert (made.coordinates.std(axis=0) > 0).all()
    assert (made.method, made.seed, made.dimensions) == (method, 4, dimensions)
    assert set(made.parameters) == {parameter.name for parameter in METHODS[method].parameters}
    assert made.trust is not None
    assert made.trust > 0.7
    assert made.kept is not None
    assert 0.3 < made.kept <= 1
    np.testing.assert_array_equal(vectors, before)
    again = project(vectors, method, dimensions=dimensions, seed=4, **made.parameters)
    np.testing.assert_array_equal(again.coordinates, made.coordinates)


@EVERY
def test_smallest_and_largest_settings(method: str, clusters: Clusters) -> None:
    for parameter in METHODS[method].parameters:
        for value in (parameter.minimum, parameter.maximum):
            made = project(clusters(30), method, **{parameter.name: value})
            assert np.isfinite(made.coordinates).all()
            assert made.parameters[parameter.name] <= 30  # what does not fit the instances is lowered, and said


@EVERY
def test_just_enough_instances_and_duplicates(method: str, clusters: Clusters) -> None:
    vectors = np.concatenate([clusters(METHODS[method].minimum), clusters(1).repeat(60, axis=0)])
    for n in (METHODS[method].minimum, len(vectors)):
        made = project(vectors[:n], method)
        assert made.method == method
        assert np.isfinite(made.coordinates).all()


@EVERY
def test_zero_vectors_have_no_place(method: str, clusters: Clusters) -> None:
    vectors = clusters(40)
    vectors[[3, 17]] = 0
    made = project(vectors, method)
    assert np.flatnonzero(np.isnan(made.coordinates).any(axis=1)).tolist() == [3, 17]
    assert "2 of 40" in made.note
    without = project(np.delete(vectors, [3, 17], axis=0), method)
    np.testing.assert_array_equal(np.delete(made.coordinates, [3, 17], axis=0), without.coordinates)
    assert (made.trust, made.kept) == (without.trust, without.kept)


@EVERY
def test_progress_and_stopping(method: str, clusters: Clusters) -> None:
    calls: list[tuple[int, int]] = []
    project(clusters(40), method, progress=lambda done, total: calls.append((done, total)))
    assert calls[0][0] == 0
    assert calls[-1][0] == calls[-1][1]
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)

    for error in (Cancelled("Stopped"), ValueError("Stopped")):
        stops = 0

        def stop(done: int, total: int, error: Exception = error) -> None:
            nonlocal stops
            stops += 1
            raise error

        with pytest.raises(type(error), match="Stopped"):
            project(clusters(40), method, progress=stop)
        assert stops == 1
    assert project(clusters(40), method).method == method


@EVERY
def test_an_unknown_parameter_is_named(method: str) -> None:
    with pytest.raises(ProjectionError, match="neighbors"):
        project(np.eye(20), method, neighbors=3)


@pytest.mark.parametrize(
    ("method", "parameters", "says"),
    [
        ("umap", {"n_neighbours": 5}, "Did you mean n_neighbors"),
        ("umap", {"n_neighbors": 1}, "2 to 200"),
        ("umap", {"n_neighbors": 7.5}, "a whole number, 2 to 200"),
        ("umap", {"n_neighbors": True}, "2 to 200"),
        ("umap", {"min_dist": 1.5}, r"0 to 0\.99"),
        ("umap", {"min_dist": float("nan")}, r"0 to 0\.99"),
        ("umap", {"min_dist": "wide"}, r"0 to 0\.99"),
        ("tsne", {"perplexity": 1000}, "2 to 100"),
        ("ummap", {}, "Did you mean umap"),
        ("umap", {"dimensions": 4}, "2 or 3"),
        ("umap", {"seed": -1}, "seed"),
        ("umap", {"seed": 1.5}, "seed"),
    ],
)
def test_impossible_settings_say_the_range(method: str, parameters: dict[str, object], says: str) -> None:
    with pytest.raises(ProjectionError, match=says):
        project(np.eye(20), method, **parameters)  # type: ignore[arg-type]


def test_embeddings_and_arrays_are_the_same(clusters: Clusters) -> None:
    vectors = clusters(30)
    made = project(Embeddings(vectors, tuple(map(str, range(30)))), "pca")
    np.testing.assert_array_equal(made.coordinates, project(vectors, "pca").coordinates)


@pytest.mark.parametrize(("n", "width"), [(40, 12), (12, 40), (300, 5)])
def test_pca_against_scikit_learn(n: int, width: int, clusters: Clusters) -> None:
    from sklearn.decomposition import PCA

    vectors = clusters(n, width=width) + 5
    made = project(vectors, "pca", dimensions=3)
    oracle = PCA(3, svd_solver="full").fit(vectors.astype(np.float64))
    expected = oracle.transform(vectors.astype(np.float64))
    expected *= np.sign((expected * made.coordinates).sum(axis=0))
    np.testing.assert_allclose(made.coordinates, expected, atol=1e-4)
    assert f"{oracle.explained_variance_ratio_.sum():.0%}" in made.note


def test_pca_of_vectors_narrower_than_the_map() -> None:
    vectors = np.arange(20, dtype=np.float32)[:, None] + 1
    made = project(vectors, "pca", dimensions=3)
    np.testing.assert_allclose(np.abs(np.diff(made.coordinates[:, 0])), 1, rtol=1e-5)
    assert (made.coordinates[:, 1:] == 0).all()


@pytest.mark.parametrize(("n", "width"), [(3, 5), (40, 12), (200, 30)])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_mds_against_scikit_learn(n: int, width: int, dimensions: int, clusters: Clusters) -> None:
    from sklearn.manifold import ClassicalMDS
    from sklearn.metrics import pairwise_distances

    vectors = clusters(n, width=width)
    made = project(vectors, "mds", dimensions=dimensions)
    apart = pairwise_distances(vectors.astype(np.float64), metric="cosine")
    np.fill_diagonal(apart, 0)
    apart = (apart + apart.T) / 2
    with np.errstate(invalid="ignore"):  # three points lie in a plane: scikit-learn takes the root of -1e-17
        expected = np.nan_to_num(ClassicalMDS(dimensions, metric="precomputed").fit_transform(apart))
    expected *= np.sign((expected * made.coordinates).sum(axis=0))
    np.testing.assert_allclose(made.coordinates, expected, atol=1e-5)


def test_mds_draws_lines_as_long_as_one_minus_cosine_where_a_plane_holds_them() -> None:
    from sklearn.metrics import pairwise_distances

    # About at right angles: of most others, two lines together would be shorter than the third.
    vectors = np.eye(3) + 0.1 * np.random.default_rng(3).normal(size=(3, 3))
    made = project(vectors, "mds")
    np.testing.assert_allclose(
        pairwise_distances(made.coordinates), pairwise_distances(vectors, metric="cosine"), atol=1e-6
    )
    assert "100%" in made.note


def test_mds_says_how_many_it_is_for() -> None:
    vectors = np.random.default_rng(0).normal(size=(2_001, 3))
    with pytest.raises(ProjectionError, match=r"up to 2,000 instances: 2,001 instances"):
        project(vectors, "mds")
    assert not ALL_METHODS["mds"].fits(2_001)
    assert ALL_METHODS["mds"].fits(2_000)
    assert all(ALL_METHODS[name].fits(10**6) for name in ("umap", "umap_fast", "pca", "tsne"))


def test_a_method_whose_package_is_missing_says_how_to_get_it() -> None:
    code = (
        "import importlib.util\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'manifolds_rs' else found(name, *rest)\n"
        "from embedviz.errors import ProjectionError\n"
        "from embedviz.projection import METHODS, project\n"
        "print(*METHODS)\n"
        "try:\n    project([[1.0, 2.0]], 'umap_fast')\n"
        "except ProjectionError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    listed, error = done.stdout.splitlines()
    assert listed.split() == [name for name in ALL_METHODS if name != "umap_fast"]
    assert "pip install embedviz[fast]" in error


@pytest.mark.skipif("umap_fast" not in METHODS, reason="manifolds-rs is not installed")
def test_fast_umap_is_as_faithful_as_umap(clusters: Clusters) -> None:
    vectors = clusters(400, width=64, groups=20, spread=0.9)
    fast, umap = (project(vectors, method) for method in ("umap_fast", "umap"))
    assert fast.trust == pytest.approx(umap.trust, abs=0.03)
    assert fast.kept == pytest.approx(umap.kept, abs=0.08)


def test_tsne_finds_the_neighbours_that_scikit_learn_finds(clusters: Clusters) -> None:
    """Exact neighbours and 1 - cosine given to t-SNE are what it computes itself with the cosine metric."""
    from sklearn.manifold import TSNE

    from embedviz.projection.quality import measure

    vectors = clusters(150)
    made = project(vectors, "tsne", perplexity=10)
    theirs = TSNE(perplexity=10, metric="cosine", init="pca", random_state=0).fit_transform(vectors)
    assert made.kept == pytest.approx(measure(vectors, theirs).kept, abs=0.04)


def test_umap_beats_pca_on_clusters(clusters: Clusters) -> None:
    vectors = clusters(400, width=64, groups=20, spread=0.9)
    made = {method: project(vectors, method) for method in ("umap", "pca")}
    assert made["umap"].trust > made["pca"].trust + 0.1  # type: ignore[operator]
    assert made["umap"].kept > made["pca"].kept + 0.1  # type: ignore[operator]


@pytest.mark.parametrize("groups", [2, 9])
def test_umap_draws_groups_that_have_nothing_in_common(groups: int) -> None:
    """More neighbours than the groups are wide would connect them; fewer leave a graph in pieces."""
    generator = np.random.default_rng(0)
    vectors = np.repeat(np.eye(groups), 30, axis=0) + 0.01 * generator.normal(size=(30 * groups, groups))
    made = project(vectors, "umap", n_neighbors=5)
    assert made.method == "umap"
    assert np.isfinite(made.coordinates).all()
    middles = made.coordinates.reshape(groups, 30, 2).mean(axis=1)
    assert np.linalg.norm(middles[0] - middles[1]) > np.linalg.norm(made.coordinates[:30] - middles[0], axis=1).mean()


def test_umap_starts_from_pca_where_the_graph_gives_no_start(
    clusters: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    import scipy.sparse.linalg

    def fail(*_: object, **__: object) -> None:
        raise scipy.sparse.linalg.ArpackError(-9)

    monkeypatch.setattr(scipy.sparse.linalg, "eigsh", fail)
    made = project(clusters(40), "umap")
    assert "started from PCA" in made.note
    assert np.isfinite(made.coordinates).all()


def test_umap_gives_opposite_vectors_a_place() -> None:
    generator = np.random.default_rng(0)
    line = generator.normal(size=(1, 8))
    vectors = np.concatenate([line.repeat(10, axis=0), -line, generator.normal(size=(10, 8)) * 0.1 + line])
    assert np.isfinite(project(vectors, "umap", n_neighbors=20).coordinates).all()


def test_umap_leaves_numba_and_tqdm_as_they_were(clusters: Clusters) -> None:
    import numba
    import tqdm

    def stop(done: int, total: int) -> None:
        raise Cancelled("Stopped")

    before = numba.get_num_threads(), tqdm.tqdm.monitor_interval
    with pytest.raises(Cancelled):
        project(clusters(40), progress=stop)
    assert (numba.get_num_threads(), tqdm.tqdm.monitor_interval) == before


def test_stopping_umap_leaves_no_lock_behind(clusters: Clusters) -> None:
    """tqdm's lock is one for the whole process: kept, it would hang every later bar in any other thread."""
    import threading

    def stop(done: int, total: int) -> None:
        raise Cancelled("Stopped")

    with pytest.raises(Cancelled):
        project(clusters(40), progress=stop)
    made: list[object] = []
    later = threading.Thread(target=lambda: made.append(project(clusters(40), progress=lambda *_: None)), daemon=True)
    later.start()
    later.join(30)
    assert made


def test_umap_from_several_threads_at_once(clusters: Clusters) -> None:
    from concurrent.futures import ThreadPoolExecutor

    vectors = clusters(40)
    alone = project(vectors).coordinates
    with ThreadPoolExecutor(4) as pool:
        for made in pool.map(lambda _: project(vectors), range(4)):
            np.testing.assert_array_equal(made.coordinates, alone)


@pytest.mark.filterwarnings("error")
@EVERY
def test_no_warnings(method: str, clusters: Clusters) -> None:
    project(clusters(40), method)


PRINT_HASHES = """
import hashlib, numpy as np
from embedviz.projection import METHODS, project
vectors = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
print(*(hashlib.sha256(project(vectors, method, seed=2).coordinates.tobytes()).hexdigest() for method in METHODS))
"""


@pytest.mark.long
def test_the_same_in_another_process() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    here = [hashlib.sha256(project(vectors, method, seed=2).coordinates.tobytes()).hexdigest() for method in METHODS]
    there = subprocess.run([sys.executable, "-c", PRINT_HASHES], capture_output=True, text=True, check=True)
    assert there.stdout.split() == here
    assert len(set(here)) == len(METHODS)


def test_another_seed_is_another_map(clusters: Clusters) -> None:
    one, two = (project(clusters(40), seed=seed).coordinates for seed in (0, 1))
    assert not np.array_equal(one, two)


def test_nothing_heavy_is_imported_with_the_package() -> None:
    code = (
        "import sys, embedviz.projection, embedviz.similarity, embedviz.vectors\n"
        "print(*{'umap', 'numba', 'sklearn', 'scipy', 'tqdm', 'streamlit', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
