"""The sample sets are there, whole, and fit to be shown."""

from __future__ import annotations

from collections import Counter

import pytest

from embedviz.errors import EmbedvizError, InstancesError
from embedviz.modalities.samples import SAMPLES, load_sample
from embedviz.resources import asset


@pytest.mark.parametrize("key", SAMPLES)
def test_every_sample_loads(key):
    instances = load_sample(key)
    sample = SAMPLES[key]
    assert instances.label == sample.label
    assert instances.name == sample.title
    assert instances.dropped == 0
    assert not any(instances.duplicates)
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
