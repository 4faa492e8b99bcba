"""Naming groups by the words that set them apart, and by the instance in their middle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from embedviz.errors import ProjectionError
from embedviz.groups.groups import Groups
from embedviz.records import DoubleArray, Instances

#: How many words name a group, and how many characters of its middle instance.
TERMS, SHOWN = 3, 60
#: The share of a word's uses that a group must have for the word to name it.
AT_HOME = 2 / 3


def name_groups(groups: Groups, items: Instances | Sequence[Any]) -> Groups:
    """The groups with names: of texts three telling words and the medoid's text, of others the medoid's name.

    ``items`` are the instances in their order. Names are other people's text: escape them where they are shown.
    """
    listed = items.items if isinstance(items, Instances) else tuple(items)
    if len(listed) != len(groups.of):
        raise ProjectionError(
            "The groups and the instances do not belong together",
            value=f"{len(groups.of)} in groups, {len(listed)} instances",
        )
    texts = [_text(item) for item in listed]
    words: Sequence[Sequence[str]] = [()] * len(groups)
    if all(text is not None for text in texts):
        words = telling_words([text or "" for text in texts], groups)
    names = []
    for told, medoid in zip(words, groups.medoids, strict=True):
        text = " ".join(str(texts[medoid] or listed[medoid]).split())
        shown = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
        names.append(f"{', '.join(told)} · “{shown}”" if told else f"“{shown}”")
    return replace(groups, names=tuple(names))


def _text(item: Any) -> str | None:
    """An item's text, of a pair both; None for numbers, pictures and token ids."""
    if isinstance(item, str):
        return item
    if isinstance(item, tuple) and item and all(isinstance(part, str) for part in item):
        return " ".join(item)
    return None


def telling_words(texts: Sequence[str], groups: Groups) -> list[list[str]]:
    """The ``TERMS`` words of each group with the highest weight, among those that are at home there.

    At home: found in two instances or more, and twice as often in this group as in all others together. That leaves
    "the" and "of" aside in any language, without a list of them.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    grouped = np.flatnonzero(groups.of >= 0)
    vectorizer = CountVectorizer(min_df=2)
    try:
        counts = vectorizer.fit_transform([texts[place] for place in grouped.tolist()])
    except ValueError:  # no word at all, or none twice
        return [[] for _ in range(len(groups))]
    member = groups.of[grouped][None, :] == np.arange(len(groups))[:, None]
    found = np.asarray(member.astype(np.float64) @ counts)
    weights = class_tf_idf(found) * (found >= AT_HOME * found.sum(axis=0))
    words = vectorizer.get_feature_names_out()
    best = np.argsort(-weights, axis=1, kind="stable")[:, :TERMS]
    return [[str(words[each]) for each in row if weights[group, each] > 0] for group, row in enumerate(best)]


def class_tf_idf(counts: DoubleArray) -> DoubleArray:
    """c-TF-IDF of (groups, words) counts: tf · log(1 + A / f).

    tf is a word's share of the group's words, f its count in all groups, A the mean number of words of a group
    (Grootendorst, BERTopic: Neural topic modeling with a class-based TF-IDF procedure, 2022).
    """
    totals = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    overall = np.maximum(counts.sum(axis=0), 1)
    weights: DoubleArray = share * np.log1p(totals.mean() / overall)
    return weights
