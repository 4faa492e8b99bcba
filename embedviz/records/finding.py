"""One line of the doctor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the doctor.

    ``code`` is stable and starts with its section ("tokenizer.empty"). ``severity`` is "error" (cannot be used as it
    is), "warning" (gives vectors that are not what they seem) or "info". ``evidence`` is what was seen, with its
    numbers; ``why`` it matters; ``remedy`` is something one can do, and ``repair`` names it where embedviz can do it.
    """

    code: str
    severity: str
    title: str
    evidence: str
    why: str
    remedy: str
    repair: str = ""

    @property
    def section(self) -> str:
        return self.code.partition(".")[0]
