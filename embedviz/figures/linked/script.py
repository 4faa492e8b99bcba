"""The script, the styles and the markup of linked maps, as they stand beside this file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

#: One script, in this order: what is used stands before what uses it.
SOURCES = (
    "data.js",
    "sprites.js",
    "frame.js",
    "panel.js",
    "names.js",
    "selection.js",
    "trails.js",
    "flight.js",
    "legend.js",
    "tip.js",
    "toolbar.js",
    "pointer.js",
    "keys.js",
    "maps.js",
)


@cache
def asset(name: str) -> str:
    return Path(__file__).with_name("browser").joinpath(name).read_text(encoding="utf-8")


def script(entry: str) -> str:
    """The whole script with its ``entry``: "component.js" in the app, "offline.js" in a file of its own."""
    return "\n".join(asset(name) for name in (*SOURCES, entry))
