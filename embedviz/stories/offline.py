"""The story as its player gets it, and as one HTML file that needs nothing from elsewhere."""

from __future__ import annotations

import html
import json
from functools import cache
from pathlib import Path
from typing import Any

from embedviz.figures.linked import script as linked
from embedviz.figures.linked.standalone import theme_variables
from embedviz.figures.words import plain, shorten
from embedviz.stories.glossary import GLOSSARY
from embedviz.stories.pictures import dressed
from embedviz.stories.story import SHOWN, Step, Story, StorySet, Trial

#: One script, in this order: what is used stands before what uses it.
SOURCES = ("terms.js", "pictures.js", "trial.js", "player.js")
#: A file that was opened from disk asks nobody for anything.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"


@cache
def asset(name: str) -> str:
    return Path(__file__).with_name("player").joinpath(name).read_text(encoding="utf-8")


@cache
def script(entry: str) -> str:
    """The whole script with its ``entry``: "component.js" in the app, "offline.js" in a file of its own."""
    markup = {"html": linked.asset("maps.html"), "css": linked.asset("maps.css")}
    parts = [*map(linked.asset, linked.SOURCES), f"const mapsMarkup = {_embedded(markup)};", *map(asset, SOURCES)]
    return "\n".join((*parts, asset(entry)))


def played(story: Story) -> dict[str, Any]:
    """The story as JSON values, with the texts and the maps that its player shows."""
    return {"title": plain(story.title), "glossary": GLOSSARY, "steps": [_step(step) for step in story.steps]}


def _step(step: Step) -> dict[str, Any]:
    return {
        "title": plain(step.title),
        "sentences": [plain(sentence) for sentence in step.sentences],
        "from": step.source.line,
        "picture": dressed(step.picture, step.shown),
        "trials": [asked(trial, step.shown) for trial in step.trials],
    }


def asked(trial: Trial, shown: StorySet, text: str = "") -> dict[str, Any]:
    """A guess with the texts that it shows; ``text`` is the one that was typed, where it was."""
    about = {"text": shorten(text, SHOWN), "label": "", "picture": ""} if trial.asked < 0 else shown.shown(trial.asked)
    return {
        "asked": about,
        "options": [shown.shown(place) for place in trial.options],
        "cosines": list(trial.cosines),
        "nearest": trial.nearest,
        "at": plain(trial.at),
    }


def offline_page(story: Story) -> str:
    """The whole file, with the same player; it follows the light or dark theme of whoever opens it."""
    title = html.escape(plain(story.title)) or "A story"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark;{theme_variables("light")} }}
@media (prefers-color-scheme: dark) {{ :root {{{theme_variables("dark")} }} }}
body {{ margin: 0; background: var(--st-background-color); }}
.player {{ padding: 1.25rem 2rem 0.75rem; }}
{asset("player.css")}
</style>
</head>
<body>
<main class="offline">
{asset("player.html")}
</main>
<noscript>{title}</noscript>
<script type="application/json" id="story">{_embedded(played(story))}</script>
<script type="module">
{script("offline.js")}
</script>
</body>
</html>
"""


def _embedded(value: Any) -> str:
    """JSON that may stand inside a script: a text must not end the element that holds it, nor open a comment in it."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")
