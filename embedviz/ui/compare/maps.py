"""The maps of several layers side by side, one selection and one colour for all."""

from __future__ import annotations

import streamlit as st

from embedviz.depth import spread
from embedviz.figures.linked import Packed, pack_maps
from embedviz.figures.survival import one_in
from embedviz.projection.aligned import ALIGNMENTS
from embedviz.records import AlignedMaps, Projection
from embedviz.ui import words
from embedviz.ui.compare.made import Compared
from embedviz.ui.linked_maps import linked_maps
from embedviz.ui.point_choice import colour_choice, search
from embedviz.ui.present.adding import add_to_story
from embedviz.ui.present.steps import compare_step
from embedviz.ui.state import State
from embedviz.ui.store import store

#: Maps beside each other.
MOST = 6
#: A rank correlation below this is as good as none.
_MEANS_SOMETHING = 0.2
#: Pixels: of two rows of maps or a large one, and of one row.
_HEIGHT, _LOW = 640, 420
#: What the choice among them is called in the session.
MODE = "compare_mode"
MODES = {
    "maps": ("Side by side", ":material/grid_view:"),
    "trails": ("Trails", ":material/timeline:"),
    "flight": ("Flight", ":material/flight_takeoff:"),
}


def first_shown(compared: Compared) -> tuple[str, ...]:
    """Up to six layers from the first to the last; of two models their last three each."""
    rows, columns = compared.comparing.rows, compared.comparing.columns
    if columns:
        return (*list(rows)[-MOST // 2 :], *list(columns)[-MOST // 2 :])
    return spread(list(rows), MOST)


def section(compared: Compared, session: State) -> None:
    """The controls above the maps, the maps, and how far they can be trusted."""
    st.markdown("## Maps")
    first, second, third = st.columns([3, 2, 2], vertical_alignment="bottom")
    chosen = session.compare
    with first:
        mode = str(
            st.segmented_control(
                "Show",
                list(MODES),
                default=st.session_state.get(MODE, "maps"),
                required=True,
                key=MODE,
                format_func=lambda mode: f"{MODES[mode][1]} {MODES[mode][0]}",
                persist_state="session",
                help="Maps of some layers, the way of chosen instances through all, or one map that changes.",
            )
        )
    instances = compared.comparing.instances
    with second:
        colour = colour_choice(session, instances)
    with third:
        found = search(instances)
    if compared.unmapped:
        st.info(words.escape(compared.unmapped), icon=":material/info:")
        return
    if compared.maps is None:
        st.container(height=480, border=True)
        return
    maps = compared.maps
    if mode == "maps":
        _choose(compared, session)
        if len(chosen.shown) < len(maps.maps):
            st.caption(f"{len(chosen.shown)} of {len(maps.maps)} layers are drawn side by side.")
    linked_maps(
        _packed(compared, maps, colour),
        key="linked_maps",
        mode=mode,
        shown=chosen.shown,
        selected=session.selected,
        focus=session.focus,
        highlighted=found,
        on_select=session.select,
        height=_HEIGHT if mode != "maps" or len(chosen.shown) > 3 else _LOW,
        alt=f"{len(chosen.shown)} maps of {words.count(len(instances), 'instance')}: {', '.join(chosen.shown)}.",
    )
    _caption(maps)
    add_to_story(session.present, lambda: compare_step(compared, maps, session, mode), key="add_compare")


def _packed(compared: Compared, maps: AlignedMaps, colour: str | None) -> Packed:
    """The maps as the browser gets them; of many instances that takes a second, so it is kept."""
    theme = "dark" if st.context.theme.type == "dark" else "light"
    instances = compared.comparing.instances
    key = ("packed", compared.comparing.maps_key, instances.ids, instances.columns.get(colour or ""), theme)
    found: Packed | None = store.get(key)
    if found is None:
        captions = {name: _kept(each) for name, each in maps.maps.items()}
        found = pack_maps(
            maps.maps,
            instances,
            colour=colour,
            theme=theme,
            neighbours=compared.neighbours,
            kept=compared.shares,
            captions=captions,
        )
        store.put(key, found, 2 * len(found.text))
    return found


def _choose(compared: Compared, session: State) -> None:
    """Which of the layers are drawn; trails and flights go through all of them."""
    chosen, names = session.compare, list(compared.comparing.layers)
    if len(names) <= 2:
        return
    key = f"shown_{hash((chosen.shown, tuple(names)))}"

    def choose() -> None:
        picked = st.session_state[key]
        chosen.shown = tuple(name for name in names if name in picked)

    st.multiselect(
        "Maps",
        names,
        default=[name for name in names if name in chosen.shown],
        key=key,
        max_selections=MOST,
        on_change=choose,
        label_visibility="collapsed",
        placeholder=f"Choose up to {MOST} layers",
        help="Which layers are drawn side by side, six at most.",
    )


def _kept(projection: Projection) -> str:
    told = one_in(projection.kept) if projection.kept is not None else ""
    return f"keeps {told} neighbours" if told else ""


def _caption(maps: AlignedMaps) -> None:
    alignment = ALIGNMENTS[maps.alignment]
    st.caption(words.escape(f"{alignment.label}. {alignment.why}"))
    told = []
    if maps.faithfulness is not None and maps.faithfulness < _MEANS_SOMETHING:
        told.append(
            f"With these instances how far one moves hardly goes with how many of its true neighbours change "
            f"(rank correlation {maps.faithfulness:.2f}): movement means little here. Rely on the movers' lists."
        )
    elif maps.faithfulness is not None:
        told.append(
            f"How far an instance moves here goes with how many of its true neighbours change by "
            f"{maps.faithfulness:.2f} (rank correlation; near 0, movement is noise)."
        )
    if maps.drift is not None:
        told.append(f"From map to map, half of them move less than {maps.drift:.2f} of the map's spread.")
    told.append(maps.note)
    st.caption(words.escape(" ".join(part for part in told if part)))
