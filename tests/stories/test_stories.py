"""Stories: their numbers against scikit-learn's neighbours, their files, and the page that opens from disk."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

import embedviz as ev
from embedviz.errors import EmbedvizError
from embedviz.modalities.samples import load_sample
from embedviz.records import Instances
from embedviz.stories import Evidence, Story, offline_page, read_story, single, tell, write_story
from embedviz.stories.file import MOST_BYTES, MOST_MARKS
from embedviz.stories.trials import typed
from tests.stories.evidence import evidence_of, vectors_of

HOSTILE = "</script><!--<img src=x onerror=alert(1)> \u202eevil \ud800half\x00 [x](javascript:1)"


@pytest.fixture(scope="module")
def told(bundled: ev.Checkpoint) -> dict[str, tuple[Evidence, Story]]:
    found = {}
    for key in ("wordnet-glosses", "paraphrases", "negation-and-ambiguity"):
        evidence = evidence_of(bundled, load_sample(key))
        found[key] = (evidence, tell(evidence))
    return found


def nearest(vectors: np.ndarray) -> np.ndarray:
    """scikit-learn's nearest neighbour of each, by cosine."""
    search = NearestNeighbors(n_neighbors=2, metric="cosine").fit(vectors)
    return search.kneighbors(vectors, return_distance=False)[:, 1]


def own_kind(vectors: np.ndarray, kinds: tuple[Any, ...]) -> dict[Any, int]:
    near = nearest(vectors)
    return {kind: sum(kinds[near[i]] == kind for i in range(len(kinds)) if kinds[i] == kind) for kind in set(kinds)}


def step_of(story: Story, kind: str) -> Any:
    return next(step for step in story.steps if step.kind == kind)


def test_a_kind_is_named_by_a_whole_word_only(told: dict[str, tuple[Evidence, Story]]) -> None:
    evidence, story = told["wordnet-glosses"]
    assert any("clothing" in text for text in evidence.instances.items), "It does not say “thing”."
    assert "none of the 240 say their own in so many words" in " ".join(step_of(story, "given").sentences)


def test_the_glosses_numbers_are_scikit_learns(told: dict[str, tuple[Evidence, Story]]) -> None:
    evidence, story = told["wordnet-glosses"]
    counts = own_kind(evidence.layer.vectors, evidence.instances.labels or ())
    first, second = step_of(story, "near").sentences
    best = max(sorted(counts), key=counts.__getitem__)
    assert first.startswith(f"{counts[best]} of 30 {best} definitions have another {best} definition as their nearest")
    assert f"it is {sum(counts.values())} of 240 definitions; by chance it would be 29." in second
    depth = [sum(own_kind(each.vectors, evidence.instances.labels or ()).values()) for each in evidence.depth]
    said = " ".join(step_of(story, "depth").sentences)
    assert f"At layer 1 of 7, {depth[0]} of 240" in said
    assert f"at layer 7 of 7, {depth[-1]}." in said
    assert (f": {max(depth)};" if max(depth) > depth[-1] else "No layer has more;") in said
    cosines = cosine_similarity(evidence.layer.vectors)[np.triu_indices(240, 1)]
    assert f"a cosine of {cosines.mean():.2f} on average" in step_of(story, "careful").sentences[1]
    assert f"({evidence.projection.kept:.0%})" in step_of(story, "careful").sentences[0]


def test_paraphrases_by_meaning_at_the_first_and_the_last_layer(told: dict[str, tuple[Evidence, Story]]) -> None:
    evidence, story = told["paraphrases"]
    meanings = evidence.instances.columns["meaning"]
    first, last = (sum(own_kind(each.vectors, meanings).values()) for each in (evidence.depth[0], evidence.depth[-1]))
    assert step_of(story, "near").sentences[0].startswith(f"{last} of 43 sentences have one of their own meaning")
    said = step_of(story, "depth").sentences[0]
    assert f"layer 1 of 7, {first} of 43" in said
    assert f"layer 7 of 7, {last}." in said


