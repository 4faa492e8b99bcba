"""The controls above the map: colour, search, and how it is drawn. Drawn from what each method declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from embedviz.projection import METHODS, Parameter
from embedviz.ui.group_columns import GROUP_COLUMNS
from embedviz.ui.look import main_button
from embedviz.ui.picture import Picture
from embedviz.ui.point_choice import colour_choice, search
from embedviz.ui.settings import MapSettings
from embedviz.ui.state import State
from embedviz.ui.trust import rerolled

#: How the map shows which of its points are to be trusted; the last one once other seeds were drawn.
TRUST = {
    "off": "Every point looks as sure as any other.",
    "opacity": "A point fades where few of its true neighbours are beside it.",
    "colour": "A point's colour says how many of its true neighbours are beside it.",
    "other seeds": "A point's colour says how many of its neighbours here are its neighbours under other seeds.",
}


@dataclass(frozen=True)
class MapChoice:
    """What was chosen: a column of the instances or of ``GROUP_COLUMNS``, what the search finds, one of ``TRUST``."""

    colour: str | None
    found: list[str]
    trust: str


def map_choice(picture: Picture, session: State) -> MapChoice:
    """What stands above the map, and what the person chose there."""
    instances = picture.instances
    first, second, third, fourth = st.columns([3, 3, 2, 1.4], vertical_alignment="bottom", gap="small")
    offered = GROUP_COLUMNS if picture.projection is not None and not picture.preview else {}
    with first:
        colour = colour_choice(session, instances, offered)
    with second:
        found = search(instances)
    trust = _trust(picture, session, third)
    with fourth.popover("Map", width="stretch", help="How the map is drawn."):
        _settings(session, len(picture.instances))
    return MapChoice(colour, found, trust)


def _trust(picture: Picture, session: State, place: DeltaGenerator) -> str:
    stability = rerolled(session)
    seeds = stability is not None and not stability.fixed and stability.stays is not None
    options = [name for name in TRUST if seeds or name != "other seeds"]
    return str(
        place.selectbox(
            "Trust",
            options,
            # Under one key for either list, or drawing other seeds would switch it off.
            key="trust",
            disabled=picture.projection is None or picture.projection.kept is None or picture.preview,
            help="Shows which points have their true neighbours beside them. " + " ".join(TRUST.values()),
        )
    )


def _settings(session: State, count: int) -> None:
    now = session.map
    offered = [name for name, method in METHODS.items() if method.fits(count)]
    method = st.segmented_control(
        "Method",
        offered,
        default=now.method if now.method in offered else offered[0],
        required=True,
        format_func=lambda name: METHODS[name].label,
        key=session.key("method"),
        help="How the vectors are drawn. UMAP shows groups, PCA large distances, t-SNE close company.",
    )
    st.caption(METHODS[str(method)].sentence)
    for each in METHODS.values():
        if not each.fits(count):
            st.caption(f"{each.label} is for up to {each.maximum:,} instances.")
    with st.form(f"map_{method}", border=False):
        dimensions = st.segmented_control(
            "Dimensions",
            [2, 3],
            default=now.dimensions,
            required=True,
            format_func=lambda n: f"{n}-D",
            help="A flat map is read more easily; a third dimension keeps more, and can be turned.",
        )
        chosen = dict(now.parameters) if method == now.method else {}
        parameters = {
            parameter.name: _control(parameter, chosen.get(parameter.name, parameter.default))
            for parameter in METHODS[str(method)].parameters
        }
        seed = st.number_input(
            "Seed", 0, 2**32 - 1, now.seed, help="Another number gives another picture; what stays can be trusted more."
        )
        drawn = st.form_submit_button("Draw", type=main_button(), width="stretch")
    if drawn:
        session.map = MapSettings(str(method), int(dimensions or 2), int(seed), tuple(parameters.items()))
        st.rerun()


def _control(parameter: Parameter, value: Any) -> Any:
    if parameter.choices:
        return st.selectbox(
            parameter.label, parameter.choices, index=parameter.choices.index(value), help=parameter.sentence
        )
    # Streamlit wants all of a slider's numbers to be of one kind.
    numbers: list[Any] = [parameter.minimum, parameter.maximum, value, parameter.step]
    kind = int if all(float(number).is_integer() for number in numbers) else float
    low, high, now, step = map(kind, numbers)
    return st.slider(parameter.label, low, high, now, step, help=parameter.sentence)
