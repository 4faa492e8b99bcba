"""The instance through the layers: who is near to it in each, and how it stands to one other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from embedviz.figures.depth import depth_curve
from embedviz.figures.frame import CONFIG
from embedviz.records import Curve, Landing
from embedviz.ui import words
from embedviz.ui.compare.made import Compared
from embedviz.ui.instance.landed import cosines_with, landings
from embedviz.ui.instance.near import Near, partner_of
from embedviz.ui.instance.one import One
from embedviz.ui.state import State
from embedviz.ui.tables.rows import download
from embedviz.ui.tables.selection import choose_one

#: Neighbours that are named in each layer, and those that are counted as kept from one layer to the next.
_NAMED, _COUNTED = 3, 10


def section(one: One, near: Near, session: State, compared: Compared) -> None:
    """A row a layer, and a curve of the cosine with the partner."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _table(one, compared)
    with right:
        _partner(one, near, session, compared)


def _table(one: One, compared: Compared) -> None:
    instances = compared.comparing.instances
    rows, before = [], None
    for name, found in landings(one, compared).items():
        places, cosines = _others(found, one, instances.ids)
        kept = "" if before is None else f"{len(before & set(places[:_COUNTED]))} of {len(places[:_COUNTED])}"
        told = [f"{cosine:.2f}  {instances.items[place]}" for place, cosine in zip(places, cosines, strict=True)]
        nearest = {f"{_NTH[rank]}": told[rank] if rank < len(told) else "" for rank in range(_NAMED)}
        rows.append({"layer": name, "kept": kept, **nearest})
        before = set(places[:_COUNTED])
    st.markdown("**Nearest, layer by layer**")
    frame = pd.DataFrame(rows)
    st.dataframe(
        frame,
        hide_index=True,
        column_config={
            "layer": st.column_config.TextColumn(width=120),
            "kept": st.column_config.TextColumn(
                width=64, help=f"How many of its {_COUNTED} nearest it still has from the layer above in this table."
            ),
        },
        alt="The nearest neighbours of the instance in each layer, with their cosines",
    )
    which = compared.comparing.postprocessing.replace("none", "raw")
    st.caption(f"Cosines of {which} vectors, as on the Compare page: raw ones of different layers do not compare.")
    download(frame, "through-the-layers")


_NTH = ("nearest", "second", "third")


def _others(found: Landing, one: One, ids: tuple[str, ...]) -> tuple[list[int], list[float]]:
    """Places and cosines of the nearest, without the instance itself where it is one of the set."""
    pairs = zip(found.indices[0].tolist(), found.cosines[0].tolist(), strict=True)
    kept = [(place, cosine) for place, cosine in pairs if place >= 0 and ids[place] != one.id]
    return [place for place, _ in kept], [cosine for _, cosine in kept]


def _partner(one: One, near: Near, session: State, compared: Compared) -> None:
    instances = one.picture.instances
    place = partner_of(one, near, session)

    def choose(identity: str | None) -> None:
        session.looked.partner = identity

    st.markdown("**Compared with one other**")
    choose_one(
        instances,
        None if place is None else instances.ids[place],
        choose,
        label="Partner",
        key="look_partner",
        help="Whose cosine with the instance is followed through the layers; a row of the table above chooses it too.",
    )
    if place is None or instances.ids[place] not in compared.comparing.instances.ids:
        st.caption("Choose one of the instances that the layers are compared on.")
        return
    values = cosines_with(one, compared, instances.ids[place])
    known = {name: value for name, value in values.items() if np.isfinite(value)}
    if not known:
        st.caption("One of the two has no direction in any layer.")
        return
    names = list(values)
    told = _reading(known)
    st.plotly_chart(
        depth_curve(
            [("", names, Curve(np.array(list(values.values()), dtype=np.float64)))],
            theme="dark" if st.context.theme.type == "dark" else "light",
            height=230,
        ),
        key="look_curve",
        config={**CONFIG, "displayModeBar": False},
        theme=None,
        alt=told,
    )
    st.caption(words.escape(told))


def _reading(values: dict[str, float]) -> str:
    names = list(values)
    top, low = max(names, key=lambda name: values[name]), min(names, key=lambda name: values[name])
    first, last = values[names[0]], values[names[-1]]
    return (
        f"Cosine with the partner: {first:.2f} at {names[0]}, {last:.2f} at {names[-1]}; "
        f"highest at {top} ({values[top]:.2f}), lowest at {low} ({values[low]:.2f})."
    )