def test_opposites_are_compared_with_paraphrases(told: dict[str, tuple[Evidence, Story]]) -> None:
    evidence, story = told["negation-and-ambiguity"]
    cosines = cosine_similarity(evidence.layer.vectors)
    opposite = np.mean([cosines[place, place + 1] for place in range(0, 16, 2)])
    other = evidence.others["paraphrases"]
    meanings, same = other.instances.columns["meaning"], cosine_similarity(other.vectors)
    pairs = [(i, j) for i in range(43) for j in range(i + 1, 43) if meanings[i] == meanings[j]]
    alike = np.mean([same[pair] for pair in pairs])
    first, second = step_of(story, "near").sentences
    assert f"a cosine of {opposite:.2f} on average" in first
    assert f"words have {'less' if alike < opposite else 'more'}, {alike:.2f}." in first
    near = nearest(evidence.layer.vectors)
    assert second.startswith(f"For {sum(near[i] == (i ^ 1) for i in range(16))} of these 16 sentences")


def test_guesses_are_true(told: dict[str, tuple[Evidence, Story]], bundled: ev.Checkpoint) -> None:
    evidence, story = told["wordnet-glosses"]
    table = cosine_similarity(evidence.layer.vectors)
    near = nearest(evidence.layer.vectors)
    for trial in step_of(story, "near").trials:
        assert trial.options[trial.nearest] == near[trial.asked]
        np.testing.assert_allclose(trial.cosines, table[trial.asked, list(trial.options)], atol=1e-5)
        assert len(set(trial.options)) == 4
    text, path = "a wild cat with stripes", evidence.layer.path
    vector = vectors_of(bundled, Instances((text,), ("1",)), path)[0]
    together = cosine_similarity(vector[None], evidence.layer.vectors)[0]
    trial = typed(evidence.layer.vectors, vector, evidence.shown.texts)
    assert trial.options[trial.nearest] == together.argmax()
    np.testing.assert_allclose(trial.cosines, together[list(trial.options)], atol=1e-5)


LABELS = [
    None,
    ("a", "b", "a", "b"),
    (0.1, 0.2, 0.3, None),
    (None, "b", "a" * 999, "a" * 999),
    (HOSTILE, HOSTILE, 1, 1),
]


@pytest.mark.parametrize("labels", LABELS, ids=range(len(LABELS)))
def test_any_few_instances_make_a_story(bundled: ev.Checkpoint, labels: tuple[Any, ...] | None) -> None:
    columns = {} if labels is None else {"label": labels}
    texts = ("one", "two", "two" * 3000, HOSTILE.replace("\ud800", ""))
    instances = Instances(texts, ("1", "2", "3", "4"), columns, "label" if labels else None)
    story = tell(evidence_of(bundled, instances, aligned=True))
    assert len(story) == 5
    assert read_story(write_story(story)) == story
    assert all(sentence and "nan" not in sentence for step in story.steps for sentence in step.sentences)
    with pytest.raises(EmbedvizError, match="3 instances or more"):
        tell(evidence_of(bundled, instances.only([0, 1])))


def test_steps_of_other_pages(told: dict[str, tuple[Evidence, Story]]) -> None:
    evidence, _ = told["wordnet-glosses"]
    layer, projection = evidence.layer, evidence.projection
    assert projection is not None
    about = (evidence.instances, evidence.shown, evidence.source)
    step = single.map_step(layer, projection, *about, chosen=[7])
    near = nearest(layer.vectors)[7]
    assert evidence.shown.texts[near][:40] in step.sentences[0]
    assert f"(cosine {cosine_similarity(layer.vectors)[7, near]:.2f})" in step.sentences[0]
    drawn = {each.title: projection for each in evidence.depth[:2]}
    both = single.maps_step(evidence.depth[:2], drawn, *about)
    story = Story("two", (step, both))
    assert read_story(write_story(story)) == story


