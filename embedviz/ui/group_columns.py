"""Groups as columns to colour by, found when one of them is chosen."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from embedviz.groups import Groups
from embedviz.records import Instances
from embedviz.ui import asides, words
from embedviz.ui.jobs import Job
from embedviz.ui.picture import Picture
from embedviz.ui.state import State
from embedviz.ui.store import store
from embedviz.workers.items import pack

#: What the Colour control offers, and the operation that makes it.
GROUP_COLUMNS = {"groups (from the vectors)": "groups", "islands (from the map)": "islands"}


def with_groups(picture: Picture, colour: str | None, session: State) -> tuple[Instances, str | None]:
    """The instances with the column to colour by; no colour while its groups are not found."""
    instances = picture.instances
    if colour is None or colour in instances.columns:
        return instances, colour
    found: Groups | None = session.findings.get(GROUP_COLUMNS[colour])
    if found is None:
        return instances, None
    # A number before each, since two groups may have one name.
    names = [f"{number}. {name}" for number, name in enumerate(found.names, 1)]
    column = tuple(names[group] if group >= 0 else None for group in found.of)
    return replace(instances, columns={**instances.columns, colour: column}), colour


def about_groups(picture: Picture, colour: str | None, session: State) -> None:
    """Where the groups that colour the map come from; how far the search for them is, or why there are none."""
    if colour is None or colour in picture.instances.columns:
        return
    operation = GROUP_COLUMNS[colour]
    found: Groups | None = session.findings.get(operation)
    if found is not None:
        st.caption(f":material/category: {words.escape(found.source)}")
    else:
        asides.await_it(operation, _MAKE[operation], picture, session)


def _make(operation: str, picture: Picture, job: Job) -> None:
    told, packed = pack(picture.instances.items, picture.instances.modality)
    value, arrays = asides.numbers(operation, picture, {"items": told}, job, packed)
    found = Groups(arrays["of"], tuple(value["names"]), tuple(value["medoids"]), value["source"])
    store.put(asides.key(operation, picture), found, found.of.nbytes + 5000)


_MAKE: dict[str, asides.Make] = {
    "groups": lambda picture, job: _make("groups", picture, job),
    "islands": lambda picture, job: _make("islands", picture, job),
}
