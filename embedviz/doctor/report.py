"""What the doctor says of one checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from embedviz.records import Finding

#: Sections in the order in which a checkpoint meets them.
SECTIONS = ("files", "configuration", "weights", "tokenizer", "behaviour", "choice")
#: Severities, the worst first, with the exit code of a report whose worst finding it is.
SEVERITIES = {"error": 2, "warning": 1, "info": 0}


@dataclass(frozen=True)
class Report:
    """Findings (worst first), the codes of the checks that passed, and (code, reason) of those that were not done.

    ``titles`` says, by code, what is true of a checkpoint that passes the check.
    """

    findings: tuple[Finding, ...]
    passed: tuple[str, ...]
    unchecked: tuple[tuple[str, str], ...]
    name: str
    text: str
    titles: Mapping[str, str]

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 with warnings, 2 cannot be used as it is."""
        return max((SEVERITIES[finding.severity] for finding in self.findings), default=0)

    def count(self, severity: str) -> int:
        return sum(finding.severity == severity for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """JSON values: ``findings``, and under ``checked`` and ``unchecked`` what was looked at and what was not."""
        return {
            "name": self.name,
            "text": self.text,
            "exit_code": self.exit_code,
            "findings": [asdict(finding) for finding in self.findings],
            "checked": [
                {"code": code, "title": self.titles[code], "passed": code in self.passed}
                for code in sorted({*self.passed, *(finding.code for finding in self.findings)}, key=_place)
                if code in self.titles
            ],
            "unchecked": [
                {"code": code, "title": self.titles[code], "reason": reason} for code, reason in self.unchecked
            ],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Report:
        """The report behind ``as_json``'s values."""
        listed = [*values["checked"], *values["unchecked"]]
        return cls(
            findings=tuple(Finding(**finding) for finding in values["findings"]),
            passed=tuple(entry["code"] for entry in values["checked"] if entry["passed"]),
            unchecked=tuple((entry["code"], entry["reason"]) for entry in values["unchecked"]),
            name=values["name"],
            text=values["text"],
            titles={entry["code"]: entry["title"] for entry in listed},
        )


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """Worst first, then by section."""
    return tuple(sorted(findings, key=lambda finding: (-SEVERITIES[finding.severity], _place(finding.code))))


def _place(code: str) -> tuple[int, str]:
    section = code.partition(".")[0]
    return SECTIONS.index(section) if section in SECTIONS else len(SECTIONS), code
