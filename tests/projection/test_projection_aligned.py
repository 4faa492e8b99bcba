"""Maps of several layers in one frame: what moves has changed its neighbours, and nothing odd breaks the others."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from embedviz.errors import Cancelled, EmbedvizError, ProjectionError
from embedviz.modalities.samples import load_sample
from embedviz.projection import project
from embedviz.projection.aligned import ALIGNMENTS, aligned_maps
from embedviz.projection.quality import measure
from embedviz.records import AlignedMaps, Embeddings
from embedviz.vectors import postprocess

Clusters = Callable[..., np.ndarray]
EVERY = pytest.mark.parametrize("alignment", ALIGNMENTS)


def captured(*layers: np.ndarray) -> dict[str, Embeddings]:
    ids = tuple(f"i{row}" for row in range(len(layers[0])))
    return {f"layer {number}": Embeddings(rows.astype(np.float32), ids) for number, rows in enumerate(layers)}


def planted(swapped: list[int], n: int = 120, groups: int = 4, layers: int = 4) -> dict[str, Embeddings]:
    """Layers of different widths whose instances keep their groups and their places in them but for a little noise;
    the ``swapped`` ones go over to the next group, halfway."""
    generator = np.random.default_rng(0)
    group, within = np.arange(n) % groups, generator.normal(size=(n, 6))
    made = []
    for layer in range(layers):
        width = 24 + 8 * layer
        centres, axes = 2 * generator.normal(size=(groups, width)), generator.normal(size=(6, width)) / 2
        now = group.copy()
        if layer >= layers / 2:
            now[swapped] = (now[swapped] + 1) % groups
        made.append(centres[now] + within @ axes + 0.1 * generator.normal(size=(n, width)))
    return captured(*made)


def moved(maps: AlignedMaps) -> np.ndarray:
    drawn = list(maps.maps.values())
    return np.linalg.norm(drawn[-1].coordinates - drawn[0].coordinates, axis=1)


@pytest.fixture(scope="module")
def glosses() -> dict[str, Embeddings]:
    """MiniLM's first, middle and last layer of the bundled sample."""
    import embedviz

    layers = ["embeddings", "encoder.layer.1", "encoder.layer.3", "encoder.layer.5"]
    return embedviz.capture(embedviz.bundled_checkpoint(), load_sample("wordnet-glosses"), layers)


@EVERY
def test_declared(alignment: str) -> None:
    assert ALIGNMENTS[alignment].label
    assert ALIGNMENTS[alignment].why.endswith(".")


@EVERY
@pytest.mark.parametrize("dimensions", [2, 3])
def test_contract(alignment: str, dimensions: int) -> None:
    layers = planted([5])
    maps = aligned_maps(layers, alignment, dimensions=dimensions, n_neighbors=10, min_dist=0.2, seed=3)
    assert maps.alignment == alignment
    assert list(maps.maps) == list(layers)
    assert maps.note == ""
    for name, drawn in maps.maps.items():
        assert drawn.coordinates.shape == (120, dimensions)
        assert drawn.coordinates.dtype == np.float32
        assert np.isfinite(drawn.coordinates).all()
        assert (drawn.method, drawn.seed) == ("umap", 3)
        assert drawn.parameters == {"n_neighbors": 10, "min_dist": 0.2}
        quality = measure(postprocess(layers[name], "centred"), drawn.coordinates, seed=3)
        assert drawn.trust == pytest.approx(quality.trust, abs=1e-4)  # float32 rounding makes a neighbour or two
        assert drawn.kept == pytest.approx(quality.kept, abs=1e-2)
        assert drawn.trust > 0.8


def test_what_swaps_groups_moves_most() -> None:
    linked = aligned_maps(planted([17]))
    assert moved(linked).argmax() == 17
    assert moved(linked)[17] > 3 * np.sort(moved(linked))[-2]


