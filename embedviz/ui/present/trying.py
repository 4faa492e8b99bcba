"""A sentence that somebody types while a story is presented: what the model says is nearest to it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from embedviz.errors import EmbedvizError, InstancesError, WorkerError
from embedviz.records import FloatArray
from embedviz.stories import Step, Story, Trial
from embedviz.stories.offline import asked as as_shown
from embedviz.stories.trials import typed
from embedviz.ui.captures import capture_layers
from embedviz.ui.jobs import Job, start
from embedviz.ui.opened import Opened
from embedviz.ui.settings import Settings
from embedviz.ui.store import store
from embedviz.workers.items import pack
from embedviz.workers.pool import pool

#: Characters of a sentence, and seconds until it is said that the model takes too long.
MOST, PATIENCE = 300, 30.0


def can_try(step: Step, opened: Opened | None) -> bool:
    """Whether the model that is open is the one that this step is about, and may be given a sentence."""
    if opened is None or step.shown.modality != "text" or opened.fingerprint != step.source.fingerprint:
        return False
    layer = opened.layer(step.tried_at[0])
    return layer is not None and layer.capturable


def answer(story: Story, opened: Opened | None, asked: Any, owner: str) -> dict[str, Any] | None:
    """What the player is told about ``asked``, which comes from a browser, so nothing about it is certain."""
    if not isinstance(asked, dict):
        return None
    number, place, text = asked.get("number"), asked.get("step"), asked.get("text")
    if not isinstance(number, int) or not isinstance(place, int) or not isinstance(text, str):
        return None
    if not 0 <= place < len(story):
        return None
    step = story.steps[place]
    try:
        if opened is None or not can_try(step, opened):
            raise InstancesError("The model of this step is not open", remedy="Guess about one of the set.")
        sentence = " ".join(text.split())[:MOST]
        if not sentence:
            raise InstancesError("There is nothing to read", remedy="Type a sentence.")
        trial = _tried(step, opened, sentence, owner)
    except EmbedvizError as error:
        return {"number": number, "error": str(error)}
    return {"number": number, "trial": as_shown(trial, step.shown, sentence)}


def _tried(step: Step, opened: Opened, text: str, owner: str) -> Trial:
    layer, pooling = step.tried_at
    instances = step.shown.instances
    settings = Settings(opened, layer, pooling, step.source.postprocessing, instances, prompt=step.source.prompt)
    key = ("tried", settings.vectors_key, text)
    job = start(key, lambda each: _read(settings, text, key, each), owner)
    if not job.wait(PATIENCE):
        job.leave(owner)
        raise WorkerError("The model takes too long over it", remedy="Try again in a moment.")
    if job.error is not None:
        raise job.error
    vectors = store.get(settings.vectors_key).vectors
    at = step.trials[0].at if step.trials else layer
    return typed(vectors, store.get(key), step.shown.texts, postprocessing=settings.postprocessing, at=at)


def _read(settings: Settings, text: str, key: Hashable, job: Job) -> None:
    """Capture the sentence alone, and the set where it is not kept any more: a story may come from a file."""
    capture_layers([settings], job)
    if store.get(key) is not None:
        return
    told, packed = pack((text,), "text")
    found = settings.opened.layer(settings.layer)
    arguments = {
        "items": told,
        "ids": ("0",),
        "layers": [settings.layer],
        "poolings": [settings.pooling],
        "insist": bool(found is not None and found.untrained),
        "prompt": settings.prompt,
    }
    _, arrays = pool().model(settings.opened.source).capture(arguments, packed, job.progress, job.stopped)
    vector: FloatArray = arrays["0"][0]
    store.put(key, vector, vector.nbytes)
