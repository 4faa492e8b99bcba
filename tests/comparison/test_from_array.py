"""Vectors from anywhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import embedviz as ev


@pytest.mark.parametrize(
    "vectors",
    [
        [[1, 2], [3, 4]],
        ((1.0, 2.0), (3.0, 4.0)),
        np.array([[1, 2], [3, 4]], np.uint8),
        torch.tensor([[1.0, 2], [3, 4]]),
    ],
)
def test_any_table_of_numbers(vectors: object) -> None:
    made = ev.Embeddings.from_array(vectors, layer="mine")  # type: ignore[arg-type]
    assert made.vectors.dtype == np.float32
    assert made.vectors.tolist() == [[1, 2], [3, 4]]
    assert made.ids == ("1", "2")
    assert made.labels is None
    assert made.layer == "mine"
    assert made.width == 2


def test_it_is_a_copy() -> None:
    vectors = np.ones((2, 2), np.float32)
    made = ev.Embeddings.from_array(vectors)
    vectors[0] = 5
    assert (made.vectors == 1).all()


def test_ids_and_labels() -> None:
    made = ev.Embeddings.from_array(np.eye(3), ids=np.array([7, 8, 9]), labels=np.array(["a", "b", "a"]))
    assert made.ids == ("7", "8", "9")
    assert made.labels == ("a", "b", "a")
    assert type(made.labels[0]) is str
    assert len(ev.Embeddings.from_array(np.empty((0, 4)))) == 0


@pytest.mark.parametrize(
    "vectors",
    [
        [],
        [1, 2, 3],
        np.ones((2, 3, 4)),
        np.empty((3, 0)),
        [[1, 2], [3]],
        [["a", "b"]],
        [[1, None]],
        np.ones((2, 2), complex),
        np.ones((2, 2), bool),
        torch.ones(2, 2, requires_grad=True),
        "text",
    ],
)
def test_what_is_no_table_is_refused(vectors: object) -> None:
    with pytest.raises(ev.InstancesError, match=r"no table.*one row an instance") as caught:
        ev.Embeddings.from_array(vectors)  # type: ignore[arg-type]
    assert caught.value.value


def test_ids_and_labels_that_do_not_fit_are_refused() -> None:
    for settings, words in (
        ({"ids": ["a", "b"]}, "2 ids, 3 vectors"),
        ({"ids": ["a", "b", "a"]}, "one instance only: a"),
        ({"ids": [1, 2, "1"]}, "one instance only: 1"),
        ({"labels": ["a"]}, "1 labels, 3 vectors"),
    ):
        with pytest.raises(ev.InstancesError, match=words):
            ev.Embeddings.from_array(np.eye(3), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("broken", [np.nan, np.inf, 1e300])
def test_numbers_that_are_none_are_refused(broken: float) -> None:
    vectors = np.eye(3)
    vectors[1, 2] = broken
    with pytest.raises(ev.ProjectionError, match="b"):
        ev.Embeddings.from_array(vectors, ids=["a", "b", "c"])
