"""What a picture will cost, said before it is made."""

from __future__ import annotations

import math
from collections.abc import Collection
from itertools import islice
from typing import Any

from embedviz.ui.captures import ahead, unseen
from embedviz.ui.pace import paces
from embedviz.ui.settings import Settings
from embedviz.ui.store import store

#: Up to so many seconds, a change is drawn at once instead of on a press of a button. It can be cancelled, and the next
#: change replaces it; a machine that takes longer than this for a hundred short texts is rare.
_QUICK = 8.0
#: Above so many seconds it is said what to leave out.
_LONG = 60.0


def cost(settings: Settings) -> tuple[float, int]:
    """Seconds and bytes the picture will take: from the pace of earlier ones, zero for what is kept."""
    count = len(settings.instances)
    seconds = capture_seconds(settings)
    if store.get(settings.map_key) is None:
        seconds += 0.3 + count * paces[settings.map.method]
    layers, poolings = ahead(settings)
    layer = settings.opened.layer(settings.layer)
    width = layer.width if layer is not None else 0
    return seconds, 4 * count * width * len(layers) * len(poolings)


def capture_seconds(settings: Settings) -> float:
    """How long the vectors will take; 0 where they are kept."""
    if store.get(settings.vectors_key) is not None:
        return 0.0
    new = unseen(settings)
    return len(new) * (paces.get(settings.opened.fingerprint) or _guessed(settings, new))


#: Characters that make a token, roughly and on the safe side, and the tokens that a tokenizer adds.
_CHARACTERS, _ADDED = 3.5, 2


def _guessed(settings: Settings, items: Collection[Any]) -> float:
    """Seconds an instance, before any was captured: by what they weigh, and a batch that was measured on opening."""
    opened = settings.opened
    if not items:
        return 0.0
    some = list(islice(items, 2_000))
    if settings.instances.modality == "text":
        weights = [min(opened.max_tokens, len(str(item)) / _CHARACTERS + _ADDED) for item in some]
    elif settings.instances.modality == "images":
        weights = [math.prod(axis or 224 for axis in opened.reads.shape)] * len(some)
    else:
        weights = [math.prod(item.shape) for item in some]
    return opened.pace * sum(weights) / len(some)


def advice(seconds: float, settings: Settings) -> str:
    """What to leave out where a picture takes long; "" where it does not."""
    if seconds < _LONG:
        return ""
    return f"The first {max(1, int(len(settings.instances) * _LONG / seconds)):,} instances would take about a minute."


def quick(seconds: float) -> bool:
    """Whether something is cheap enough to be made without being asked for."""
    return seconds <= _QUICK
