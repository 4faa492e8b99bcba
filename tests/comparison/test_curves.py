"""The curves over depth against scikit-learn, closed forms and planted cases."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

import embedviz as ev
from embedviz.comparison import CURVES, CurveKind
from embedviz.comparison.reading import number, reading

Layers = Callable[..., dict[str, ev.Embeddings]]


def curve(name: str, vectors: np.ndarray, labels: object = None, **settings: object) -> ev.Curve:
    embeddings = ev.Embeddings.from_array(vectors, labels=labels)  # type: ignore[arg-type]
    return ev.compare({"it": embeddings}, **settings).curves[name]  # type: ignore[arg-type]


def test_crowding_is_of_the_vectors_as_captured() -> None:
    vectors = np.random.default_rng(0).normal(size=(80, 6)).astype(np.float32) + 2
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = (units @ units.T)[np.triu_indices(80, 1)].mean()
    for postprocessing in ("none", "centred", "standardised"):
        assert curve("crowding", vectors, postprocessing=postprocessing).values[0] == pytest.approx(expected, abs=1e-6)


def test_purity_against_scikit_learn(layers: Layers) -> None:
    embeddings = layers(160)["layer.3"]
    labels = np.array(embeddings.labels)
    centred = embeddings.vectors - embeddings.vectors.mean(axis=0)
    near = NearestNeighbors(metric="cosine").fit(centred).kneighbors(n_neighbors=10, return_distance=False)
    found = ev.compare({"it": embeddings}).curves["purity"]
    assert found.values[0] == pytest.approx((labels[near] == labels[:, None]).mean())
    assert found.chance == pytest.approx(19 / 159)
    assert found.low is not None
    assert found.low[0] < found.values[0]


def test_shuffled_labels_are_chance() -> None:
    generator = np.random.default_rng(1)
    vectors, labels = generator.normal(size=(500, 10)), generator.choice(3, 500, p=(0.6, 0.3, 0.1))
    for name, chance in (("purity", 0.46), ("probe", 0.6)):
        found = curve(name, vectors, labels)
        assert found.chance == pytest.approx(chance, abs=0.05)
        assert found.values[0] == pytest.approx(found.chance, abs=0.06)
    assert curve("silhouette", vectors, labels).values[0] == pytest.approx(0, abs=0.05)


def test_silhouette_against_scikit_learn(layers: Layers) -> None:
    embeddings = layers(120)["layer.2"]
    centred = (embeddings.vectors - embeddings.vectors.astype(np.float64).mean(axis=0)).astype(np.float32)
    expected = silhouette_score(centred, embeddings.labels, metric="cosine")
    assert ev.compare({"it": embeddings}).curves["silhouette"].values[0] == pytest.approx(expected, abs=1e-5)


def test_the_probe_reads_what_can_be_read_and_does_not_know_the_answers() -> None:
    generator = np.random.default_rng(2)
    labels = np.arange(300) % 3
    plain = np.eye(3)[labels] + 0.05 * generator.normal(size=(300, 3))
    assert curve("probe", plain * [1, 1e6, 1e-6], labels).values[0] == 1  # however uneven the dimensions are
    wide = generator.normal(size=(60, 400))  # any labels can be learned by heart, which must not count
    assert curve("probe", wide, np.arange(60) % 2).values[0] == pytest.approx(0.5, abs=0.2)


def test_wilsons_interval_of_the_probe_is_the_published_one() -> None:
    from embedviz.comparison.intervals import of_share

    # Newcombe (1998), Statistics in Medicine 17, table I: the score method without continuity correction.
    for right, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)):
        assert of_share(right / n, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("n", "width"), [(240, 384), (1500, 20)])
def test_participation_of_equal_directions_is_their_number(n: int, width: int) -> None:
    vectors = np.random.default_rng(3).normal(size=(n, width))
    found = curve("participation_ratio", vectors)
    assert found.values[0] == pytest.approx(width, rel=0.03)
    assert found.low is not None
    assert found.high is not None
    assert found.low[0] < width < found.high[0]


def test_participation_of_uneven_directions() -> None:
    variances = np.array([9.0, 4, 1, 1, 0.5])
    vectors = np.random.default_rng(4).normal(size=(2000, 5)) * np.sqrt(variances)
    expected = variances.sum() ** 2 / (variances**2).sum()
    assert curve("participation_ratio", vectors).values[0] == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("repeat", [0, 300])
def test_intrinsic_dimension_of_a_hidden_gaussian(repeat: int) -> None:
    generator = np.random.default_rng(5)
    vectors = generator.normal(size=(2000 - repeat, 5)) @ generator.normal(size=(5, 384))
    again = vectors[:repeat] * (1 + 1e-7)  # the same texts in another batch
    found = curve("intrinsic_dimension", np.concatenate([vectors, again]))
    assert found.values[0] == pytest.approx(5, abs=0.3)
    assert found.low is not None
    assert found.low[0] > 4.5


def test_hubness_finds_a_hub() -> None:
    generator = np.random.default_rng(6)
    vectors = generator.normal(size=(300, 300))
    even = curve("hubness", vectors[:, :3], k=5, postprocessing="none").values[0]
    vectors[0] = vectors.mean(axis=0) * 20
    assert curve("hubness", vectors, k=5, postprocessing="none").values[0] > even + 3


def test_missing_and_rare_labels_are_left_out(layers: Layers) -> None:
    embeddings = layers(160)["layer.3"]
    kept = [place for place in range(160) if place % 8 < 3]
    labels: list[object] = [
        label if label < 3 else (None, "", float("nan"), "one", "two")[label - 3] for label in embeddings.labels or ()
    ]
    labels[7 + 8 * 4 :] = [label if label != "two" else None for label in labels[7 + 8 * 4 :]]
    labels = [label if label != "one" else f"only {place}" for place, label in enumerate(labels)]
    centred = ev.postprocess(embeddings, "centred")
    whole = ev.Embeddings.from_array(centred.vectors, labels=labels)
    only = ev.Embeddings.from_array(centred.vectors[kept], labels=[labels[place] for place in kept])
    for name in ("purity", "silhouette", "probe"):
        found = ev.compare({"it": whole}, postprocessing="none").curves[name]
        expected = ev.compare({"it": only}, postprocessing="none").curves[name]
        assert found.values[0] == pytest.approx(expected.values[0])
        assert found.chance == expected.chance
        assert "76 have no label and 24 have a label that fewer than 5 have" in found.note


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        (None, "There are no labels"),
        ([None] * 40, "There are no labels"),
        (["same"] * 40, "only one label"),
        (list(range(40)), "no label is so frequent"),
        ([*["frequent"] * 36, *["rare"] * 4], "only one label"),
    ],
)
def test_labels_that_say_nothing_have_a_reason(labels: list[object] | None, why: str) -> None:
    for name in ("purity", "silhouette", "probe"):
        found = curve(name, np.random.default_rng(7).normal(size=(40, 4)), labels)
        assert why in found.why_not
        assert np.isnan(found.values).all()


def test_many_instances_are_sampled() -> None:
    generator = np.random.default_rng(8)
    labels = np.arange(2400) % 2
    vectors = generator.normal(size=(2400, 4)) + labels[:, None]
    layer = {"it": ev.Embeddings.from_array(vectors, labels=labels)}
    for name, found in ev.compare(layer).curves.items():
        assert ("2,000 of 2,400" in found.note) == (CURVES[name].most is not None)


@pytest.mark.parametrize("kind", CURVES.values(), ids=lambda kind: kind.name)
def test_curves_say_what_they_are(kind: CurveKind) -> None:
    assert CURVES[kind.name] is kind
    assert kind.label
    for sentence in (kind.sentence, kind.not_said):
        assert sentence.endswith(".")


def test_readings() -> None:
    layers = ["a", "b", "c"]
    assert reading(layers, np.array([0.21, 0.4, 0.74])) == "Rises from .21 to .74; highest at c."
    assert (
        reading(layers, np.array([0.284, 0.649, 0.116]), chance=0.125)
        == "Falls from .28 to .12; highest, .65, at b. Chance is .12."
    )
    assert reading(layers, np.array([47.2, 30, 46.9]), 0) == "Begins and ends at 47; highest at a; lowest, 30, at b."
    assert reading(layers, np.array([np.nan, 0.5, np.nan])) == "It is .50 at b."
    assert reading(layers, np.full(3, 0.5)) == "Begins and ends at .50."
    assert reading(layers, np.full(3, np.nan)) == ""
    assert [number(value) for value in (0.214, -0.03, 1, -1, -0.001, 10.5)] == [
        ".21",
        "-.03",
        "1.00",
        "-1.00",
        "0",
        "10.50",
    ]
