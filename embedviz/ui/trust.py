"""How far the map shown can be trusted: asked for beside the picture, which never waits for it, and kept."""

from __future__ import annotations

import streamlit as st

from embedviz.figures import Shares
from embedviz.figures.survival import baselines_sentence, survive_sentence
from embedviz.records import DrawnNeighbours, OddPairs, PointTrust, Quality, Stability, Trust
from embedviz.ui import asides, words
from embedviz.ui.jobs import Job
from embedviz.ui.picture import Picture
from embedviz.ui.state import State
from embedviz.ui.store import store
from embedviz.workers.wire import Arrays

#: Up to so many instances the trust of every map is measured unasked: 3 s of another process's time, the picture there.
UNASKED = 4_000


def known(session: State) -> Trust | None:
    """How far the map shown can be trusted, once that was measured."""
    return session.findings.get("trust")


def rerolled(session: State) -> Stability | None:
    """What stays of the map shown under other seeds, once that was found out."""
    return session.findings.get("reroll")


def survival(picture: Picture, session: State) -> None:
    """The line below a map: how many neighbours survive on it, and what that is worth beside PCA and chance."""
    projection = picture.projection
    sentence = survive_sentence(projection) if projection is not None else ""
    if projection is None or not sentence:
        return
    st.markdown(f"**{sentence}** (trustworthiness {projection.trust:.2f})")
    if picture.preview:
        return
    found = known(session)
    if found is not None:
        st.caption(words.escape(baselines_sentence(projection, found)))
    elif len(picture.instances) <= UNASKED or asides.asked("trust", picture, session):
        job = asides.ask("trust", measure, picture, session)
        if job.error is None:
            asides.waiting(job)


def shares_of(picture: Picture, session: State, way: str) -> Shares | None:
    """What the map shows of its trust, by a choice above it; None while that is not measured, and where it is off."""
    if way == "off" or picture.projection is None or picture.projection.kept is None or picture.preview:
        return None
    if way == "other seeds":
        stability = rerolled(session)
        return Shares(stability.shares, "under other seeds", "colour") if stability is not None else None
    found = known(session)
    if found is None:
        asides.ask("trust", measure, picture, session)
        return None
    return Shares(found.shares, "kept neighbours", way)


def measure(picture: Picture, job: Job) -> None:
    """Measure how far the map can be trusted, and keep that."""
    assert picture.projection is not None
    value, arrays = asides.numbers("trust", picture, {"seed": picture.projection.seed}, job)
    baselines = {name: Quality(**quality) for name, quality in value["baselines"].items()}
    near, far = (_odd(name, arrays) for name in ("near", "far"))
    found = Trust(Quality(**value["quality"]), baselines, arrays["shares"], near, far, value["note"])
    store.put(asides.key("trust", picture), found, found.shares.nbytes + 5000)


def reroll(picture: Picture, job: Job) -> None:
    """Draw the map with other seeds, and keep what stays."""
    drawn = picture.projection
    assert drawn is not None
    more = {"method": drawn.method, "parameters": dict(drawn.parameters), "seed": drawn.seed}
    value, arrays = asides.numbers("reroll", picture, more, job)
    found = Stability(shares=arrays["shares"], **{**value, "seeds": tuple(value["seeds"])})
    store.put(asides.key("reroll", picture), found, found.shares.nbytes + 1000)


def point(picture: Picture, place: int) -> PointTrust:
    """The false and missing neighbours of one instance."""
    key = (asides.key("point", picture), place)
    found: PointTrust | None = store.get(key)
    if found is None:
        value, arrays = asides.numbers("point_trust", picture, {"place": place})
        found = PointTrust(value["kept"], value["k"], *(_drawn(name, arrays) for name in ("false", "missing")))
        store.put(key, found, 2000)
    return found


def _odd(name: str, arrays: Arrays) -> OddPairs:
    return OddPairs(*(arrays[f"{name}_{field}"] for field in ("places", "cosines", "ranks")))


def _drawn(name: str, arrays: Arrays) -> DrawnNeighbours:
    return DrawnNeighbours(*(arrays[f"{name}_{field}"] for field in ("indices", "cosines", "map_ranks", "true_ranks")))