def test_movement_follows_the_neighbours_where_it_is_linked() -> None:
    swapped = list(range(0, 120, 9))
    linked, independent = (aligned_maps(planted(swapped), alignment) for alignment in ("linked", "independent"))
    assert set(np.argsort(-moved(linked))[: len(swapped)]) == set(swapped)
    assert linked.faithfulness > independent.faithfulness + 0.1  # type: ignore[operator]
    assert linked.drift < independent.drift / 3  # type: ignore[operator]


def test_on_a_model_movement_follows_the_neighbours_better_when_linked(glosses: dict[str, Embeddings]) -> None:
    linked, independent = (aligned_maps(glosses, alignment) for alignment in ("linked", "independent"))
    assert linked.faithfulness > independent.faithfulness + 0.1  # type: ignore[operator]
    assert linked.drift < independent.drift / 2  # type: ignore[operator]
    for name in glosses:
        assert linked.maps[name].trust > independent.maps[name].trust - 0.05  # type: ignore[operator]
    # The same oracle as the record's, from scipy and scikit-learn alone.
    assert linked.faithfulness == pytest.approx(spearman(glosses, linked), abs=1e-6)


def spearman(layers: dict[str, Embeddings], maps: AlignedMaps) -> float:
    from scipy.stats import spearmanr
    from sklearn.neighbors import NearestNeighbors

    found = []
    for rows in (next(iter(layers.values())).vectors, list(layers.values())[-1].vectors):
        near = NearestNeighbors(n_neighbors=10, metric="cosine").fit(rows - rows.mean(axis=0, dtype=np.float64))
        found.append(near.kneighbors(return_distance=False))
    changed = [10 - len(set(before) & set(after)) for before, after in zip(*(f.tolist() for f in found), strict=True)]
    return float(spearmanr(moved(maps), changed).statistic)


def test_independent_maps_are_those_of_each_layer_turned() -> None:
    """Compared with scipy's Procrustes analysis, which brings both maps to unit size."""
    from scipy.spatial import procrustes

    layers = planted([5])
    maps = list(aligned_maps(layers, "independent", seed=1).maps.values())
    rows = [each.vectors.astype(np.float64) for each in layers.values()]
    alone = [project(each - each.mean(axis=0), seed=1).coordinates for each in rows]
    np.testing.assert_array_equal(maps[0].coordinates, alone[0])
    for before, drawn, own in zip(maps, maps[1:], alone[1:], strict=False):
        _, expected, _ = procrustes(before.coordinates, own)
        ours = drawn.coordinates - drawn.coordinates.mean(axis=0)
        np.testing.assert_allclose(ours / np.linalg.norm(ours), expected / np.linalg.norm(expected), atol=1e-5)
        np.testing.assert_allclose(drawn.coordinates.mean(axis=0), before.coordinates.mean(axis=0), atol=1e-4)
        assert drawn.coordinates.std() == pytest.approx(before.coordinates.std(), rel=0.3)


def test_drift_is_the_median_move_in_deviations() -> None:
    from embedviz.projection.movement import drift, faithfulness

    places = np.random.default_rng(0).normal(size=(2000, 2))
    assert drift([places, places + np.array([3 * places.std(), 0]), places]) == pytest.approx(3, rel=0.02)
    assert drift([places]) is None
    assert drift([0 * places, 0 * places]) is None
    unrelated = [np.random.default_rng(seed).normal(size=(2000, 2)) for seed in (1, 2)]
    assert drift(unrelated) == pytest.approx(np.sqrt(2) * np.sqrt(2 * np.log(2)), rel=0.05)  # Rayleigh's median
    assert faithfulness([places, places], [places, places]) is None


@EVERY
def test_a_constant_layer_lies_in_one_place_and_breaks_nothing(alignment: str) -> None:
    layers = planted([5])
    generator = np.random.default_rng(1)
    still = generator.normal(size=16) * (1 + 1e-8 * generator.normal(size=(120, 1)))
    ids = layers["layer 0"].ids
    with_still = {"cls": Embeddings(still.astype(np.float32), ids), **layers}
    maps = aligned_maps(with_still, alignment)
    assert (maps.maps["cls"].coordinates == 0).all()
    assert maps.maps["cls"].trust is None
    assert "120 vectors are all the same" in maps.maps["cls"].note
    assert "cls" in maps.note
    without = aligned_maps(layers, alignment)
    assert (maps.drift, maps.faithfulness) == (without.drift, without.faithfulness)
    for name in layers:
        np.testing.assert_array_equal(maps.maps[name].coordinates, without.maps[name].coordinates)


