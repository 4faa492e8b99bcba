"""How the stories of the text samples are told, where the general way would miss their point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from embedviz.modalities.samples import SAMPLES, load_sample
from embedviz.records import Instances
from embedviz.stories import pictures
from embedviz.stories.evidence import Evidence
from embedviz.stories.numbers import Alike, kinds_of, pair_cosines, pairs_within
from embedviz.stories.story import Step
from embedviz.stories.trials import prepared
from embedviz.stories.words import about, cosine, quote

#: Labels of the sentences with and without a "not".
_OPPOSITE = {"says yes", "says no"}


@dataclass(frozen=True)
class Telling:
    """The words for one set's story: what an input is called, and the column (``group``) that says what is alike.

    Kinds in ``without`` are no kinds; where they are ``named``, their names go with the noun ("animal definitions").
    ``near`` takes the place of the general step about who is near whom; ``others`` are the keys of samples that it
    compares with. ``more`` makes the second sentence of the general one, ``given`` both of the first step.
    """

    noun: str
    nouns: str
    group: str
    kind: str = "kind"
    kinds: str = "kinds"
    title: str = ""
    near_title: str = "Who ends up near whom"
    depth_title: str = "How that changes with depth"
    near: Callable[[Evidence], Step] | None = None
    more: Callable[[Evidence, Alike, Sequence[str | None]], str] | None = None
    others: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    named: bool = False
    given: Callable[[Evidence, Sequence[str | None]], tuple[str, str]] | None = None

    def kinds_in(self, instances: Instances) -> tuple[str | None, ...] | None:
        """Each instance's kind, None for those of none; None where there are no kinds."""
        values = instances.columns.get(self.group)
        return kinds_of(None if values is None else [None if value in self.without else value for value in values])

    def overall(self, found: Alike) -> str:
        """How many of all have one of their own kind as nearest neighbour."""
        many = f"{found.hits:,} of {found.total:,} {self.nouns} have one of their own {self.kind}"
        return f"{many} as their nearest neighbour; by chance {about(found.chance)} would."

    def by_kind(self, found: Alike) -> tuple[str, str]:
        """The same of the kind with the most and of that with the fewest; then of all."""
        best, worst = found.best, found.worst
        (hits, of), (few, out_of) = found.kinds[best], found.kinds[worst]
        if self.named:
            first = f"{hits} of {of} {best} {self.nouns} have another {best} {self.noun} as their nearest neighbour"
            rest = f"; of the {out_of} {worst} {self.nouns}, {few}" if worst != best else ""
        else:
            first = (
                f"{hits} of {of} {self.nouns} of the {self.kind} “{best}” have another such as their nearest neighbour"
            )
            rest = f"; of “{worst}” it is {few} of {out_of}" if worst != best else ""
        overall = f"Over all {len(found.kinds)} {self.kinds} it is {found.hits:,} of {found.total:,} {self.nouns}"
        return f"{first}{rest}.", f"{overall}; by chance it would be {about(found.chance)}."


def _stray(evidence: Evidence, found: Alike, kinds: Sequence[str | None]) -> str:
    """The one that is most surely beside another meaning than its own."""
    nearest, cosines = evidence.layer.near.indices[:, 0], evidence.layer.near.cosines[:, 0]
    placed = [(place, kind) for place, kind in enumerate(kinds) if kind is not None and nearest[place] >= 0]
    astray = [place for place, kind in placed if kinds[nearest[place]] != kind]
    if not astray:
        return f"None of the {found.total:,} is nearest to another meaning than its own."
    place = max(astray, key=lambda each: cosines[each])
    texts = evidence.shown.texts
    return (
        f"{len(astray):,} are not, such as {quote(texts[place])}: nearest to it is {quote(texts[nearest[place]])} "
        f"(cosine {cosine(cosines[place])})."
    )


def _opposites(evidence: Evidence) -> Step:
    """A sentence and its opposite, compared with sentences that say the same in other words."""
    pairs = _opposite_pairs(evidence.instances)
    vectors, texts = evidence.layer.vectors, evidence.shown.texts
    values = pair_cosines(vectors, pairs)
    mean = float(np.mean(values)) if values else 0.0
    nearest = evidence.layer.near.indices[:, 0]
    mutual = sum(int(nearest[i] == j) + int(nearest[j] == i) for i, j in pairs)
    first = f"A sentence and its opposite have a cosine of {cosine(mean)} on average ({len(values)} pairs)."
    second = (
        f"For {mutual} of these {2 * len(pairs)} sentences the nearest neighbour of all {len(texts)} is the opposite."
    )
    reference = None
    other = evidence.others.get("paraphrases")
    if other is not None:
        same = pair_cosines(other.vectors, pairs_within(other.instances.columns["meaning"]))
        alike = float(np.mean(same))
        less = "less" if alike < mean else "more"
        first = (
            f"A sentence and its opposite have a cosine of {cosine(mean)} on average; two that mean the same in other "
            f"words have {less}, {cosine(alike)}."
        )
        reference = (max(0.0, alike), f"same meaning, other words: {cosine(alike)}")
    rows = [
        (f"{texts[i]} / {texts[j]}", max(0.0, value), cosine(value))
        for (i, j), value in zip(pairs, values, strict=True)
    ]
    picture = pictures.bars(rows, reference=reference, caption="Cosine of each sentence and its opposite")
    trials = prepared(vectors, texts, at=evidence.layer.title, places=[place for pair in pairs[:3] for place in pair])
    return Step("near", "Does it notice a “not”?", (first, second), picture, evidence.shown, evidence.source, trials)


def _opposite_pairs(instances: Instances) -> list[tuple[int, int]]:
    says = instances.columns["label"]
    return [(i, j) for i, j in pairs_within(instances.columns["word"]) if {says[i], says[j]} == _OPPOSITE]


def _nots(evidence: Evidence, kinds: Sequence[str | None]) -> tuple[str, str]:
    senses = sorted({kind for kind in kinds if kind is not None})
    opposites = f"{len(_opposite_pairs(evidence.instances))} pairs that say the opposite of each other"
    first = f"The model is given {len(kinds):,} sentences, among them {opposites}."
    some = f"such as “{senses[0]}” and “{senses[1]}”"
    return first, f"The others use words in {len(senses)} senses, {some}; the model is not told which."


#: By the key of the sample.
TELLINGS: dict[str, Telling] = {
    "wordnet-glosses": Telling(
        "definition", "definitions", group="label", title="Does a model know what an animal is?",
        near_title="Like finds like", named=True,
    ),
    "paraphrases": Telling(
        "sentence", "sentences", group="meaning", kind="meaning", kinds="meanings",
        title="Does a model know when two sentences mean the same?", near_title="The same in other words",
        more=_stray,
    ),
    "negation-and-ambiguity": Telling(
        "sentence", "sentences", group="label", kind="sense", kinds="senses",
        title="Where a model's understanding ends", near=_opposites,
        depth_title="Which meaning of a word is meant, layer by layer", others=("paraphrases",),
        without=tuple(sorted(_OPPOSITE)), given=_nots,
    ),
}  # fmt: skip


def telling_of(instances: Instances) -> Telling:
    """How the story of this set is told: a sample's own way, or the general one in words that fit its inputs."""
    for key, telling in TELLINGS.items():
        if instances.name == SAMPLES[key].title and set(load_sample(key).items) <= set(instances.items):
            return telling
    nouns = {"images": ("picture", "pictures"), "tensors": ("list of numbers", "lists of numbers")}
    return Telling(*nouns.get(instances.modality, ("text", "texts")), group=instances.label or "")
