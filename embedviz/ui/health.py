"""The doctor's report of the session's checkpoint: asked for behind the pages, kept, and told in a line."""

from __future__ import annotations

from collections.abc import Hashable

from embedviz.doctor import examine
from embedviz.doctor.opening import OPENING
from embedviz.doctor.report import Report
from embedviz.records import Instances
from embedviz.ui import words
from embedviz.ui.jobs import Job, start
from embedviz.ui.state import State
from embedviz.ui.store import store
from embedviz.workers.model_worker import Source
from embedviz.workers.pool import pool

#: The doctor's severities as Streamlit shows them.
ICONS = {"error": ":material/error:", "warning": ":material/warning:", "info": ":material/info:"}


def key(source: Source, instances: Instances | None) -> Hashable:
    return ("report", source, instances.fingerprint if instances else "")


def make(source: Source, instances: Instances | None, job: Job) -> None:
    """Have the checkpoint's worker examine it, and keep the report."""
    items = instances.items if instances and instances.modality == "text" else ()
    told = Report.from_json(pool().model(source).examine(items, job.progress, job.stopped))
    store.put(key(source, instances), told, 50_000)
    store.put(("report", source), told, 1000)


def known(state: State) -> Report | None:
    """The report of what could not be opened, or the latest of what is open; None where there is none yet."""
    if state.failure is not None and state.failure[0] == ("open", state.source):
        return examine(state.failure[1])
    found: Report | None = store.get(("report", state.source))
    return found


def begin(state: State) -> None:
    """Start to examine the open checkpoint, unless that is done or under way; nobody waits for it."""
    source = state.source
    if not source.absent and store.get(("report", source)) is None and state.examined != source:
        state.examined = source
        state.examination = start(("examine", source, ""), lambda job: make(source, None, job), state.id)


def line(report: Report) -> str:
    """What the sidebar says of a report."""
    if report.count("error"):
        return f":material/error: {words.count(report.count('error'), 'problem')}"
    if report.count("warning"):
        return f":material/warning: {words.count(report.count('warning'), 'warning')}"
    return f":material/check_circle: {words.count(sum(code not in OPENING for code in report.passed), 'check')} passed"
