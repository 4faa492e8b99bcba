"""Stories: what a model makes of some instances, told in steps to people who do not program."""

from __future__ import annotations

from embedviz.stories.evidence import Evidence, Other, Seen
from embedviz.stories.file import read_story, write_story
from embedviz.stories.offline import offline_page
from embedviz.stories.story import Provenance, Step, Story, StorySet, Trial, set_of
from embedviz.stories.telling import tell

__all__ = [
    "Evidence",
    "Other",
    "Provenance",
    "Seen",
    "Step",
    "Story",
    "StorySet",
    "Trial",
    "offline_page",
    "read_story",
    "set_of",
    "tell",
    "write_story",
]
