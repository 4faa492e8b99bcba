"""How a script is given the instances: read or written out, and cut into batches for the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from embedviz.errors import ExportError
from embedviz.export.script.draft import MOST_LETTERS, Part
from embedviz.export.script.source import Places
from embedviz.records import Instances

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint


@dataclass(frozen=True)
class Asked:
    """What is to be reproduced, and what is put before each text (None: what the checkpoint says).

    ``longest`` counts the tokens of the longest text, 0 where there are no tokens.
    """

    checkpoint: Checkpoint
    instances: Instances
    places: Places
    prompt: str | None = None
    longest: int = 0


@dataclass(frozen=True)
class Given:
    """The lines that give the instances to the model.

    ``name`` is the constant that holds them and ``size`` how many go together. ``batch`` makes the lines that run the
    model, of the expression for some of them. ``mask`` is the expression of a batch's real tokens, "" where all are.
    ``key`` is what tells an ``item`` from others. ``ids`` is the line with the ids.
    """

    name: str
    size: int
    batch: Callable[[str], list[str]]
    ids: str
    mask: str = ""
    key: str = "item"
    part: Part = field(default_factory=Part)


def ids_of(instances: Instances, name: str) -> str:
    """``IDS = …``: the numbers from 1, or the ids written out."""
    if instances.ids == tuple(str(number + 1) for number in range(len(instances))):
        return f"IDS = [str(number + 1) for number in range(len({name}))]"
    if sum(len(repr(each)) for each in instances.ids) > MOST_LETTERS:
        raise too_much("ids")
    return f"IDS = {list(instances.ids)!r}"


def too_much(what: str) -> ExportError:
    """For what is too long to stand in a script, and in no file that a few lines of Python read as embedviz does."""
    return ExportError(
        f"The {what} are too long to stand in the script, and in no file that a few lines of Python read the same way",
        value=f"more than {MOST_LETTERS:,} letters",
        remedy="Save texts as JSON lines ({“text”: …}), numbers by numpy.save, pictures as a folder, and open that.",
    )


def keywords(checkpoint: Checkpoint) -> str:
    """What a model is called with beside its input."""
    return ", use_cache=False" if "use_cache" in checkpoint.arguments else ""
