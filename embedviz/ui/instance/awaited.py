"""What the page needs of a worker before it can go on: started here, watched here, stopped here."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import streamlit as st

from embedviz.errors import Cancelled
from embedviz.ui import asides, words
from embedviz.ui.jobs import Job, start
from embedviz.ui.state import State

#: Within so many seconds it is there without a word that it is on its way.
_PATIENCE = 2.0


def made(name: str, key: Hashable, work: Callable[[Job], None], session: State) -> bool:
    """Whether ``work`` is over and went well; says how far it is, or what went wrong, where it is not.

    ``name`` says what it is for: what was begun under it with another key is given up.
    """
    jobs = session.looked.jobs
    job = jobs.get(name)
    if job is None or job.key != key:
        if job is not None:
            job.leave(session.id)
        job = jobs[name] = start(key, work, session.id)
    if not job.wait(_PATIENCE):
        with st.container(horizontal=True, vertical_alignment="center"):
            asides.waiting(job)
            st.button("Stop", key=f"stop_{name}", icon=":material/stop:", on_click=job.leave, args=(session.id,))
        return False
    if job.error is None:
        del jobs[name]
        return True
    if isinstance(job.error, Cancelled):
        st.info(words.escape(job.error), icon=":material/stop_circle:")
    else:
        st.error(words.prose(job.error), icon=":material/error:")
    st.button("Try again", key=f"again_{name}", icon=":material/refresh:", on_click=_forget, args=(jobs, name))
    return False


def _forget(jobs: dict[str, Job], name: str) -> None:
    jobs.pop(name, None)
