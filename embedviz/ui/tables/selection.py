"""Which instance the tables are about, by the map or by a list, and by which cosines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from embedviz.records import Instances
from embedviz.ui import words
from embedviz.ui.picture import Picture, nearest
from embedviz.ui.state import State

#: A list of more options takes the browser too long.
_MOST_OPTIONS = 2_000
#: From this mean cosine on, raw cosines hide the differences and centred ones are shown beside them.
CROWDED = 0.5


def forget_gone(session: State) -> None:
    """Drop selected ids that are no longer among the instances asked for."""
    there = set(session.instances.ids) if session.instances is not None else set()
    session.selected = tuple(identity for identity in session.selected if identity in there)
    session.ringed = tuple(identity for identity in session.ringed if identity in there)
    if session.focus not in there:
        session.focus = next(iter(session.selected), None)


def nearest_ids(picture: Picture, identity: str, most: int) -> list[str]:
    """Ids of an instance's true nearest neighbours, by the cosines the map was made of."""
    ids = picture.instances.ids
    if identity not in ids:
        return []
    name = picture.settings.postprocessing.replace("l2", "none")
    row, _ = nearest(picture, ids.index(identity), name)
    return [ids[place] for place in row[:most] if place >= 0]


def selection(picture: Picture, session: State) -> None:
    """The chosen instance, by map or by list, and the group it was chosen with."""
    group = len(session.selected) > 1

    def choose(identity: str | None) -> None:
        if group:
            session.focus, session.ringed = identity, ()
        else:
            session.select((identity,) if identity else ())

    choose_one(
        picture.instances,
        session.focus,
        choose,
        label=f"{len(session.selected)} selected" if group else "Instance",
        among=session.selected if group else (),
    )
    if session.selected and st.button("Clear the selection", key="clear", icon=":material/close:", type="tertiary"):
        session.select(())
        st.rerun(scope="fragment")


def choose_one(
    instances: Instances,
    now: str | None,
    choose: Callable[[str | None], None],
    *,
    label: str = "Instance",
    key: str = "focus",
    among: Sequence[str] = (),
    help: str = "The tables are about this one; its true neighbours are joined to it on the map.",
) -> None:
    """A list of the instances, or of ``among``; ``choose`` is called with the id of another one than ``now``."""
    texts = dict(zip(instances.ids, instances.items, strict=True))
    options = list(among) or list(instances.ids[:_MOST_OPTIONS])
    if now is not None and now not in options and now in texts:
        options.insert(0, now)
    # A new key for each choice that came from elsewhere; and a list may tell, late, what it was drawn with.
    shown = now if now in options else None
    key = f"{key}_{hash((shown, tuple(options)))}"

    def chosen() -> None:
        if st.session_state[key] != shown:
            choose(st.session_state[key])

    more = f" The first {_MOST_OPTIONS:,} of {len(instances):,}; any other by a click on the map."
    st.selectbox(
        label,
        options,
        index=options.index(shown) if shown is not None else None,
        key=key,
        format_func=lambda identity: words.shorten(str(texts.get(identity, identity)), 90),
        placeholder="Click a point, or choose here",
        help=help + (more if len(instances) > len(options) else ""),
        on_change=chosen,
    )


def cosine_choice(picture: Picture, view: str) -> str:
    """Which cosines the tables show: "none" (raw) or those of a post-processing."""
    names = {"none": "raw", "centred": "centred", "standardised": "standardised"}
    drawn = picture.settings.postprocessing.replace("l2", "none")
    crowding = picture.similarity["none"].crowding
    if view in ("Table", "Trust"):  # the one shows no cosines, the other those that the map was drawn of
        return drawn
    kind = st.segmented_control(
        "Cosines",
        list(picture.similarity),
        default=drawn,
        required=True,
        format_func=lambda name: names.get(name, name),
        key=f"cosines_{drawn}",
        help="Raw cosines compare the vectors as they are. Centred ones first take away what all have in common.",
    )
    if crowding is not None:
        told = f"Mean cosine of all pairs: {crowding:.2f} raw"
        centred = picture.similarity["centred"].crowding
        # Adding zero turns "-0.00" into "0.00".
        told += f", {round(centred, 2) + 0.0:.2f} centred." if centred is not None else "."
        if crowded(picture):
            told += " All vectors share one direction here, so raw cosines are all high; centred ones tell more."
        elif crowding > CROWDED:
            told += f" {sum(picture.instances.duplicates):,} instances repeat another, which raises it."
        st.caption(told)
    return str(kind or drawn)


def crowded(picture: Picture) -> bool:
    """Whether raw cosines are all so high that centred ones should stand beside them; repeated instances apart."""
    repeated = 2 * sum(picture.instances.duplicates) >= len(picture.instances)
    return (picture.similarity["none"].crowding or 0) > CROWDED and not repeated
