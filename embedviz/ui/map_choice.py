"""The controls above the map: colour, search, and how it is drawn. Drawn from what each method declares."""

from __future__ import annotations

from typing import Any

import streamlit as st

from embedviz.projection import METHODS, Parameter
from embedviz.ui.look import main_button
from embedviz.ui.picture import Picture
from embedviz.ui.settings import MapSettings
from embedviz.ui.state import State

_PLAIN = "one colour"


def map_choice(picture: Picture, session: State) -> tuple[str | None, list[str]]:
    """The column to colour by, and the ids that the search finds."""
    instances = picture.instances
    first, second, third = st.columns([2, 2, 1.2], vertical_alignment="bottom")
    columns = [*instances.columns, _PLAIN]
    default = instances.label if instances.label else _PLAIN
    colour = first.selectbox("Colour", columns, index=columns.index(default), key=f"colour_{hash(tuple(columns))}")
    query = second.text_input("Find", key="find", placeholder="text or label", type="search")
    with third.popover("Map", width="stretch", help="How the map is drawn."):
        _settings(session, len(picture.instances))
    found = _found(picture, query or "")
    if query:
        st.caption(f"{len(found)} of {len(instances)} found" if found else f"Nothing found for “{query[:40]}”.")
    return (None if colour == _PLAIN else colour), found


def _found(picture: Picture, query: str) -> list[str]:
    words = query.casefold().split()
    if not words:
        return []
    instances = picture.instances
    labels = instances.labels or [""] * len(instances)
    return [
        identity
        for identity, item, label in zip(instances.ids, instances.items, labels, strict=True)
        if all(word in f"{item} {label}".casefold() for word in words)
    ]


def _settings(session: State, count: int) -> None:
    now = session.map
    offered = [name for name, method in METHODS.items() if method.fits(count)]
    method = st.segmented_control(
        "Method",
        offered,
        default=now.method if now.method in offered else offered[0],
        required=True,
        format_func=lambda name: METHODS[name].label,
        key="method",
    )
    st.caption(METHODS[str(method)].sentence)
    for each in METHODS.values():
        if not each.fits(count):
            st.caption(f"{each.label} is for up to {each.maximum:,} instances.")
    with st.form(f"map_{method}", border=False):
        dimensions = st.segmented_control(
            "Dimensions", [2, 3], default=now.dimensions, required=True, format_func=lambda n: f"{n}-D"
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
