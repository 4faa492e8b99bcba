"""What a picture is of, in a line."""

from __future__ import annotations

from embedviz.pooling import label
from embedviz.ui import words
from embedviz.ui.settings import Settings
from embedviz.vectors import POSTPROCESSING


def about(settings: Settings, *, layer: bool = True) -> str:
    """Checkpoint, layer, pooling, post-processing and number of instances, as Markdown."""
    found = settings.opened.layer(settings.layer)
    over = found.over if found is not None else ""
    pooled = f"pooled {label(settings.pooling, over).lower()}" if over else "one vector an instance"
    then = POSTPROCESSING[settings.postprocessing].label.lower()
    parts = [settings.opened.name, settings.layer or "the whole model", pooled]
    if not layer:
        del parts[1]
    told = " · ".join(words.escape(part) for part in parts)
    return f"{told} · {then} · {words.count(len(settings.instances), 'instance')}"
