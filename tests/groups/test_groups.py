"""Groups of vectors, islands of maps, and what they are called."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from embedviz.errors import ProjectionError
from embedviz.groups import Groups, find_groups, find_islands, name_groups
from embedviz.groups.names import class_tf_idf, telling_words
from embedviz.modalities.samples import load_sample
from embedviz.records import ImageItem, Instances, Projection, TensorItem


def planted(n: int, groups: int, width: int = 16) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = np.minimum(generator.integers(0, groups + 1, n), groups - 1)  # the last is twice as large
    return 5 * generator.normal(size=(groups, width))[labels] + generator.normal(size=(n, width)) + 3, labels


def a_map(places: np.ndarray) -> Projection:
    return Projection(places.astype(np.float32), "umap", {}, 0)


@pytest.mark.parametrize("groups", [2, 5, 9])
@pytest.mark.parametrize("n", [200, 2_500])
def test_planted_groups_are_found_and_counted(n: int, groups: int) -> None:
    from sklearn.metrics import adjusted_rand_score

    vectors, labels = planted(n, groups)
    found = find_groups(vectors)
    assert len(found) == groups
    assert adjusted_rand_score(labels, found.of) == 1
    assert found.names == tuple(f"Group {number}" for number in range(1, groups + 1))
    sizes = np.bincount(found.of)
    assert (np.diff(sizes) <= 0).all()
    assert "k-means" in found.source
    assert found.source.endswith(".")


def test_medoids_are_the_most_central_members() -> None:
    from sklearn.metrics import pairwise_distances

    vectors, _ = planted(150, 3)
    found = find_groups(vectors, 3)
    for group, medoid in enumerate(found.medoids):
        members = np.flatnonzero(found.of == group)
        apart = pairwise_distances((vectors - vectors.mean(axis=0))[members], metric="cosine")
        assert medoid == members[apart.sum(axis=0).argmin()]


def test_as_many_as_asked_for_and_no_more_than_differ() -> None:
    vectors, _ = planted(60, 4)
    assert len(find_groups(vectors, 7)) == 7
    assert len(find_groups(np.eye(4).repeat(10, axis=0), 9)) == 4
    assert len(find_groups(np.eye(3).repeat(10, axis=0))) == 3
    for k in (0, 1, 61):
        with pytest.raises(ProjectionError, match="2 to 60"):
            find_groups(vectors, k)


def test_zero_vectors_are_in_no_group() -> None:
    vectors, _ = planted(80, 3)
    vectors[[4, 9]] = 0
    found = find_groups(vectors)
    assert np.flatnonzero(found.of < 0).tolist() == [4, 9]
    assert len(found) == 3


@pytest.mark.parametrize(
    ("vectors", "says"),
    [
        (np.zeros((0, 4)), "at least 10 instances: 0"),
        (np.eye(9), "at least 10 instances: 9"),
        (np.zeros((20, 4)), "at least 10 instances: 0"),
        (np.ones((20, 4)) * (1 + 1e-9 * np.arange(20)[:, None]), "all vectors are the same"),
        (np.full((20, 4), np.inf), "NaN or infinity"),
    ],
)
def test_no_groups(vectors: np.ndarray, says: str) -> None:
    with pytest.raises(ProjectionError, match=says):
        find_groups(vectors)


@pytest.mark.long
def test_the_same_groups_in_another_process() -> None:
    code = (
        "import numpy as np; from embedviz.groups import find_groups; "
        "vectors = np.random.default_rng(0).normal(size=(400, 20)); print(*find_groups(vectors, seed=3).of)"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    here = find_groups(np.random.default_rng(0).normal(size=(400, 20)), seed=3).of
    assert there.split() == [str(label) for label in here]


@pytest.mark.parametrize("dimensions", [2, 3])
def test_islands_are_what_the_map_shows(dimensions: int) -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(90) % 3
    places = 20 * np.eye(3)[labels][:, :dimensions] + generator.normal(size=(90, dimensions))
    places[5] = np.nan
    places[7] = 300
    found = find_islands(a_map(places))
    assert len(found) == 3
    assert found.of[[5, 7]].tolist() == [-1, -1]
    for label in range(3):
        members = found.of[(labels == label) & (found.of >= 0)]
        assert len(set(members.tolist())) == 1
        assert len(members) > 20
    assert [found.of[medoid] for medoid in found.medoids] == [0, 1, 2]
    assert "only what this picture shows" in found.source


def test_one_cloud_has_no_islands() -> None:
    assert len(find_islands(a_map(np.zeros((50, 2))))) < 2
    with pytest.raises(ProjectionError, match="at least 10 instances: 9"):
        find_islands(a_map(np.zeros((9, 2))))


def test_weights_are_those_of_the_paper() -> None:
    """Grootendorst 2022, eq. 2, word by word."""
    classes = ["cat cat dog fish", "dog dog dog bone", "fish sea sea the the the the the"]
    counted = [Counter(text.split()) for text in classes]
    words = sorted(set().union(*counted))
    average = sum(map(len, map(str.split, classes))) / 3
    found = class_tf_idf(np.array([[counts[word] for word in words] for counts in counted], dtype=np.float64))
    for group, counts in enumerate(counted):
        for place, word in enumerate(words):
            tf = counts[word] / sum(counts.values())
            expected = tf * np.log(1 + average / sum(other[word] for other in counted))
            assert found[group, place] == pytest.approx(expected)


def groups_of(labels: list[int]) -> Groups:
    of = np.array(labels, dtype=np.int64)
    return Groups(
        of, tuple(str(group) for group in range(max(labels) + 1)), tuple(map(labels.index, range(max(labels) + 1))), ""
    )


def test_names_are_telling_words_and_the_medoid() -> None:
    texts = [
        "the cat of the house",
        "a cat and the dog",
        "the big cat",
        "the stock of the bank",
        "a bank and the stock",
    ]
    named = name_groups(groups_of([0, 0, 0, 1, 1]), texts)
    assert named.names == ("cat · “the cat of the house”", "bank, stock · “the stock of the bank”")
    assert (named.medoids, named.of.tolist()) == ((0, 3), [0, 0, 0, 1, 1])


def test_words_of_any_language_and_none() -> None:
    russian = ["кошка спит", "кошка ест", "банк закрыт", "банк открыт"]
    assert telling_words(russian, groups_of([0, 0, 1, 1])) == [["кошка"], ["банк"]]
    assert telling_words(["?", "!", "", " "], groups_of([0, 0, 1, 1])) == [[], []]
    assert telling_words(["one", "two", "three", "four"], groups_of([0, 0, 1, 1])) == [[], []]


def test_long_and_hostile_texts_are_one_short_line() -> None:
    named = name_groups(groups_of([0, 0]), ["<b>\n" + "x" * 500, "y"])
    assert named.names[0].startswith("“<b> xxx")
    assert len(named.names[0]) <= 62


def test_pairs_numbers_and_pictures() -> None:
    pairs = name_groups(groups_of([0, 0, 1, 1]), [("a cat", "sits"), ("the cat", "eats"), ("x", "y"), ("z", "w")])
    assert pairs.names == ("cat · “a cat sits”", "“x y”")
    tensors = Instances(tuple(TensorItem.of([row, 1.5]) for row in range(2)), ("a", "b"), modality="tensors")
    assert name_groups(groups_of([0, 1]), tensors).names == ("“0, 1.5”", "“1, 1.5”")
    pictures = Instances((ImageItem(b"", "cat.png"), ImageItem(b"", "dog.png")), ("a", "b"), modality="images")
    assert name_groups(groups_of([0, 1]), pictures).names == ("“cat.png”", "“dog.png”")
    assert name_groups(groups_of([0, 1]), [(101, 7), (101, 9)]).names == ("“(101, 7)”", "“(101, 9)”")


def test_other_instances_are_refused() -> None:
    with pytest.raises(ProjectionError, match="2 in groups, 3 instances"):
        name_groups(groups_of([0, 1]), ["a", "b", "c"])


def test_groups_of_a_model_are_named_by_what_they_are_about() -> None:
    import embedviz

    sample = load_sample("wordnet-glosses")
    vectors = next(iter(embedviz.capture(embedviz.bundled_checkpoint(), sample).values()))
    named = name_groups(find_groups(vectors), sample)
    words = {word for name in named.names for word in name.split(" · ")[0].split(", ")}
    assert {"water", "flowers", "emotion"} <= words
    assert not {"the", "of", "and", "or"} & words


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, embedviz.groups; print(*{'sklearn', 'scipy', 'umap', 'numba', 'streamlit'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
