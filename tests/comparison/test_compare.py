"""Comparisons as a whole: planted cases, too few, what is refused, and which layer to use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import embedviz as ev
from embedviz.comparison import CURVES, MEASURES

Layers = Callable[..., dict[str, ev.Embeddings]]


def embeddings(vectors: np.ndarray, **settings: object) -> ev.Embeddings:
    return ev.Embeddings.from_array(vectors, **settings)  # type: ignore[arg-type]


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(80, 12)).astype(np.float32)


def test_two_models_of_other_widths_are_a_part_of_all_layers_together(layers: Layers) -> None:
    one = layers(90, depth=3)
    other = {f"other.{name}": each for name, each in layers(90, depth=2, seed=1).items()}
    found, whole = ev.compare(one, other), ev.compare({**one, **other})
    assert found.rows == tuple(one)
    assert found.columns == tuple(other)
    for name in MEASURES:
        np.testing.assert_allclose(found.agreements[name].values, whole.agreements[name].values[:3, 3:], atol=1e-12)
        assert found.agreements[name].low.shape == (3, 2)
    for name in CURVES:
        np.testing.assert_array_equal(found.curves[name].values, whole.curves[name].values[:3])
        np.testing.assert_array_equal(found.other_curves[name].values, whole.curves[name].values[3:])
    assert found.best == "layer.2"


def test_a_model_with_itself_is_one_on_the_diagonal(layers: Layers) -> None:
    found = ev.compare(layers(60), layers(60))
    for agreement in found.agreements.values():
        np.testing.assert_allclose(np.diag(agreement.values), 1, atol=1e-12)


@pytest.mark.parametrize("noise", [0, 1e-7])
@pytest.mark.parametrize("postprocessing", ["none", "centred", "standardised"])
def test_a_constant_layer_has_no_numbers_and_says_why(vectors: np.ndarray, noise: float, postprocessing: str) -> None:
    labels = np.arange(80) % 2
    constant = np.tile(vectors[0], (80, 1)) * (1 + noise * np.sign(vectors))
    layers = {
        name: embeddings(each, labels=labels)
        for name, each in (("cls", constant), ("one", vectors), ("two", vectors**3))
    }
    found = ev.compare(layers, postprocessing=postprocessing)
    for agreement in found.agreements.values():
        assert np.isnan(agreement.values[0]).all()
        assert np.isfinite(agreement.values[1:, 1:]).all()
        assert "cls gives the same vector for every instance" in agreement.note
    for name, curve in found.curves.items():
        assert np.isfinite(curve.values[1:]).all()
        if name == "crowding":
            assert curve.values[0] == pytest.approx(1)
        else:
            assert np.isnan(curve.values[0])
            assert "cls gives the same vector" in curve.note


def test_an_anisotropic_layer_is_crowded_and_agrees_all_the_same(vectors: np.ndarray) -> None:
    found = ev.compare({"even": embeddings(vectors), "crowded": embeddings(vectors + 30)})
    assert found.curves["crowding"].values == pytest.approx([0, 0.999], abs=0.02)
    assert found.agreements["cka"].values[0, 1] == pytest.approx(1, abs=1e-6)
    assert found.agreements["mutual_neighbours"].values[0, 1] > 0.99
    assert any("crowded" in sentence and "1.00" in sentence for sentence in found.evidence)


def test_zero_vectors_are_left_out_of_their_pairs(vectors: np.ndarray) -> None:
    holed, other = vectors.copy(), vectors**3
    holed[[3, 50]] = 0
    found = ev.compare(
        {"a": embeddings(vectors), "b": embeddings(other), "c": embeddings(holed)}, postprocessing="none"
    )
    kept = np.delete(np.arange(80), [3, 50])
    pairs = {"a": embeddings(vectors[kept]), "b": embeddings(other[kept])}
    without, everybody = (
        ev.compare(pairs, postprocessing="none"),
        ev.compare({"a": embeddings(vectors), "b": embeddings(other)}, postprocessing="none"),
    )
    for name, agreement in found.agreements.items():
        assert agreement.values[0, 1] == pytest.approx(everybody.agreements[name].values[0, 1], abs=1e-12)
        assert agreement.values[2, 1] == pytest.approx(without.agreements[name].values[0, 1], abs=1e-12)
        assert agreement.values[2, 0] == pytest.approx(1)
        assert "c: 2 of 80 vectors have no direction" in agreement.note
    assert "c: 2 of 80" in found.curves["hubness"].note


def test_duplicates_are_each_others_neighbours_everywhere(vectors: np.ndarray) -> None:
    vectors[20:60] = vectors[0]
    found = ev.compare({"one": embeddings(vectors), "two": embeddings(vectors**3)})
    for agreement in found.agreements.values():
        assert np.isfinite(agreement.values).all()
    for name in ("crowding", "participation_ratio", "hubness"):
        assert np.isfinite(found.curves[name].values).all()
    assert np.isnan(found.curves["intrinsic_dimension"].values).all()  # 40 distinct ones are too few


def test_one_instance_apart_from_the_rest_is_no_structure() -> None:
    vectors = np.tile([1.0, 2.0, 3.0], (60, 1))
    vectors[7] = [3, 2, 1]
    found = ev.compare({"one": embeddings(vectors), "two": embeddings(vectors[:, ::-1].copy())})
    assert np.isnan(found.agreements["cka"].values).all()
    assert (found.agreements["rsa"].values == 1).all()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 9, 10, 19, 49])
@pytest.mark.parametrize("same", [False, True])
def test_too_few_have_a_reason_and_no_number(vectors: np.ndarray, n: int, same: bool) -> None:
    rows = np.ones((n, 4)) if same else vectors[:n]
    found = ev.compare({"one": embeddings(rows, labels=["a"] * n), "two": embeddings(rows[:, :3])})
    for name, agreement in found.agreements.items():
        assert agreement.values.shape == (2, 2)
        assert bool(agreement.why_not) == (n < MEASURES[name].minimum)
        assert np.isnan(agreement.values).all() == (same or n < MEASURES[name].minimum)
    assert (n >= 50) or ".9" in found.agreements["cka"].why_not
    for name, curve in found.curves.items():
        assert np.isnan(curve.values).all() == (name not in ("crowding",) or n < 2)
        assert curve.why_not or n >= CURVES[name].minimum
    assert found.best == ""
    assert found.evidence
    moved = ev.movers(embeddings(rows), embeddings(rows[:, :3]))
    assert len(moved.order) == (0 if same or n < 2 else n)


@pytest.mark.parametrize("name", MEASURES)
def test_extreme_lengths_change_nothing(name: str, vectors: np.ndarray) -> None:
    plain = ev.compare({"a": embeddings(vectors), "b": embeddings(vectors**3)}).agreements[name].values
    extreme = {"a": embeddings(vectors * np.float32(2.0**110)), "b": embeddings(vectors**3 * np.float32(2.0**-100))}
    np.testing.assert_allclose(ev.compare(extreme).agreements[name].values, plain, atol=1e-6)


def test_what_cannot_be_compared_is_refused(vectors: np.ndarray) -> None:
    good = embeddings(vectors)
    bad = vectors.copy()
    bad[5, 1] = np.nan
    for layers, words in (
        ({}, "no layer"),
        ({"a": good, "b": embeddings(vectors[:70])}, "80 instances in a, 70 in b"),
        (
            {"a": good, "b": embeddings(vectors, ids=[f"n{place}" for place in range(80)])},
            "instance 1 is 1 in a, n0 in b",
        ),
        ({"a": good, "b": replace(good, vectors=bad)}, "NaN"),
        ({"a": vectors}, "from_array"),
    ):
        with pytest.raises(ev.ProjectionError, match=words):
            ev.compare(layers)  # type: ignore[arg-type]
    with pytest.raises(ev.ProjectionError, match="k=0"):
        ev.compare({"a": good}, k=0)
    with pytest.raises(ev.ProjectionError, match="other model"):
        ev.compare({"a": good}, {"a": embeddings(vectors[:70])})
    with pytest.raises(ev.EmbedvizError, match="centred"):
        ev.compare({"a": good}, postprocessing="centered")


def test_progress_goes_on_to_its_end_and_can_stop(layers: Layers) -> None:
    told: list[tuple[int, int]] = []
    ev.compare(layers(60), layers(60, depth=2), progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert len({total for _, total in told}) == 1
    assert told[-1][0] == told[-1][1]
    assert len({done for done, _ in told}) > 50

    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done > total / 3:
            raise Stop

    with pytest.raises(Stop):
        ev.compare(layers(60), progress=stop)


def test_the_layer_that_brings_labels_together_is_the_one_to_use(layers: Layers) -> None:
    found = ev.compare(layers(320))
    assert found.best == "layer.3"
    said = " ".join(found.evidence)
    assert "most have its label at layer.3 (" in said
    assert "chance .12" in said
    assert "linear probe" in said
    assert "at layer.3, the last layer compared" in said
    assert found.curves["purity"].reading.startswith("Rises from")


def test_layers_that_cannot_be_told_apart_are_named(layers: Layers) -> None:
    last = layers(320)["layer.3"]
    same = ev.Embeddings.from_array(last.vectors * 2, labels=last.labels)
    found = ev.compare({**layers(320), "again": same})
    assert found.best == "layer.3"
    assert any("not to be told apart" in sentence and "again" in sentence for sentence in found.evidence)


def test_without_labels_or_order_no_layer_is_named(layers: Layers) -> None:
    found = ev.compare(layers(100, labelled=False))
    assert found.best == ""
    assert "Without labels to go by, nothing here says" in found.evidence[0]
    generator = np.random.default_rng(3)
    noise = {str(place): embeddings(generator.normal(size=(200, 5)), labels=np.arange(200) % 4) for place in range(2)}
    found = ev.compare(noise)
    assert found.best == ""
    assert "better than chance" in found.evidence[0]


def test_names_of_layers_cannot_act_on_a_terminal(vectors: np.ndarray) -> None:
    name = "evil\x1b[2J\u202e"
    layers = {name: embeddings(vectors + 9), "b": embeddings(np.ones((80, 2)))}
    found = ev.compare(layers)
    texts = [*found.evidence, *(curve.reading + curve.note for curve in found.curves.values())]
    assert any("evil" in text for text in texts)
    assert not [text for text in texts if "\x1b" in text or "\u202e" in text]


def test_the_one_that_swaps_clusters_moves_most() -> None:
    generator = np.random.default_rng(4)
    centres = 8 * np.eye(10)[:4]
    places = np.arange(120) % 4
    one = centres[places] + generator.normal(size=(120, 10))
    places[33] = (places[33] + 2) % 4
    other = np.hstack([centres[places] + 0.5 * (one - centres[np.arange(120) % 4]), np.zeros((120, 3))])
    other[33] = np.append(centres[places[33]] + generator.normal(size=10), np.zeros(3))
    found = ev.movers(embeddings(one), embeddings(other))
    assert found.order[0] == 33
    assert found.kept[33] == 0
    assert found.kept[found.order[1]] > 5
    assert (np.diff(found.kept[found.order]) >= 0).all()
    centred = [rows - rows.mean(axis=0) for rows in (one, other)]
    expected = [ev.neighbours(rows.astype(np.float32), 10).indices for rows in centred]
    np.testing.assert_array_equal(found.before, expected[0])
    np.testing.assert_array_equal(found.after, expected[1])
    assert found.k == 10


def test_movers_without_direction_are_not_ranked(vectors: np.ndarray) -> None:
    holed = vectors.copy()
    holed[[4, 70]] = 0
    found = ev.movers(embeddings(vectors), embeddings(holed), postprocessing="none")
    assert sorted(found.order.tolist()) == [place for place in range(80) if place not in (4, 70)]
    assert found.kept[[4, 70]].tolist() == [-1, -1]
    assert (found.before[4] == -1).all()
    assert not np.isin(found.after, [4, 70]).any()
    assert (found.kept[found.order] == 10).all()
    assert found.order.tolist() == sorted(found.order.tolist())  # ties by place


def test_movers_of_few_look_at_fewer_than_half(vectors: np.ndarray) -> None:
    assert ev.movers(embeddings(vectors[:10]), embeddings(vectors[:10] ** 2)).k == 4
    with pytest.raises(ev.ProjectionError, match="k=0"):
        ev.movers(embeddings(vectors), embeddings(vectors), k=0)
    with pytest.raises(ev.ProjectionError, match="70 in the second"):
        ev.movers(embeddings(vectors), embeddings(vectors[:70]))


def test_minilm_knows_more_from_layer_to_layer(bundled: ev.Checkpoint) -> None:
    from embedviz.modalities.samples import load_sample

    texts = load_sample("wordnet-glosses")
    paths = ["embeddings", *(f"encoder.layer.{place}" for place in range(6))]
    found = ev.compare(ev.capture(bundled, texts, paths))
    crowding = found.curves["crowding"].values
    assert crowding[1:-1].min() > 0.4
    assert crowding[-1] < 0.2
    to_last = found.agreements["cka"].values[:, -1]
    assert (np.diff(to_last[1:]) > 0).all()
    assert to_last[0] < 0.8
    purity = found.curves["purity"]
    assert found.best == "encoder.layer.5"
    assert purity.low is not None
    assert purity.chance is not None
    assert purity.low[-1] > 3 * purity.chance
    firsts = ev.compare(ev.capture(bundled, texts, paths[:2], pooling="first"))
    assert firsts.curves["crowding"].values[0] == pytest.approx(1, abs=1e-5)
    assert "embeddings gives the same vector" in firsts.agreements["rsa"].note