@EVERY
def test_two_directions_are_two_places(alignment: str) -> None:
    layers = planted([5])
    two = Embeddings(np.eye(3, dtype=np.float32)[np.arange(120) % 2], layers["layer 0"].ids)
    drawn = aligned_maps({"two": two, **layers}, alignment).maps["two"]
    assert "two directions only" in drawn.note
    assert len(np.unique(drawn.coordinates.round(4), axis=0)) == 2


@EVERY
def test_zero_vectors_have_no_place(alignment: str) -> None:
    layers = planted([5])
    rows = {name: each.vectors.copy() for name, each in layers.items()}
    rows["layer 1"][[3, 17]] = 0
    rows["layer 3"][:] = 0
    maps = aligned_maps({name: Embeddings(rows[name], each.ids) for name, each in layers.items()}, alignment).maps
    for name, missing in (("layer 0", []), ("layer 1", [3, 17]), ("layer 2", []), ("layer 3", list(range(120)))):
        assert np.flatnonzero(np.isnan(maps[name].coordinates).any(axis=1)).tolist() == missing
    assert "2 of 120" in maps["layer 1"].note
    assert "nothing to draw" in maps["layer 3"].note
    assert maps["layer 1"].trust > 0.8  # type: ignore[operator]


@EVERY
def test_a_layer_with_few_directions_is_drawn_by_itself(alignment: str) -> None:
    layers = planted([5])
    sparse = layers["layer 1"].vectors.copy()
    sparse[8:] = 0
    maps = aligned_maps(layers | {"layer 1": Embeddings(sparse, layers["layer 0"].ids)}, alignment)
    assert maps.alignment == alignment
    assert [drawn.method for drawn in maps.maps.values()] == ["umap", "pca", "umap", "umap"]
    assert np.isfinite(maps.maps["layer 1"].coordinates).all(axis=1).sum() == 8


@EVERY
@pytest.mark.parametrize("groups", [2, 9])
def test_groups_that_have_nothing_in_common(alignment: str, groups: int) -> None:
    generator = np.random.default_rng(0)
    layers = [
        np.repeat(np.eye(groups), 30, axis=0) @ generator.normal(size=(groups, width))
        + 0.001 * generator.normal(size=(30 * groups, width))
        for width in (12, 20)
    ]
    maps = aligned_maps(captured(*layers), alignment, n_neighbors=5)
    for drawn in maps.maps.values():
        places = drawn.coordinates.reshape(groups, 30, 2)
        middles = places.mean(axis=1)
        assert np.linalg.norm(middles[0] - middles[1]) > np.linalg.norm(places[0] - middles[0], axis=1).mean()


@EVERY
def test_duplicates(alignment: str, clusters: Clusters) -> None:
    layers = [np.concatenate([rows, rows[:1].repeat(60, axis=0)]) for rows in (clusters(40), clusters(40, width=9))]
    maps = aligned_maps(captured(*layers), alignment)
    assert all(np.isfinite(drawn.coordinates).all() for drawn in maps.maps.values())


@EVERY
@pytest.mark.parametrize("n", [1, 2, 3, 4, 14])
def test_the_few(alignment: str, n: int, clusters: Clusters) -> None:
    maps = aligned_maps(captured(clusters(n), clusters(n, width=9)), alignment)
    assert maps.alignment == "independent"
    assert (maps.drift, maps.faithfulness) == (None, None)
    for drawn in maps.maps.values():
        assert drawn.method == {1: "point", 2: "line"}.get(n, "pca")
        assert drawn.note
        assert np.isfinite(drawn.coordinates).all()
    assert n < 3 or "turned onto the one before" in maps.note


