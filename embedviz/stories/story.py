"""A story: a title and steps, each a snapshot in plain data, so that showing it needs no model and cannot break."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from embedviz.figures.categories import is_missing
from embedviz.figures.words import plain, shorten
from embedviz.records import Instances
from embedviz.vectors import POSTPROCESSING

#: Instances of a step at most; of more, some are drawn at random. Characters of a text, and of what is shown of one.
MOST_INSTANCES, TEXT, SHOWN = 2_000, 4_000, 300
#: Characters of a title, of a sentence, and of a name of anything.
TITLE, SENTENCE, NAME = 160, 600, 200
MOST_STEPS, MOST_SENTENCES, MOST_TRIALS, MOST_OPTIONS = 60, 4, 12, 6


_PROCESSED = {name: each.label.lower() for name, each in POSTPROCESSING.items()}


@dataclass(frozen=True)
class StorySet:
    """The instances that steps are about.

    ``modality`` is "text" only where a sentence may be typed beside them. ``labels`` are texts, numbers or None, or
    nothing at all; ``pictures`` are small PNG files in base64, or nothing.
    """

    name: str
    modality: str
    texts: tuple[str, ...]
    label: str = ""
    labels: tuple[Any, ...] = ()
    pictures: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def instances(self) -> Instances:
        """As instances, to be drawn or to be given to the model again."""
        columns = {self.label: self.labels} if self.labels else {}
        ids = tuple(str(place + 1) for place in range(len(self.texts)))
        return Instances(self.texts, ids, columns, self.label if self.labels else None, self.name)

    def shown(self, place: int) -> dict[str, Any]:
        """One instance as the browser shows it."""
        label = self.labels[place] if self.labels else None
        return {
            "text": shorten(self.texts[place], SHOWN),
            "label": "" if is_missing(label) else shorten(label, 60),
            "picture": self.pictures[place] if self.pictures else "",
        }


@dataclass(frozen=True)
class Provenance:
    """Which settings the numbers of a step are from: layer, pooling and post-processing by the names that code knows.

    Of several layers, ``layers`` names all that are shown, and ``layer`` the one that is guessed about.
    """

    checkpoint: str
    fingerprint: str
    layer: str
    pooling: str
    postprocessing: str
    instances: str
    count: int
    prompt: str | None = None
    layers: str = ""
    drawn: str = ""
    version: str = ""

    @property
    def line(self) -> str:
        """All of it that a person may want to know, in a line."""
        count = f"{self.count:,} instances" if self.count != 1 else "1 instance"
        told = [
            self.checkpoint,
            self.layers or self.layer or "the whole model",
            f"pooled {self.pooling}" if self.pooling else "",
            _PROCESSED.get(self.postprocessing, self.postprocessing),
            f"{self.instances} ({count})" if self.instances else count,
            self.drawn,
        ]
        return plain(" · ".join(part for part in told if part))


@dataclass(frozen=True)
class Trial:
    """A guess about an instance of the set: which of ``options`` (places) is nearest to the one at ``asked``?

    ``cosines`` are the options' to it; the first of the largest is the answer. ``at`` names the layer.
    """

    asked: int
    options: tuple[int, ...]
    cosines: tuple[float, ...]
    at: str = ""

    @property
    def nearest(self) -> int:
        return max(range(len(self.cosines)), key=self.cosines.__getitem__)


@dataclass(frozen=True)
class Step:
    """One step: a title, sentences, one picture (see ``pictures``), and guesses to try."""

    kind: str
    title: str
    sentences: tuple[str, ...]
    picture: Mapping[str, Any]
    shown: StorySet
    source: Provenance
    trials: tuple[Trial, ...] = ()
    #: The layer that a typed sentence is tried at, where it is another than that of ``source``: its path and pooling.
    tried: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        # A layer's name or a label may be of any length; what is said is not.
        object.__setattr__(self, "title", shorten(self.title, TITLE))
        object.__setattr__(self, "sentences", tuple(shorten(each, SENTENCE) for each in self.sentences))

    @property
    def tried_at(self) -> tuple[str, str]:
        """The path and the pooling of the layer that a typed sentence is tried at."""
        return self.tried or (self.source.layer, self.source.pooling)


@dataclass(frozen=True)
class Story:
    """A title, and steps in the order they are told."""

    title: str
    steps: tuple[Step, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.steps)


def set_of(instances: Instances, pictures: Sequence[str] = ()) -> StorySet:
    """The instances as a story keeps them; ``pictures`` are PNG files in base64, one an instance."""
    labels = instances.labels
    typed = instances.modality == "text" and all(isinstance(item, str) for item in instances.items)
    return StorySet(
        name=shorten(instances.name, NAME),
        modality="text" if typed else "pairs" if instances.modality == "text" else instances.modality,
        # A text that is cut here could not be given to the model again as it was; none but very long ones are.
        texts=tuple(whole(str(item), TEXT) for item in instances.items),
        label=shorten(instances.label, NAME) if instances.label and labels else "",
        labels=tuple(map(_label, labels)) if labels else (),
        pictures=tuple(pictures),
    )


def whole(text: str, most: int) -> str:
    """``text`` as it is, but for what no file in UTF-8 can hold, and cut where it is very long."""
    return text[:most].encode("utf-8", "replace").decode("utf-8")


def _label(value: Any) -> Any:
    if is_missing(value):
        return None
    if isinstance(value, bool | int | float) and -1e300 < value < 1e300:
        return value
    return shorten(value, NAME)
