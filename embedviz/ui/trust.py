"""How far the map shown can be trusted: asked for beside the picture, which never waits for it, and kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from embedviz.figures import Shares
from embedviz.figures.survival import baselines_sentence, survive_sentence
from embedviz.records import DrawnNeighbours, OddPairs, PointTrust, Projection, Quality, Stability, Trust
from embedviz.ui import words
from embedviz.ui.jobs import Job, start
from embedviz.ui.picture import Picture
from embedviz.ui.state import State
from embedviz.ui.store import store
from embedviz.workers.pool import pool
from embedviz.workers.wire import Arrays

#: Up to so many instances the trust of every map is measured unasked: 3 s of another process's time, the picture there.
UNASKED = 4_000


def key(operation: str, picture: Picture) -> Hashable:
    """What the outcome is kept under."""
    return (operation, picture.settings.map_key)


def known(picture: Picture) -> Trust | None:
    """How far the picture's map can be trusted, once that was measured."""
    found: Trust | None = store.get(key("trust", picture))
    return found


def rerolled(picture: Picture) -> Stability | None:
    """What stays of the picture's map under other seeds, once that was found out."""
    found: Stability | None = store.get(key("reroll", picture))
    return found


def ask(operation: str, picture: Picture, session: State) -> Job:
    """The job that finds it out ("trust" or "reroll"), started where none was for this map."""
    job = session.asides.get(operation) if asked(operation, picture, session) else None
    if job is None or (job.finished and job.error is None):  # what is over and no longer kept is made again
        job = start(key(operation, picture), lambda each: _OPERATIONS[operation](picture, each), session.id)
        session.asides[operation] = job
    return job


def asked(operation: str, picture: Picture, session: State) -> bool:
    """Whether the session has asked for it, of this map."""
    job = session.asides.get(operation)
    return job is not None and job.key == key(operation, picture)


def forget_others(picture: Picture, session: State) -> None:
    """Stop what was asked for of another map: nobody looks at that any more."""
    for operation in [operation for operation in session.asides if not asked(operation, picture, session)]:
        session.asides.pop(operation).leave(session.id)


@st.fragment(run_every=0.6)
def waiting(job: Job) -> None:
    """How far a job is, until it is over; then the page is drawn again."""
    if job.finished:
        st.rerun()
    left = f" · about {words.seconds(job.remaining)} left" if job.remaining is not None else ""
    st.caption(f":material/hourglass_top: {job.phase[:1].upper()}{job.phase[1:]}{left} …")


def survival(picture: Picture, session: State) -> None:
    """The line below a map: how many neighbours survive on it, and what that is worth beside PCA and chance."""
    projection = _projection(picture)
    sentence = survive_sentence(projection)
    if not sentence:
        return
    st.markdown(f"**{sentence}** (trustworthiness {projection.trust:.2f})")
    if picture.preview:
        return
    if known(picture) is None and (len(picture.instances) <= UNASKED or asked("trust", picture, session)):
        job = ask("trust", picture, session)
        if not job.finished:
            waiting(job)
    found = known(picture)
    if found is not None:
        st.caption(words.escape(baselines_sentence(projection, found)))


def shares_of(picture: Picture, session: State, way: str) -> Shares | None:
    """What the map shows of its trust, by a choice above it; None while that is not measured, and where it is off."""
    if way == "off" or picture.projection is None or picture.projection.kept is None or picture.preview:
        return None
    if way == "other seeds":
        stability = rerolled(picture)
        return Shares(stability.shares, "under other seeds", "colour") if stability is not None else None
    found = known(picture)
    if found is None:
        ask("trust", picture, session)
        return None
    return Shares(found.shares, "kept neighbours", way)


def point(picture: Picture, place: int) -> PointTrust:
    """The false and missing neighbours of one instance."""
    kept = ("point trust", picture.settings.map_key, place)
    found: PointTrust | None = store.get(kept)
    if found is None:
        value, arrays = _numbers("point_trust", picture, {"place": place})
        found = PointTrust(value["kept"], value["k"], *(_drawn(name, arrays) for name in ("false", "missing")))
        store.put(kept, found, 2000)
    return found


def _numbers(operation: str, picture: Picture, more: dict[str, Any], job: Job | None = None) -> tuple[Any, Arrays]:
    arguments = {"postprocessing": picture.settings.postprocessing, **more}
    arrays = {"vectors": picture.embeddings.vectors, "coordinates": _projection(picture).coordinates}
    if job is None:
        return pool().numbers(operation, arguments, arrays)
    return pool().numbers(operation, arguments, arrays, job.progress, job.stopped)


def _projection(picture: Picture) -> Projection:
    assert picture.projection is not None
    return picture.projection


def _trust(picture: Picture, job: Job) -> None:
    value, arrays = _numbers("trust", picture, {"seed": _projection(picture).seed}, job)
    baselines = {name: Quality(**quality) for name, quality in value["baselines"].items()}
    near, far = (_odd(name, arrays) for name in ("near", "far"))
    found = Trust(Quality(**value["quality"]), baselines, arrays["shares"], near, far, value["note"])
    store.put(key("trust", picture), found, found.shares.nbytes + 5000)


def _reroll(picture: Picture, job: Job) -> None:
    drawn = _projection(picture)
    more = {"method": drawn.method, "parameters": dict(drawn.parameters), "seed": drawn.seed}
    value, arrays = _numbers("reroll", picture, more, job)
    found = Stability(shares=arrays["shares"], **{**value, "seeds": tuple(value["seeds"])})
    store.put(key("reroll", picture), found, found.shares.nbytes + 1000)


_OPERATIONS: dict[str, Callable[[Picture, Job], None]] = {"trust": _trust, "reroll": _reroll}


def _odd(name: str, arrays: Arrays) -> OddPairs:
    return OddPairs(*(arrays[f"{name}_{field}"] for field in ("places", "cosines", "ranks")))


def _drawn(name: str, arrays: Arrays) -> DrawnNeighbours:
    return DrawnNeighbours(*(arrays[f"{name}_{field}"] for field in ("indices", "cosines", "map_ranks", "true_ranks")))
