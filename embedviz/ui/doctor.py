"""The Doctor page: what the checkpoint is, what of it not to trust, and what to do about it."""

from __future__ import annotations

import json

import streamlit as st

from embedviz.doctor.opening import OPENING
from embedviz.doctor.report import SECTIONS, Report
from embedviz.records import Finding
from embedviz.ui import flow, health, remedies, words
from embedviz.ui.state import State, state
from embedviz.workers.pool import pool

_TITLES = {
    "files": "Files",
    "configuration": "Configuration",
    "weights": "Weights",
    "tokenizer": "Tokenizer",
    "behaviour": "Behaviour",
    "choice": "Choice of layer and pooling",
}


def page() -> None:
    """Draw the page for the session's checkpoint."""
    session = state()
    flow.relevant(session, None)
    report = flow.ensure_report(session)
    failed = session.failure is not None and session.failure[0] == ("open", session.source)
    if not failed:
        flow.failure(session)
    flow.progress(session)
    if report is None:
        st.markdown("# Doctor")
        st.caption("The checkpoint is examined as soon as it is open.")
        return
    _heading(session, report)
    for number, finding in enumerate(report.findings):
        _finding(session, finding, number)
    if failed and session.failure is not None:
        _failed(session)
    elif session.opened is not None:
        remedies.assumptions(session, session.opened)
    _checked(report)
    _take_away(session, report, failed)


def _heading(session: State, report: Report) -> None:
    st.markdown(f"# {words.escape(words.shorten(session.source.name, 60))}")
    if session.opened is not None:
        st.caption(words.escape(f"{session.opened.format} · {session.opened.text}"))
    if session.opened is None:
        st.markdown(":material/error: It could not be opened as it is.")
        return
    counts = (
        f":material/check_circle: {words.count(len(_checks(report)), 'check')} passed",
        f":material/warning: {words.count(report.count('warning'), 'warning')}",
        f":material/error: {words.count(report.count('error'), 'problem')}",
        f":material/help: {len(report.unchecked)} could not be checked",
    )
    st.markdown(" · ".join(counts))


def _finding(session: State, finding: Finding, number: int) -> None:
    with st.container(border=True, key=f"finding_{number}", gap="small"):
        st.markdown(f"{health.ICONS[finding.severity]} **{words.escape(finding.title)}**")
        if finding.evidence:
            st.markdown(f"Seen: {words.prose(finding.evidence)}")
        if finding.why:
            st.markdown(f"Why it matters: {words.prose(finding.why)}")
        if finding.remedy:
            st.markdown(f"What to do: {words.prose(finding.remedy)}")
        if session.opened is not None:
            remedies.repair_button(session, finding.repair, f"repair_{number}")


def _failed(session: State) -> None:
    assert session.failure is not None
    remedies.remedies(session, session.failure[1])
    flow.try_again(session)


def _checks(report: Report) -> list[str]:
    """The checks that passed, without the faults that opening did not meet."""
    return [code for code in report.passed if code not in OPENING]


def _checked(report: Report) -> None:
    if not report.passed:
        return
    st.markdown("## What was checked")
    absent = words.count(len(report.passed) - len(_checks(report)), "known fault")
    st.caption(f"Opening it met none of {absent} of files, configurations and loading.")
    for section in SECTIONS:
        passed = [report.titles[code] for code in _checks(report) if code.startswith(f"{section}.")]
        undone = [(report.titles[code], reason) for code, reason in report.unchecked if code.startswith(f"{section}.")]
        if not passed and not undone:
            continue
        told = f"{len(passed)} passed" + (f", {len(undone)} could not be checked" if undone else "")
        with st.expander(f"{_TITLES[section]}: {told}"):
            lines = [f"- :material/check: {words.escape(title)}" for title in passed]
            lines += [f"- :material/help: {words.escape(title)} — {words.escape(reason)}" for title, reason in undone]
            st.markdown("\n".join(lines))


def _take_away(session: State, report: Report, failed: bool) -> None:
    with st.container(horizontal=True, key="take_away"):
        st.download_button(
            "Report as JSON",
            json.dumps(report.as_json(), indent=2),
            file_name="doctor.json",
            mime="application/json",
            key="report_json",
            icon=":material/download:",
            on_click="ignore",
        )
        if not failed and session.opened is not None:
            source = session.source
            st.download_button(
                "Save a repaired copy",
                lambda: remedies.copy_path(pool().model(source).copy()),
                file_name=f"{source.name}-repaired.zip",
                mime="application/zip",
                key="save_copy",
                icon=":material/save:",
                on_click="ignore",
                help="The model as safetensors, with its configuration and tokenizer, and every repair made in it.",
            )
