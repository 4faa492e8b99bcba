"""The sample sets are there, whole, and fit to be shown."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, load_wine

from embedviz.errors import EmbedvizError, InstancesError
from embedviz.modalities.pixels import check, decode
from embedviz.modalities.samples import SAMPLES, load_sample, samples_for
from embedviz.records import Reads
from embedviz.resources import asset


@pytest.mark.parametrize("key", SAMPLES)
def test_every_sample_loads(key):
    instances = load_sample(key)
    sample = SAMPLES[key]
    assert instances.label == sample.label
    assert instances.name == sample.title
    assert instances.dropped == 0
    assert sum(instances.duplicates) == (key == "iris"), "two of the iris flowers have the same sizes"
    assert instances.modality == sample.modality
    assert len(set(instances.ids)) == len(instances)
    assert all(instances.labels)
    assert sample.licence
    assert sample.description.count("\n") == 0
    assert str(len(instances)) in sample.description


def test_wordnet_classes_are_even_and_do_not_name_themselves():
    instances = load_sample("wordnet-glosses")
    assert set(Counter(instances.labels).values()) == {30}
    assert len(set(instances.labels)) == 8
    assert all(30 <= len(text) <= 110 for text in instances.items)
    for text, label, word in zip(instances.items, instances.labels, instances.columns["word"], strict=True):
        assert label not in text.split()
        assert word not in text.split()


def test_wordnet_comes_with_its_licence():
    assert "Permission to use, copy, modify and distribute" in asset("samples/WORDNET-LICENSE.txt").read_text()


def test_paraphrases_have_at_least_two_of_each_meaning_in_one_topic():
    instances = load_sample("paraphrases")
    meanings = instances.columns["meaning"]
    assert min(Counter(meanings).values()) >= 2
    assert len(set(zip(meanings, instances.labels, strict=True))) == len(set(meanings))


def test_each_ambiguous_word_has_two_senses_and_stands_in_its_sentences():
    instances = load_sample("negation-and-ambiguity")
    senses: dict[str, set[str]] = {}
    for text, label, word in zip(instances.items, instances.labels, instances.columns["word"], strict=True):
        senses.setdefault(word, set()).add(label)
        assert word in text.lower()
    assert {len(labels) for labels in senses.values()} == {2}


def test_unknown_sample_and_missing_file_say_what_there_is():
    with pytest.raises(InstancesError, match="paraphrases"):
        load_sample("paraphrase")
    with pytest.raises(EmbedvizError, match=r"samples/none\.csv"):
        asset("samples/none.csv")


def test_iris_and_wine_are_those_of_scikit_learn():
    for key, data in (("iris", load_iris()), ("wine", load_wine())):
        instances = load_sample(key)
        np.testing.assert_array_equal([item.array for item in instances.items], data.data.astype("float32"))
        names = [str(name).replace("_", " ") for name in data.target_names]
        assert instances.labels == tuple(names[label] for label in data.target)
        measured = [name for name in instances.columns if name != "label"]
        assert [name.replace("_", " ") for name in data.feature_names] == measured
        np.testing.assert_array_equal(np.transpose([instances.columns[name] for name in measured]), data.data)


def test_digits_are_those_of_scikit_learn_and_even():
    data = load_digits()
    known = {
        values.tobytes(): str(label) for values, label in zip(data.data.astype("float32"), data.target, strict=True)
    }
    numbers, pictures = load_sample("digits"), load_sample("digit-pictures")
    assert numbers.labels == pictures.labels == tuple(known[item.data] for item in numbers.items)
    assert set(Counter(numbers.labels).values()) == {30}
    assert set(check(pictures.items)) == {""}
    for number, picture in zip(numbers.items, pictures.items, strict=True):
        drawn = decode(picture)
        assert (drawn.mode, drawn.size) == ("L", (8, 8))
        np.testing.assert_allclose(np.asarray(drawn) / 255 * 16, number.array.reshape(8, 8), atol=16 / 255)


@pytest.mark.parametrize(
    ("reads", "keys"),
    [
        (Reads(), ["wordnet-glosses", "paraphrases", "negation-and-ambiguity"]),
        (Reads("images", (3, 224, 224)), ["digit-pictures"]),
        (Reads("images", (1, 28, 28)), ["digit-pictures"]),
        (Reads("tensors", (64,)), ["digits"]),
        (Reads("tensors", (64,), "int64"), ["digits"]),
        (Reads("tensors", (1, 8, 8)), ["digits"]),
        (Reads("tensors", (8, 8)), ["digits"]),
        (Reads("tensors", (None, 8)), ["digits"]),
        (Reads("tensors", (4,)), ["iris"]),
        (Reads("tensors", (4,), "int64"), []),
        (Reads("tensors", (1, 13)), ["wine"]),
        (Reads("tensors", (None,)), []),
        (Reads("tensors", (3, 8, 8)), []),
        (Reads("videos"), []),
    ],
)
def test_samples_fit_what_a_model_reads(reads, keys):
    assert samples_for(reads) == keys
    for key in SAMPLES:
        if key not in keys:
            with pytest.raises(InstancesError, match="nothing for a model"):
                load_sample(key, reads)
        elif reads.modality == "tensors":
            item = load_sample(key, reads).items[0]
            assert item.dtype == reads.dtype
            assert len(item.shape) == len(reads.shape)
            assert all(axis in (None, size) for axis, size in zip(reads.shape, item.shape, strict=True))
            assert item.array.ravel().tolist() == load_sample(key).items[0].array.tolist()
        else:
            assert load_sample(key, reads) == load_sample(key)
