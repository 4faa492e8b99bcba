"""What can go wrong, said in three parts: what happened, which value, what to do."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from typing import Any

log = logging.getLogger(__name__)


def printable(text: str, most: int = 2_000) -> str:
    """``text`` cut to ``most`` characters, without those that act on a terminal or turn the line around."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in cut
    )


class EmbedvizError(Exception):
    """A failure that a person can act on.

    ``what`` says what happened, ``value`` names the value it happened to, ``remedy`` says what to do. ``code`` is a
    stable name for programs, and ``why`` says why it matters where that is not plain. ``choices`` are the parts of
    which a person may choose one to go on, and ``repair`` names a certain repair that embedviz can make by itself.
    """

    def __init__(
        self,
        what: str,
        *,
        value: object = None,
        remedy: str = "",
        code: str = "",
        why: str = "",
        choices: Sequence[str] = (),
        repair: str = "",
    ) -> None:
        self.what = printable(what.rstrip("."))
        self.value = None if value is None else printable(str(value), 400)
        self.remedy, self.code, self.why = printable(remedy), code, printable(why)
        self.choices, self.repair = tuple(choices), repair
        super().__init__(self.what, self.value, self.remedy)

    def __str__(self) -> str:
        subject = f": {self.value}" if self.value else ""
        return f"{self.what}{subject}. {self.remedy}".strip()


class CheckpointError(EmbedvizError):
    """A file or folder cannot be opened as a model."""


class LayerError(EmbedvizError):
    """A layer does not exist or cannot be captured."""


class InstancesError(EmbedvizError):
    """The test instances cannot be read or used."""


class CaptureError(EmbedvizError):
    """The model failed while its layers were being captured."""


class ProjectionError(EmbedvizError):
    """The vectors cannot be drawn or compared."""


class ExportError(EmbedvizError):
    """A file cannot be written, or what was written earlier cannot be gone on with."""


class WorkerError(EmbedvizError):
    """A worker process died, ran out of memory or took too long."""


class Cancelled(EmbedvizError):
    """The person asked to stop. ``kept`` is what was done until then, where anything was."""

    kept: Any = None


KINDS = {
    kind.__name__: kind
    for kind in (
        EmbedvizError,
        CheckpointError,
        LayerError,
        InstancesError,
        CaptureError,
        ProjectionError,
        ExportError,
        WorkerError,
        Cancelled,
    )
}


def first_line(error: BaseException) -> str:
    """What a library's error says, in a line."""
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:200].rstrip(".")


def want_of_memory(error: BaseException | None) -> bool:
    """Whether it failed, or what it came from failed, because memory was refused."""
    if error is None:
        return False
    # oneDNN says no more than that it could not create a primitive; torch's error on GPUs is a kind of RuntimeError.
    told = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    told = told or any(
        words in str(error) for words in ("allocate memory", "could not create a primitive", "out of memory")
    )
    return told or want_of_memory(error.__cause__)


def unexpected(error: BaseException) -> WorkerError:
    """A short reference to show in place of an error nobody expected; the whole of it goes to the log under that."""
    reference = uuid.uuid4().hex[:8]
    log.error("unexpected error, reference %s", reference, exc_info=error)
    return WorkerError(
        "Something unexpected went wrong",
        value=f"reference {reference}",
        remedy="Try again; the server's log has the whole error under this reference.",
    )
