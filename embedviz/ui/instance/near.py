"""Who is nearest to the instance, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from embedviz.records import FloatArray
from embedviz.ui import words
from embedviz.ui.instance.landed import landing
from embedviz.ui.instance.one import One
from embedviz.ui.picture import nearest
from embedviz.ui.state import State
from embedviz.ui.tables.rows import described, download, row_key, show_rows, with_label


@dataclass(frozen=True, eq=False)
class Near:
    """Places in the set, nearest first, and their cosines."""

    places: tuple[int, ...]
    cosines: FloatArray


def near_of(one: One) -> Near:
    """The true neighbours by the cosines that the map was drawn of; none of a vector without a direction."""
    picture = one.picture
    if one.place is not None:
        places, cosines = nearest(picture, one.place, picture.settings.postprocessing.replace("l2", "none"))
    else:
        found = landing(one)
        if found is None:
            return Near((), np.zeros(0, dtype=np.float32))
        places, cosines = found.indices[0], found.cosines[0]
    known = tuple(int(place) for place in places if place >= 0)
    return Near(known, cosines[: len(known)])


def section(one: One, near: Near, session: State) -> None:
    """The table of the nearest; a row chosen in it becomes the partner that the instance is compared with."""
    instances = one.picture.instances
    st.markdown(f"**Nearest to “{words.escape(words.shorten(one.text, 120))}”**")
    if not near.places:
        st.info("Its vector has no direction, or there is no other instance: there is nobody to be near to.")
        return
    st.caption(f"At {words.escape(one.settings.layer or 'the whole model')}, exactly.")
    rows = list(near.places)
    frame = pd.DataFrame({"#": range(1, len(rows) + 1), "cosine": near.cosines, **described(instances, rows)})
    frame = with_label(frame, instances, rows)

    def compare_with(chosen: list[int]) -> None:
        session.looked.partner = instances.ids[rows[chosen[0]]] if chosen else None

    key = row_key("look_near", one.picture, one.id, one.text)
    show_rows(frame, key, "The nearest neighbours of the instance", compare_with, height=430)
    download(frame, "nearest")


def partner_of(one: One, near: Near, session: State) -> int | None:
    """The place of the one that it is compared with: the chosen one, else its nearest."""
    ids = one.picture.instances.ids
    if session.looked.partner in ids and session.looked.partner != one.id:
        return ids.index(str(session.looked.partner))
    return near.places[0] if near.places else None