def test_the_few_keep_their_size() -> None:
    """PCA's lengths mean something: turning a map does not change them."""
    rows = np.random.default_rng(0).normal(size=(8, 5))
    small = rows @ np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
    first, second = aligned_maps(captured(rows, small)).maps.values()
    np.testing.assert_allclose(first.coordinates, second.coordinates, atol=1e-5)


@EVERY
def test_fifteen_are_aligned(alignment: str, clusters: Clusters) -> None:
    maps = aligned_maps(captured(clusters(15), clusters(15, width=9)), alignment)
    assert maps.alignment == alignment
    assert maps.faithfulness is not None


@EVERY
def test_one_layer(alignment: str, clusters: Clusters) -> None:
    maps = aligned_maps(captured(clusters(40)), alignment)
    assert (maps.drift, maps.faithfulness) == (None, None)
    assert maps.maps["layer 0"].trust > 0.8  # type: ignore[operator]


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ({}, "nothing to draw"),
        (captured(np.zeros((0, 4))), "nothing to draw"),
        (captured(np.zeros((20, 4)), np.zeros((20, 4))), "nothing to draw"),
        (captured(np.full((20, 4), np.nan)), "NaN or infinity: i0"),
        (
            {"a": captured(np.eye(20))["layer 0"], "b": captured(np.eye(21))["layer 0"]},
            "same instances only: a has 20, b has 21",
        ),
    ],
)
def test_what_cannot_be_drawn(layers: dict[str, Embeddings], says: str) -> None:
    with pytest.raises(ProjectionError, match=says):
        aligned_maps(layers)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"alignment": "link"}, "Did you mean linked"),
        ({"n_neighbors": 1}, "2 to 200"),
        ({"dimensions": 4}, "2 or 3"),
        ({"seed": -1}, "seed"),
        ({"postprocessing": "center"}, "centred"),
    ],
)
def test_impossible_settings(settings: dict[str, object], says: str) -> None:
    with pytest.raises(EmbedvizError, match=says):
        aligned_maps(captured(np.eye(20)), **settings)  # type: ignore[arg-type]


@EVERY
def test_progress_in_phases_and_stopping(alignment: str) -> None:
    layers, calls = planted([5]), []
    aligned_maps(layers, alignment, progress=lambda *call: calls.append(call))
    phases = list(dict.fromkeys(phase for phase, _, _ in calls))
    assert phases == {
        "linked": ["finding neighbours", "drawing the maps", "measuring the maps"],
        "independent": [f"drawing map {number} of 4" for number in range(1, 5)],
    }.get(alignment)
    for phase in phases:
        told = [(done, total) for each, done, total in calls if each == phase]
        assert [done for done, _ in told] == sorted(done for done, _ in told)
        assert all(done <= total for done, total in told)

        def stop(now: str, done: int, total: int, phase: str = phase) -> None:
            if now == phase:
                raise Cancelled("Stopped")

        with pytest.raises(Cancelled):
            aligned_maps(layers, alignment, progress=stop)


PRINT_HASHES = """
import hashlib, sys
sys.path.insert(0, "tests/projection")
from embedviz.projection.aligned import ALIGNMENTS, aligned_maps
from test_projection_aligned import planted
for alignment in ALIGNMENTS:
    maps = aligned_maps(planted([5]), alignment, seed=2).maps.values()
    print(hashlib.sha256(b"".join(drawn.coordinates.tobytes() for drawn in maps)).hexdigest())
"""


@pytest.mark.long
def test_the_same_in_another_process() -> None:
    here = []
    for alignment in ALIGNMENTS:
        maps = aligned_maps(planted([5]), alignment, seed=2).maps.values()
        here.append(hashlib.sha256(b"".join(drawn.coordinates.tobytes() for drawn in maps)).hexdigest())
    there = subprocess.run(
        [sys.executable, "-c", PRINT_HASHES], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert there.stdout.split() == here
    assert here[0] != here[1]
