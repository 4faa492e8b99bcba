"""Post-processing against scikit-learn, and the awkward vectors: zeros, constants, extremes, NaN."""

import numpy as np
import pytest

from embedviz.errors import EmbedvizError, ProjectionError
from embedviz.records import Embeddings
from embedviz.vectors import POSTPROCESSING, check_finite, postprocess, unit_vectors


def embeddings(vectors: object) -> Embeddings:
    rows = np.asarray(vectors, dtype=np.float32)
    return Embeddings(rows, tuple(f"row {n}" for n in range(len(rows))), layer="a.layer")


@pytest.fixture
def random() -> Embeddings:
    generator = np.random.default_rng(0)
    return embeddings(generator.normal(3, 2, size=(50, 12)) * generator.uniform(0.1, 9, size=12))


@pytest.mark.parametrize("name", POSTPROCESSING)
def test_contract(name: str, random: Embeddings) -> None:
    before = random.vectors.copy()
    after = postprocess(random, name)
    declared = POSTPROCESSING[name]
    assert declared.name == name
    assert declared.label
    assert declared.sentence.endswith(".")
    assert after.vectors.shape == before.shape
    assert after.vectors.dtype == np.float32
    assert after.postprocessing == name
    assert (after.ids, after.layer) == (random.ids, random.layer)
    np.testing.assert_array_equal(random.vectors, before)


def test_against_scikit_learn(random: Embeddings) -> None:
    from sklearn.preprocessing import StandardScaler, normalize

    rows = random.vectors.astype(np.float64)
    expected = {
        "none": rows,
        "l2": normalize(rows),
        "centred": StandardScaler(with_std=False).fit_transform(rows),
        "standardised": StandardScaler().fit_transform(rows),
    }
    assert set(expected) == set(POSTPROCESSING)
    for name, oracle in expected.items():
        np.testing.assert_allclose(postprocess(random, name).vectors, oracle, rtol=1e-6, atol=1e-6)


def test_zero_vectors_stay_zero_and_are_noted() -> None:
    after = postprocess(embeddings([[3, 4], [0, 0], [0, 2]]), "l2")
    np.testing.assert_allclose(after.vectors, [[0.6, 0.8], [0, 0], [0, 1]], rtol=1e-6)
    assert "1 of 3 vectors have length 0" in after.notes[0]
    assert postprocess(embeddings([[3, 4]]), "l2").notes == ()


def test_centring_what_is_all_the_same_leaves_zeros_and_says_so() -> None:
    after = postprocess(embeddings([[0.1, 7]] * 4), "centred")
    assert "4 of 4" in after.notes[0]


def test_constant_dimensions_stay_zero() -> None:
    # 0.1 is no float32: its computed mean need not be the same number again.
    after = postprocess(embeddings([[0.1, row] for row in range(7)]), "standardised")
    assert (after.vectors[:, 0] == 0).all()
    assert after.vectors[:, 1].std() == pytest.approx(1)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e20])
def test_extreme_lengths(scale: float) -> None:
    vectors = np.array([[3, 4], [-4, 3]], dtype=np.float32) * np.float32(scale)
    np.testing.assert_allclose(postprocess(embeddings(vectors), "l2").vectors, [[0.6, 0.8], [-0.8, 0.6]], rtol=1e-6)


def test_unit_vectors_past_float32() -> None:
    units, defined = unit_vectors([[3e200, 4e200], [3e-320, 0], [0, 0]])
    np.testing.assert_allclose(units, [[0.6, 0.8], [1, 0], [0, 0]])
    assert defined.tolist() == [True, True, False]


def test_a_second_one_is_recorded_after_the_first(random: Embeddings) -> None:
    assert postprocess(postprocess(random, "centred"), "l2").postprocessing == "centred + l2"


def test_no_instances() -> None:
    for name in POSTPROCESSING:
        assert postprocess(embeddings(np.zeros((0, 4))), name).vectors.shape == (0, 4)


def test_unknown_name_suggests_a_close_one(random: Embeddings) -> None:
    with pytest.raises(EmbedvizError, match="centred"):
        postprocess(random, "centered")


def test_nan_and_infinity_are_counted_and_named() -> None:
    rows = np.ones((9, 2))
    rows[2, 0], rows[5] = np.nan, np.inf
    with pytest.raises(ProjectionError, match=r"2 of 9 .*row 2, row 5\."):
        check_finite(embeddings(rows))
    with pytest.raises(ProjectionError, match=r"9 of 9 .*0, 1, 2, 3, 4, …"):
        check_finite(rows * np.nan)
    with pytest.raises(ProjectionError, match="row 2"):
        postprocess(embeddings(rows), "l2")


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(ProjectionError, match=r"shape \(3,\)"):
        check_finite([1.0, 2.0, 3.0])
