"""What a session file holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from embedviz.records import (
    Embeddings,
    Finding,
    Instances,
    Layer,
    Likeness,
    Projection,
    Reads,
    Trust,
)

#: The layout of the file; a file of a higher one is from a newer embedviz.
FORMAT = 1
#: The one member that is always there.
INDEX = "session.json"


@dataclass(frozen=True)
class Choices:
    """What the person chose. ``prompt`` None is the checkpoint's own, ``colour`` None the label.

    ``model`` says where the checkpoint was from: "bundled", "offered" by the server, or an "upload".
    """

    model: str
    model_name: str
    layer: str
    pooling: str
    postprocessing: str
    method: str
    dimensions: int
    seed: int
    parameters: tuple[tuple[str, str | float | int], ...] = ()
    prompt: str | None = None
    colour: str | None = None
    focus: str | None = None
    selected: tuple[str, ...] = ()
    only_own: bool = False


@dataclass(frozen=True)
class Summary:
    """What is known of a checkpoint without its weights.

    ``prompt`` is put before each text unless a person says otherwise, ``prompts`` are others of its own by their names.
    ``pace`` is about the seconds that a whole pass takes a token, or a number of an array.
    """

    name: str
    text: str
    format: str
    fingerprint: str
    max_tokens: int
    recipe: str
    untold: str
    recommended: str
    layers: tuple[Layer, ...]
    findings: tuple[Finding, ...]
    unreadable: str
    reads: Reads
    prompt: str
    prompts: Mapping[str, str]
    towers: bool
    pace: float


@dataclass(frozen=True, eq=False)
class Session:
    """All of it. The results are of ``base`` (where ``choices.only_own`` does not leave it out) and then ``own``."""

    choices: Choices
    summary: Summary
    base: Instances | None
    own: tuple[Any, ...]
    embeddings: Embeddings
    likeness: Mapping[str, Likeness]
    projection: Projection | None
    unmapped: str = ""
    trust: Trust | None = None
    provenance: str = ""
    #: By package: what it was made with.
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many instances the results are of."""
        return len(self.own) + (0 if self.base is None or self.choices.only_own else len(self.base))
