"""Where the map misleads: about one instance, about pairs, and by its seed alone."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from embedviz.figures.survival import stays_sentence
from embedviz.records import DrawnNeighbours, OddPairs
from embedviz.ui import asides, words
from embedviz.ui import trust as about
from embedviz.ui.picture import Picture
from embedviz.ui.state import State
from embedviz.ui.tables.rows import described, described_pairs, point_at, row_key, show_rows, with_label

#: Pixels of each of two tables, one above the other.
_HEIGHT = 254


def trust(picture: Picture, session: State, _kind: str) -> None:
    """What the map gets wrong, in the part that the person chooses."""
    if picture.projection is None or picture.preview:
        st.info("There is no map of these instances." if picture.projection is None else "The map is being drawn.")
        return
    part = st.segmented_control(
        "Where it misleads",
        list(_PARTS),
        default="One point",
        required=True,
        key="trust_part",
        help="Neighbours that the map invents, those that it hides, and what other seeds would change.",
    )
    _PARTS[str(part)](picture, session)


def _point(picture: Picture, session: State) -> None:
    """The false and the missing neighbours of the instance in focus."""
    instances = picture.instances
    if session.focus is None or session.focus not in instances.ids:
        st.markdown("Click a point on the map, or choose an instance above, to see which of its neighbours are real.")
        return
    place = instances.ids.index(session.focus)
    found = about.point(picture, place)
    if not found.k:
        st.info("This instance has no place on the map, or there are too few others to say.")
        return
    name = words.escape(words.shorten(str(instances.items[place]), 100))
    st.markdown(f"“{name}” keeps **{found.kept} of its {found.k}** nearest neighbours on this map.")
    st.caption("Beside it on the map only, the nearest there first:")
    _neighbours(picture, session, found.false, "false")
    st.caption("Near to it in truth, drawn elsewhere, the nearest first:")
    _neighbours(picture, session, found.missing, "missing")


def _neighbours(picture: Picture, session: State, some: DrawnNeighbours, name: str) -> None:
    instances, rows = picture.instances, some.indices.tolist()
    if not rows:
        st.markdown("None on this map.")
        return
    ranks = {"map #": some.map_ranks, "true #": some.true_ranks}
    frame = pd.DataFrame({"cosine": some.cosines, **ranks, **described(instances, rows)})

    def ring(chosen: list[int]) -> None:
        session.ringed = tuple(instances.ids[rows[row]] for row in chosen)

    key = row_key(f"trust_{name}", picture, picture.settings.map, session.focus)
    show_rows(with_label(frame, instances, rows), key, f"The {name} neighbours of the instance", ring, _HEIGHT)


def _pairs(picture: Picture, session: State) -> None:
    """The pairs about which the map and the cosines disagree most."""
    found = about.known(session)
    if found is None:
        asides.await_it("trust", about.measure, picture, session)
        return
    if found.quality.trust is None:
        st.info(found.note)
        return
    k = found.quality.k
    if found.note:
        st.caption(found.note)
    st.markdown("**Near on the map, strangers in truth**")
    st.caption(f"Each is among the other's {k} nearest on the map; in truth neither is (true # says at which place).")
    _odd(picture, session, found.near, "true #")
    st.markdown("**Far apart on the map, yet each other's nearest**")
    st.caption("Nobody is more like the one than the other is; map # says how many are drawn nearer.")
    _odd(picture, session, found.far, "map #")


def _odd(picture: Picture, session: State, pairs: OddPairs, where: str) -> None:
    if not len(pairs):
        st.markdown("None on this map.")
        return
    places = [(int(one), int(other)) for one, other in pairs.places]
    columns = {"cosine": pairs.cosines, where: pairs.ranks}
    frame = pd.DataFrame({**columns, **described_pairs(picture.instances, places)})

    def ring(chosen: list[int]) -> None:
        point_at(session, [picture.instances.ids[place] for place in (places[chosen[0]] if chosen else ())])

    key = row_key("odd", picture, picture.settings.map, where)
    show_rows(frame, key, "Pairs that the map contradicts, with their cosines", ring, _HEIGHT)


def _seeds(picture: Picture, session: State) -> None:
    """What stays of the map under other seeds, found out at the press of a button."""
    found = about.rerolled(session)
    if found is not None:
        st.markdown(f"**{stays_sentence(found)}**")
        if not found.fixed and found.stays is not None:
            st.caption("“other seeds” under Trust, above the map, colours each point by it.")
        return
    if asides.asked("reroll", picture, session):
        asides.await_it("reroll", about.reroll, picture, session)
        return
    st.markdown("A map is drawn from a number, its seed. Where it says something, other seeds say the same.")
    st.button(
        "Draw it with three other seeds",
        key="reroll",
        icon=":material/casino:",
        on_click=_begin,
        args=(picture, session),
    )
    st.caption("This takes about three times as long as the map did, and leaves the map as it is.")


def _begin(picture: Picture, session: State) -> None:
    asides.ask("reroll", about.reroll, picture, session)


_PARTS: dict[str, Callable[[Picture, State], None]] = {"One point": _point, "Pairs": _pairs, "Other seeds": _seeds}