# Files


def hostile(story: Story) -> Story:
    """The story with what nobody would write in every text of it."""
    texts = (HOSTILE, *story.steps[0].shown.texts[1:])
    labels = (HOSTILE, *story.steps[0].shown.labels[1:])
    steps = [
        replace(step, title=HOSTILE, sentences=(HOSTILE,), shown=replace(step.shown, texts=texts, labels=labels))
        for step in story.steps
    ]
    return Story(HOSTILE, tuple(steps))


class Page(HTMLParser):
    """What a browser would make of the page: its elements, and what the scripts hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.data: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.data += [value or "" for name, value in attrs if name in ("src", "href") or name.startswith("on")]


def test_hostile_words_stay_words(told: dict[str, tuple[Evidence, Story]]) -> None:
    _, story = told["paraphrases"]
    plain, evil = offline_page(story), offline_page(hostile(read_story(write_story(story))))
    assert Page(evil).tags == Page(plain).tags
    assert Page(evil).data == []
    content = re.search(r'<script type="application/json" id="story">(.*?)</script>', evil, re.DOTALL)
    assert content is not None
    assert "<img src=x" in json.loads(content[1])["steps"][0]["title"]
    assert not re.search(r"https?://(?!www\.w3\.org)", evil)


def damaged(content: dict[str, Any], path: str, value: Any) -> bytes:
    *way, last = path.split(".")
    held: Any = content
    for name in way:
        held = held[int(name)] if isinstance(held, list) else held[name]
    held[int(last) if isinstance(held, list) else last] = value
    return json.dumps(content).encode()


WRONG = [
    ("title", 7),
    ("title", "x" * 10_000),
    ("steps", {}),
    ("steps", [{}] * 100),
    ("steps.0.set", 9),
    ("steps.0.set", True),
    ("steps.0.picture.kind", "iframe"),
    ("steps.0.picture.places.0", -1),
    ("steps.0.picture.places.0", 10**30),
    ("steps.0.picture.groups", [["a"]]),
    ("steps.1.picture.rows.0.values", "AAAA"),
    ("steps.1.picture.rows.0.values", "%"),
    ("steps.2.picture.layers.0.places", "AAAA"),
    ("steps.2.picture.layers.0.neighbours", "/38="),
    ("steps.2.picture.layers", []),
    ("steps.2.picture.mode", "url(x)"),
    ("steps.0.trials.0.options.0", 99),
    ("steps.0.trials.0.cosines.0", 1e9),
    ("steps.0.sentences", "one"),
    ("steps.0.source.count", "many"),
    ("sets", []),
    ("sets.0.texts.0", None),
    ("sets.0.labels.0", ["x"]),
    ("sets.0.labels.0", 10**400),
    ("sets.0.pictures", ["PHN2Zz4="] * 43),
    ("sets.0.label", ""),
    ("steps", []),
]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=lambda value: str(value)[:30])
def test_a_damaged_file_is_refused_in_a_sentence(
    told: dict[str, tuple[Evidence, Story]], path: str, value: Any
) -> None:
    data = damaged(json.loads(write_story(told["paraphrases"][1])), path, value)
    with pytest.raises(EmbedvizError) as caught:
        read_story(data)
    assert len(str(caught.value)) < 400


FOREIGN = {
    "empty": (b"", "cannot be read"),
    "no text": (b"\xff\xfe", "cannot be read"),
    "deep": (b"[" * 200_000, "cannot be read"),
    "nan": (b"[1, NaN]", "cannot be read"),
    "another": (b"{}", "no story"),
    "newer": (b'{"format": "embedviz story", "version": 2}', "another version"),
    "huge": (b" " * (MOST_BYTES + 1), "too large"),
    "many": (b"[" + b"1," * MOST_MARKS + b"1]", "too many values"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files_are_refused(name: str) -> None:
    data, why = FOREIGN[name]
    with pytest.raises(EmbedvizError, match=why):
        read_story(data)
