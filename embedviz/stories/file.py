"""A story as a file: JSON with all that it shows and where that is from, and nothing of the model.

A file may be anybody's. All of it is checked and built anew, field by field; what is not known here is left out.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from embedviz.errors import ExportError, InstancesError
from embedviz.stories.checked_pictures import checked_picture, checked_png
from embedviz.stories.fields import Fields
from embedviz.stories.story import (
    MOST_INSTANCES,
    MOST_OPTIONS,
    MOST_SENTENCES,
    MOST_STEPS,
    MOST_TRIALS,
    NAME,
    SENTENCE,
    TEXT,
    TITLE,
    Provenance,
    Step,
    Story,
    StorySet,
    Trial,
)

FORMAT, VERSION = "embedviz story", 1
#: Bytes of a file, and commas and brackets in it, at most: each may stand for a value, which takes far more memory.
MOST_BYTES, MOST_MARKS = 25_000_000, 2_000_000
_ASK = "Open a file that “Save the story” wrote."


def write_story(story: Story) -> bytes:
    """The whole file; ExportError where it would be larger than one that is opened may be."""
    sets: list[StorySet] = []
    for step in story.steps:
        if step.shown not in sets:
            sets.append(step.shown)
    content = {
        "format": FORMAT,
        "version": VERSION,
        "title": story.title,
        "sets": [vars(each) for each in sets],
        "steps": [
            {
                "kind": step.kind,
                "title": step.title,
                "sentences": step.sentences,
                "set": sets.index(step.shown),
                "picture": step.picture,
                "trials": [vars(trial) for trial in step.trials],
                "tried": step.tried,
                "source": vars(step.source),
            }
            for step in story.steps
        ],
    }
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    data = text.encode("utf-8", "replace")
    if len(data) > MOST_BYTES or _marks(data) > MOST_MARKS:
        raise ExportError(
            "This story is too large for a file",
            value=f"{len(data) / 1e6:,.0f} MB, {MOST_BYTES / 1e6:,.0f} at most",
            remedy="Remove some of its steps.",
        )
    return data


def read_story(data: bytes) -> Story:
    """A story from what ``write_story`` wrote; EmbedvizError in one clear sentence for anything else."""
    if len(data) > MOST_BYTES:
        raise InstancesError(
            "This file is too large for a story",
            value=f"{len(data) / 1e6:,.0f} MB",
            remedy=f"Stories are of {MOST_BYTES / 1e6:,.0f} MB at most.",
        )
    if _marks(data) > MOST_MARKS:
        raise InstancesError("This file holds too many values for a story", remedy=_ASK)
    fields = Fields(_parsed(data), "the story")
    if fields.content.get("format") != FORMAT:
        raise InstancesError("This is no story of embedviz", remedy=_ASK)
    if fields.content.get("version") != VERSION:
        raise InstancesError(
            "This story was written by another version of embedviz",
            value=fields.content.get("version"),
            remedy=f"This one reads version {VERSION}: open it with a newer embedviz.",
        )
    sets = [_set(each) for each in fields.each("sets", MOST_STEPS)]
    steps = tuple(_step(each, sets) for each in fields.each("steps", MOST_STEPS))
    if not steps:
        raise InstancesError("This story has no steps", remedy=_ASK)
    return Story(fields.text("title", TITLE), steps)


def _marks(data: bytes) -> int:
    return sum(map(data.count, (b",", b"[", b"{")))


def _parsed(data: bytes) -> Any:
    def refuse(name: str) -> NoReturn:
        raise ValueError(name)

    try:
        return json.loads(data.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise InstancesError("This file cannot be read as a story", remedy=_ASK) from error


def _set(fields: Fields) -> StorySet:
    texts = fields.texts("texts", MOST_INSTANCES, TEXT)
    labels = fields.labels("labels", MOST_INSTANCES, NAME)
    pictures = fields.texts("pictures", MOST_INSTANCES, 400_000)
    if not texts or len(labels) not in (0, len(texts)) or len(pictures) not in (0, len(texts)):
        raise fields.damaged("its texts, labels and pictures are not as many as each other")
    label = fields.text("label", NAME)
    if labels and not label:
        raise fields.damaged("its labels have no name")
    name, modality = fields.text("name", NAME), fields.text("modality", 20)
    return StorySet(name, modality, texts, label, labels, tuple(map(checked_png, pictures)))


def _step(fields: Fields, sets: list[StorySet]) -> Step:
    if not sets:
        raise fields.damaged("it is about no instances")
    shown = sets[fields.whole("set", 0, len(sets) - 1)]
    sentences = fields.texts("sentences", MOST_SENTENCES, SENTENCE)
    tried = fields.texts("tried", 2, NAME) if fields.content.get("tried") is not None else ()
    return Step(
        kind=fields.text("kind", 20),
        title=fields.text("title", TITLE),
        sentences=sentences,
        picture=checked_picture(fields.inner("picture"), shown),
        shown=shown,
        source=_source(fields.inner("source")),
        trials=tuple(_trial(each, len(shown)) for each in fields.each("trials", MOST_TRIALS)),
        tried=(tried[0], tried[1]) if len(tried) == 2 else None,
    )


def _source(fields: Fields) -> Provenance:
    names = (
        "checkpoint",
        "fingerprint",
        "layer",
        "pooling",
        "postprocessing",
        "instances",
        "layers",
        "drawn",
        "version",
    )
    told = {name: fields.text(name, NAME) for name in names}
    prompt = fields.text("prompt", TEXT) if fields.content.get("prompt") is not None else None
    return Provenance(count=fields.whole("count", 0, 10**12), prompt=prompt, **told)


def _trial(fields: Fields, count: int) -> Trial:
    options = fields.wholes("options", MOST_OPTIONS, 0, count - 1)
    cosines = fields.numbers("cosines", MOST_OPTIONS, -1.001, 1.001)
    if len(options) < 2 or len(options) != len(cosines):
        raise fields.damaged("a guess has not as many cosines as answers")
    return Trial(fields.whole("asked", 0, count - 1), options, cosines, fields.text("at", NAME))
