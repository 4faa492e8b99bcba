"""What is found out about a picture beside it: in the numbers worker, while the page is there, and kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from embedviz.errors import Cancelled
from embedviz.ui import words
from embedviz.ui.jobs import Job, start
from embedviz.ui.picture import Picture
from embedviz.ui.state import State
from embedviz.ui.store import store
from embedviz.workers.pool import pool
from embedviz.workers.wire import Arrays

#: Makes and keeps one thing about a picture.
Make = Callable[[Picture, Job], None]
#: What can be found out; some of it does not depend on the map, only on the vectors it is drawn of.
OPERATIONS, _OF_VECTORS = ("trust", "reroll", "groups", "islands"), {"groups"}


def key(operation: str, picture: Picture) -> Hashable:
    """What the outcome is kept under."""
    settings = picture.settings
    if operation in _OF_VECTORS:
        return (operation, settings.vectors_key, settings.postprocessing)
    return (operation, settings.map_key)


def take_stock(picture: Picture, session: State) -> None:
    """See what is there, so that all parts of the page know the same; stop what was asked for of another picture."""
    for operation in [operation for operation in session.asides if not asked(operation, picture, session)]:
        session.asides.pop(operation).leave(session.id)
    session.findings = {} if picture.preview else {name: store.get(key(name, picture)) for name in OPERATIONS}


def asked(operation: str, picture: Picture, session: State) -> bool:
    """Whether the session has asked for it, of this picture."""
    job = session.asides.get(operation)
    return job is not None and job.key == key(operation, picture)


def ask(operation: str, make: Make, picture: Picture, session: State) -> Job:
    """The job that finds it out, started where none was for this picture."""
    job = session.asides.get(operation) if asked(operation, picture, session) else None
    lost = job is not None and job.finished and job.error is None and store.get(key(operation, picture)) is None
    if job is None or lost:
        job = start(key(operation, picture), lambda each: make(picture, each), session.id)
        session.asides[operation] = job
    return job


def numbers(
    operation: str, picture: Picture, more: dict[str, Any], job: Job | None = None, packed: Arrays | None = None
) -> tuple[Any, Arrays]:
    """The numbers worker's answer about the vectors and the map of a picture, and what else is ``packed``."""
    assert picture.projection is not None
    arguments = {"postprocessing": picture.settings.postprocessing, **more}
    arrays = {"vectors": picture.embeddings.vectors, "coordinates": picture.projection.coordinates, **(packed or {})}
    if job is None:
        return pool().numbers(operation, arguments, arrays)
    return pool().numbers(operation, arguments, arrays, job.progress, job.stopped)


def await_it(operation: str, make: Make, picture: Picture, session: State) -> None:
    """Ask for it and say how far it is, with a button to stop it; or why it is not there."""
    job = ask(operation, make, picture, session)
    if job.finished and job.error is not None:
        if not isinstance(job.error, Cancelled):
            st.info(words.prose(job.error), icon=":material/info:")
        st.button("Start again", key=f"again_{operation}", on_click=_forget, args=(operation, session))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        waiting(job)
        st.button("Stop", key=f"stop_{operation}", icon=":material/stop:", on_click=job.leave, args=(session.id,))


def _forget(operation: str, session: State) -> None:
    session.asides.pop(operation, None)


@st.fragment(run_every=0.6)
def waiting(job: Job) -> None:
    """How far a job is, until it is over; then the page is drawn again."""
    if job.finished:
        st.rerun()
    left = f" · about {words.seconds(job.remaining)} left" if job.remaining is not None else ""
    st.caption(f":material/hourglass_top: {job.phase[:1].upper()}{job.phase[1:]}{left} …")
