"""Post-processing a part at a time is post-processing the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import embedviz as ev
from embedviz.moments import BY_MOMENTS, BY_ROW, Moments, postprocess_part, streamed
from embedviz.records import Embeddings
from embedviz.vectors import POSTPROCESSING


def by_parts(vectors: Any, name: str, sizes: list[int]) -> Any:
    parts = np.split(vectors, np.cumsum(sizes)[:-1])
    moments = Moments()
    for part in parts:
        moments.add(part)
    return np.concatenate([postprocess_part(part, name, moments) for part in parts])


def whole(vectors: Any, name: str) -> Any:
    return ev.postprocess(Embeddings(vectors, tuple(map(str, range(len(vectors))))), name).vectors


def test_every_post_processing_has_a_way_to_do_it_in_parts() -> None:
    assert set(POSTPROCESSING) == {*BY_ROW, *BY_MOMENTS}
    assert all(map(streamed, POSTPROCESSING))
    with pytest.raises(ev.EmbedvizError, match="no such post-processing"):
        streamed("pca")


@pytest.mark.parametrize("name", list(POSTPROCESSING))
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_parts_of_any_sizes(name: str, data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any))
    numbers = st.floats(-1e4, 1e4, width=32)
    vectors = data.draw(arrays.arrays(np.float32, (sum(sizes), 3), elements=numbers, fill=st.just(np.float32(0.1))))
    # A spread that is nothing but the rounding of float32 is divided by in both ways.
    np.testing.assert_allclose(by_parts(vectors, name, sizes), whole(vectors, name), rtol=1e-5, atol=2e-3)


@pytest.mark.parametrize("name", list(POSTPROCESSING))
def test_vectors_as_models_give_them(name: str) -> None:
    draw = np.random.default_rng(0)
    vectors = (draw.normal(size=(10_000, 48)) * draw.uniform(0.01, 30, 48) + draw.normal(size=48) * 100).astype("f4")
    vectors[:, 7] = 0.1
    found = by_parts(vectors, name, [4_096, 4_096, 1_808])
    np.testing.assert_allclose(found, whole(vectors, name), rtol=1e-6, atol=1e-6)
    if name == "standardised":
        assert not found[:, 7].any(), "a constant column has no spread"


def test_far_from_zero_no_digit_is_lost() -> None:
    vectors = (1e4 + np.random.default_rng(0).normal(size=(3_000, 4)) * 0.01).astype(np.float32)
    moments = Moments()
    for part in np.split(vectors, 30):
        moments.add(part)
    np.testing.assert_allclose(np.sqrt(moments.scatter / moments.count), vectors.astype(float).std(axis=0), rtol=1e-9)
    assert moments.count == 3_000


def test_nothing_adds_nothing() -> None:
    moments = Moments()
    moments.add(np.zeros((0, 4), np.float32))
    assert moments.count == 0
    moments.add(np.ones((1, 4), np.float32))
    assert moments.mean.tolist() == [1, 1, 1, 1]
