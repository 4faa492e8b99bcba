"""What happens when: opening, capturing and drawing are started here, watched here, and stopped here."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import streamlit as st

from embedviz.doctor.report import Report
from embedviz.errors import Cancelled, WorkerError
from embedviz.records import Instances
from embedviz.ui import health, words
from embedviz.ui.cost import advice, cost, quick
from embedviz.ui.jobs import Job, start
from embedviz.ui.look import main_button
from embedviz.ui.opened import Opened, open_checkpoint, opened
from embedviz.ui.picture import Picture, draw, kept
from embedviz.ui.remedies import remedies
from embedviz.ui.settings import Settings
from embedviz.ui.state import BUNDLED, State
from embedviz.ui.store import store
from embedviz.workers.model_worker import Source

#: A picture that is ready within this many seconds replaces the old one without a progress bar in between.
_PATIENCE = 0.9


def ensure_open(state: State, source: Source | None = None) -> Opened | None:
    """The open checkpoint (None: the session's own); starts to open it where it is not."""
    source = source or state.source
    if source.absent and state.restored is not None:
        return state.restored.missing
    found = opened(source)
    key = ("open", source)
    if found is not None or (state.failure and state.failure[0] == key):
        return found
    if state.job is None or state.job.key != key:
        state.leave_job()
        state.job = start(key, lambda job: open_checkpoint(source, job), state.id)
        # With nothing on screen yet, the page itself is what a person waits for.
        if state.shown is not None:
            state.job.wait(_PATIENCE)
    take_over(state)
    return opened(source)


def settings_of(state: State, checkpoint: Opened | None, instances: Instances | None) -> Settings | None:
    """What the sidebar asks for now; None while something for a picture is missing."""
    if checkpoint is None or instances is None or checkpoint.unreadable or not checkpoint.capturable:
        return None
    if instances.modality != checkpoint.reads.modality:
        return None
    layer = checkpoint.layer(str(state.layer))
    if layer is None or (layer.untrained and (checkpoint.identity, layer.path) not in state.insisted):
        return None
    prompt = state.prompt if checkpoint.reads.modality == "text" else None
    return Settings(
        checkpoint, str(state.layer), str(state.pooling), state.postprocessing, instances, state.map, prompt
    )


def ensure_report(state: State) -> Report | None:
    """The doctor's report on the checkpoint and the instances; starts to make it where there is none."""
    instances, opened = state.instances, state.opened
    if opened is None or state.failure is not None:
        take_over(state)
        return health.known(state)
    found: Report | None = store.get(health.key(state.source, instances))
    key = ("examine", state.source, instances.fingerprint if instances else "")
    if found is None and (state.job is None or state.job.key != key):
        state.leave_job()
        source = state.source
        state.job = start(key, lambda job: health.make(source, instances, job), state.id)
        state.job.wait(_PATIENCE)
    take_over(state)
    return store.get(health.key(state.source, instances)) or health.known(state)


def ensure_picture(state: State, settings: Settings) -> Picture | None:
    """The picture of these settings, or its preview; starts to make it where that is quick or was asked for."""
    key = ("draw", settings.map_key)
    found = kept(settings)
    if found is not None and not found.preview:
        if state.job is not None and state.job.key != key:
            state.leave_job()
        state.job, state.shown = None, settings
        health.begin(state)
        return found
    go_on(state, key, lambda job: draw(settings, job), quick=quick(cost(settings)[0]))
    found = kept(settings)
    if found is not None and not found.preview:
        state.shown = settings
    return found


def go_on(state: State, key: Hashable, work: Callable[[Job], None], *, quick: bool) -> None:
    """Take over what is being made under ``key``; begin it where it is ``quick``, unless it failed before."""
    if state.failure and state.failure[0] == key:
        return
    if state.job is not None and state.job.key == key:
        take_over(state)
    elif quick:
        begin(state, key, work)
        take_over(state)
    else:
        state.leave_job()


def begin(state: State, key: Hashable, work: Callable[[Job], None]) -> None:
    """Make it now; what was being made before is given up."""
    state.leave_job()
    state.failure = None
    state.job = start(key, work, state.id)
    state.job.wait(_PATIENCE)


def run(state: State, settings: Settings) -> None:
    """Make the picture now."""
    begin(state, ("draw", settings.map_key), lambda job: draw(settings, job))


def take_over(state: State) -> None:
    """Keep the outcome of a job that is over."""
    if state.job is not None and state.job.finished:
        if state.job.error is not None:
            state.failure = (state.job.key, state.job.error)
        state.job = None


def run_button(state: State, settings: Settings, key: str) -> None:
    """Make the picture, and what that will cost; nothing where it is made or being made."""
    found = kept(settings)
    if (found is not None and not found.preview) or state.job is not None or state.failure is not None:
        return
    seconds, size = cost(settings)
    if press_run(key, seconds, size):
        run(state, settings)
        st.rerun()
    if less := advice(seconds, settings):
        st.caption(less)


def press_run(key: str, seconds: float, size: float) -> bool:
    """A button that says what a press of it will cost; whether it was pressed."""
    pressed = st.button("Run", type=main_button(), key=key, width="stretch", icon=":material/play_arrow:")
    st.caption(f"about {words.seconds(seconds)}, {words.size(size)}")
    return pressed


def progress(state: State) -> None:
    """A bar with count, estimate and Cancel while something is being made."""
    if state.job is not None:
        _bar(state, state.job.previews)


@st.fragment(run_every=0.4)
def _bar(state: State, previews: int) -> None:
    """``previews``: how many the job had made when the page was drawn; with a new one it is drawn again."""
    job = state.job
    if job is None or job.finished or job.previews != previews:
        st.rerun()
        return
    count = f" · {job.done:,} of {job.total:,}" if job.total else ""
    left = f" · about {words.seconds(job.remaining)} left" if job.remaining is not None else ""
    with st.container(horizontal=True, vertical_alignment="center", key="progress"):
        text = f"{job.phase[:1].upper()}{job.phase[1:]}{count}{left}"
        st.progress(job.done / job.total if job.total else 0.02, text=text)
        if st.button("Cancel", key="cancel", icon=":material/stop:"):
            state.failure = (
                job.key,
                Cancelled("Stopped, as you asked", remedy="What is done is kept; nothing you chose or typed is lost."),
            )
            state.leave_job()
            st.rerun()


def failure(state: State) -> None:
    """What went wrong, and a button that tries it again."""
    if state.failure is None:
        return
    key, error = state.failure
    with st.container(key="failure"):
        if isinstance(error, Cancelled):
            st.info(words.escape(error), icon=":material/stop_circle:")
        else:
            st.error(words.prose(error), icon=":material/error:")
        if key == ("open", state.source):
            remedies(state, error)
        try_again(state)


def try_again(state: State) -> None:
    """Buttons to try again what failed, and to go back to the checkpoint before it."""
    assert state.failure is not None
    key, error = state.failure
    label = "Start it again" if isinstance(error, WorkerError) else "Try again"
    with st.container(horizontal=True):
        if st.button(label, key="again", icon=":material/refresh:"):
            state.failure = None
            if state.settings is not None and key == ("draw", state.settings.map_key):
                store.drop(state.settings.map_key)
                run(state, state.settings)
            st.rerun()
        _way_back(state, key)


def _way_back(state: State, key: object) -> None:
    """A button to the checkpoint that was shown before the one that could not be opened."""
    before = state.shown.opened.source if state.shown is not None else BUNDLED
    if key == ("open", state.source) and before != state.source:
        label = f"Back to {words.escape(words.shorten(before.name, 40))}"
        if st.button(label, key="back", icon=":material/arrow_back:"):
            state.choose_source(before)
            st.rerun()


def relevant(state: State, settings: Settings | None, *others: object) -> None:
    """Forget a failure that the person has moved on from; ``others`` are further keys of what a page asks for."""
    if state.failure is None:
        return
    current: set[object] = {("open", state.source), *others}
    if settings is not None:
        current.add(("draw", settings.map_key))
    if state.opened is not None:
        current.add(("examine", state.source, state.instances.fingerprint if state.instances else ""))
    if state.failure[0] not in current:
        state.failure = None
