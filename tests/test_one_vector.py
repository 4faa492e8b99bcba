"""One vector by itself: what is unusual about it, how it is drawn, and the lines of Python that give it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import zscore

import embedviz as ev
from embedviz.export.lines import few_lines
from embedviz.figures.strip import MOST_VALUES, strip
from embedviz.figures.token_heatmap import token_heatmap
from embedviz.records import ImageItem, TensorItem
from embedviz.standing_out import standing_out

ROWS = np.random.default_rng(0).normal(size=(50, 20)).astype(np.float32)


def test_what_stands_out_is_what_scipy_says() -> None:
    found = standing_out(ROWS[7], ROWS, most=5)
    away = zscore(ROWS.astype(np.float64), axis=0)[7]
    order = np.argsort(-np.abs(away))[:5]
    assert found.dimensions.tolist() == order.tolist()
    np.testing.assert_allclose(found.deviations, away[order])
    np.testing.assert_allclose(found.values, ROWS[7][order])
    np.testing.assert_allclose(found.means, ROWS.mean(axis=0, dtype=np.float64)[order])
    low, high = found.lengths
    inside = [low <= float(np.linalg.norm(row)) <= high for row in ROWS]
    assert 44 <= sum(inside) <= 46


def test_a_dimension_that_is_always_the_same_never_stands_out() -> None:
    rows = ROWS.copy()
    rows[:, 3] = 5
    assert 3 not in standing_out(np.full(20, 9.0), rows, most=20).dimensions
    assert len(standing_out(rows[0], rows[:1]).dimensions) == 0


def test_vectors_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ev.ProjectionError, match="NaN"):
        standing_out(np.full(20, np.nan), ROWS)


def test_a_strip_draws_every_value_up_to_its_most() -> None:
    figure = strip(ROWS[0], np.percentile(ROWS, [5, 95], axis=0), [2])
    *_, values, marked = figure.data
    np.testing.assert_array_equal(values.y, ROWS[0])
    np.testing.assert_array_equal((marked.x, marked.y), ([2], ROWS[0][[2]]))
    assert marked.marker.color != values.fillcolor
    assert len(strip(np.zeros(MOST_VALUES + 5), marked=[MOST_VALUES + 2]).data[0].y) == MOST_VALUES


def test_tokens_of_two_texts_need_a_cosine_each() -> None:
    figure = token_heatmap(np.eye(3)[:2], ["<b>one", "two"], ["a", "b", "c"])
    np.testing.assert_array_equal(figure.data[0].z, np.eye(3)[:2])
    assert "<b>one" not in str(figure.data[0].customdata)
    with pytest.raises(ev.ProjectionError, match="a token for each row and column"):
        token_heatmap(np.eye(3), ["one"], ["a", "b", "c"])


def test_the_lines_for_an_array_and_a_picture() -> None:
    told = few_lines(TensorItem.of(np.arange(3, dtype=np.float32)), "0", "", checkpoint="model.pt")
    assert "np.array([0.0, 1.0, 2.0], dtype='float32')" in told
    assert "ev.open_checkpoint('model.pt')" in told
    compile(told, "lines", "exec")
    long = few_lines(TensorItem.of(np.zeros(100)), "0", "mean", checkpoint=None, prompt='"; x', insist=True)
    compile(long, "lines", "exec")
    assert 'np.load("instance.npy")' in long
    assert "prompt='\"; x'" in long
    picture = few_lines(ImageItem(b"", "it's.png"), "", "first", checkpoint=None, postprocessing="l2")
    compile(picture, "lines", "exec")
    assert '"it\'s.png"' in picture
    assert "ev.postprocess(captured[''], 'l2')" in picture
