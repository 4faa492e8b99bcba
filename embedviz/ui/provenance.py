"""Where what is taken away comes from: as values for programs, and in a line for people."""

from __future__ import annotations

from typing import Any

from embedviz import __version__
from embedviz.figures.survival import survive_sentence
from embedviz.pooling import label
from embedviz.projection.told import told
from embedviz.ui.picture import Picture
from embedviz.ui.settings import Settings
from embedviz.vectors import POSTPROCESSING


def about(settings: Settings) -> dict[str, Any]:
    """Where vectors come from."""
    return {
        "checkpoint": settings.opened.name,
        "fingerprint": settings.opened.fingerprint,
        "instances": settings.instances.fingerprint,
        "layer": settings.layer,
        "pooling": settings.pooling,
        "postprocessing": settings.postprocessing,
        "prompt": settings.prompt,
        "embedviz": __version__,
    }


def vectors_line(settings: Settings) -> str:
    """Checkpoint, layer, pooling and post-processing in a line."""
    opened = settings.opened
    layer = opened.layer(settings.layer)
    over = layer.over if layer is not None else ""
    prompt = opened.prompt if settings.prompt is None else settings.prompt
    parts = [
        f"{opened.name} ({opened.text}, fingerprint {opened.fingerprint[:12]})",
        settings.layer or "the whole model",
        f"pooled {label(settings.pooling, over).lower()}" if over else "one vector an instance",
        POSTPROCESSING[settings.postprocessing].label.lower(),
        f"“{prompt.strip()}” before each text" if prompt.strip() else "",
        settings.instances.name,
    ]
    return " · ".join(part for part in parts if part)


def map_line(picture: Picture) -> str:
    """How the map was drawn, and what it keeps."""
    if picture.projection is None:
        return "no map"
    parts = [told(picture.projection, len(picture.instances)), survive_sentence(picture.projection)]
    return " · ".join(part for part in parts if part)


def line(picture: Picture) -> str:
    """All of it."""
    return " · ".join([vectors_line(picture.settings), map_line(picture), f"embedviz {__version__}"])
