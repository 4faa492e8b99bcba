"""A report for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from embedviz.doctor.opening import OPENING
from embedviz.doctor.report import SECTIONS, Report
from embedviz.doctor.words import plural, shown
from embedviz.records import Finding

_MARKS = {"error": "✗", "warning": "⚠", "info": "·"}
_COLOURS = {"error": "31", "warning": "33", "info": "36", "passed": "32"}
#: A finding's line may quote a file; nobody reads more than this of it.
_LONGEST = 1_200


def as_text(report: Report, *, width: int = 100, colour: bool = False) -> str:
    """The findings by section, each with what was seen, why it matters and what to do; then what was checked."""
    lines = [f"{shown(report.name, 80)} · {shown(report.text, 120)}", _summary(report, colour)]
    for section in dict.fromkeys((*SECTIONS, *(finding.section for finding in report.findings))):
        findings = [finding for finding in report.findings if finding.section == section]
        if findings:
            lines += ["", shown(section).capitalize()]
            for finding in findings:
                lines += _finding(finding, width, colour)
    return "\n".join([*lines, "", *_checked(report, width)])


def _summary(report: Report, colour: bool) -> str:
    errors, warnings, notes = (report.count(severity) for severity in ("error", "warning", "info"))
    passed = sum(code not in OPENING for code in report.passed)
    parts = [_paint(f"✓ {plural(passed, 'check')} passed", "passed", colour)]
    parts.append(_paint(f"⚠ {warnings}", "warning", colour and warnings > 0))
    parts.append(_paint(f"✗ {errors}", "error", colour and errors > 0))
    if notes:
        parts.append(plural(notes, "note"))
    if report.unchecked:
        parts.append(f"{len(report.unchecked)} could not be checked")
    return " · ".join(parts)


def _paint(text: str, kind: str, colour: bool) -> str:
    return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if colour else text


def _finding(finding: Finding, width: int, colour: bool) -> Iterator[str]:
    mark = _paint(_MARKS[finding.severity], finding.severity, colour)
    yield f"  {mark} {shown(finding.title, 200)}  [{shown(finding.code)}]"
    repair = f"`--repair {finding.repair}` does it" if finding.repair else ""
    for name, told in (("seen", finding.evidence), ("why", finding.why), ("do", finding.remedy), ("", repair)):
        if told:
            yield from _wrapped(shown(told, _LONGEST), f"      {name:<5}", width)


def _wrapped(text: str, lead: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, max(40, width), initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False
    )


def _checked(report: Report, width: int) -> Iterator[str]:
    counts: dict[str, int] = {}
    for code in report.passed:
        if code not in OPENING:
            section = code.partition(".")[0]
            counts[section] = counts.get(section, 0) + 1
    if counts:
        told = ", ".join(f"{section} {counts[section]}" for section in SECTIONS if section in counts)
        absent = plural(len(report.passed) - sum(counts.values()), "known fault")
        yield from _wrapped(f"Passed: {told}. Opening it met none of {absent} of files.", "", width)
    reasons: dict[str, list[str]] = {}
    for code, reason in report.unchecked:
        reasons.setdefault(reason, []).append(code)
    for reason, codes in reasons.items():
        several = ", ".join(codes[:4]) + (f" and {len(codes) - 4} more" if len(codes) > 4 else "")
        yield from _wrapped(f"Not checked, as {shown(reason, 300)}: {several}.", "", width)
