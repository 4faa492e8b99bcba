"""Linked maps as a piece of HTML that needs nothing from elsewhere."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence

from embedviz.figures.colours import THEMES
from embedviz.figures.frame import FONT
from embedviz.figures.linked.packing import Packed
from embedviz.figures.linked.script import asset, script
from embedviz.figures.words import plain

#: What Streamlit's theme would say, by the theme the maps were packed for.
ACCENTS = {"light": "#0b62a8", "dark": "#6cb6f2"}


def standalone(packed: Packed, *, mode: str = "maps", shown: Sequence[str], alt: str, height: int = 620) -> str:
    """A fragment of HTML with its own styles, script and data, for any page, also one opened from disk.

    Any number of them may stand in one page. ``height`` is that of the maps in pixels, ``alt`` a sentence in place
    of the picture.
    """
    settings = {
        "mode": mode,
        "shown": packed.layers(shown),
        "height": height,
        "alt": plain(alt),
        "digest": packed.digest,
        "maps": packed.text,
    }
    # A text must not end the element that holds it, nor open a comment in it.
    data = json.dumps(settings).replace("<", "\\u003c")
    return f"""<div class="embedviz-linked-maps">
<template shadowrootmode="open">
<style>
{_host(json.loads(packed.text)["theme"]["name"])}
{asset("maps.css")}
</style>
{asset("maps.html")}
</template>
<noscript>{html.escape(plain(alt))}</noscript>
<script type="application/json">{data}</script>
<script type="module">
{script("offline.js")}
</script>
</div>
"""


def _host(name: str) -> str:
    return f":host {{ display: block; margin: 1rem 0; background: {THEMES[name].background};{theme_variables(name)} }}"


def theme_variables(name: str) -> str:
    """Declarations of what Streamlit's theme would say, where there is no Streamlit."""
    theme = THEMES[name]
    values = {
        "font": FONT,
        "text-color": theme.ink,
        "background-color": theme.background,
        "secondary-background-color": theme.label_background,
        "border-color": f"color-mix(in srgb, {theme.ink} 18%, {theme.background})",
        "primary-color": ACCENTS[name],
        "base-radius": "0.4rem",
    }
    return "".join(f" --st-{key}: {value};" for key, value in values.items())
