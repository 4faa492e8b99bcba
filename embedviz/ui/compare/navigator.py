"""Layer by layer: how alike, by which measure. A cell opens its two layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from embedviz.comparison import MEASURES
from embedviz.figures.frame import CONFIG
from embedviz.figures.navigator import navigator
from embedviz.records import Agreement
from embedviz.ui import words
from embedviz.ui.compare.chosen import Chosen
from embedviz.ui.compare.made import Compared
from embedviz.ui.compare.maps import MODE, MODES
from embedviz.ui.state import State


def section(compared: Compared, session: State) -> None:
    """The heatmap and what it means."""
    chosen, comparison = session.compare, compared.comparison
    names = list(comparison.agreements)
    chosen.measure = chosen.measure if chosen.measure in names else names[0]
    measure = str(
        st.segmented_control(
            "How alike",
            names,
            default=chosen.measure,
            required=True,
            key="compare_measure",
            format_func=lambda name: MEASURES[name].label,
            persist_state="session",
            help="The measure in the cells. The sentence below says what it means.",
        )
    )
    chosen.measure = measure
    agreement = comparison.agreements[measure]
    st.caption(words.escape(MEASURES[measure].sentence))
    if agreement.why_not:
        st.info(words.escape(agreement.why_not), icon=":material/info:")
    else:
        _heatmap(compared, session, agreement)


def _heatmap(compared: Compared, session: State, agreement: Agreement) -> None:
    comparison, chosen = compared.comparison, session.compare
    theme = "dark" if st.context.theme.type == "dark" else "light"
    figure = navigator(
        agreement,
        comparison.rows,
        comparison.columns,
        chosen=chosen.pair,
        models=compared.comparing.models,
        theme=theme,
    )
    key = f"navigator_{hash((compared.comparing.key, chosen.measure))}"

    def choose() -> None:
        event: Any = st.session_state.get(key) or {}
        for point in event.get("selection", {}).get("points", [])[:1]:
            custom = point["customdata"]
            pair = (custom["0"], custom["1"]) if isinstance(custom, dict) else (custom[0], custom[1])
            _open(chosen, str(pair[0]), str(pair[1]))

    st.plotly_chart(
        figure,
        key=key,
        on_select=choose,
        selection_mode="points",
        config={**CONFIG, "displayModeBar": False},
        theme=None,
        alt=_told(agreement, comparison.rows, comparison.columns),
    )
    parts = [agreement.note]
    if agreement.chance is not None:
        parts.insert(0, f"Layers that have nothing to do with each other would get {agreement.chance:.2f}.")
    st.caption(" ".join(words.escape(part) for part in parts if part))


def _open(chosen: Chosen, one: str, other: str) -> None:
    """Turn to two layers, side by side. Called before the page is drawn."""
    chosen.open_pair(one, other)
    st.session_state[MODE] = next(iter(MODES))


def _told(agreement: Agreement, rows: tuple[str, ...], columns: tuple[str, ...]) -> str:
    apart = np.array([[row != column for column in columns] for row in rows]) & np.isfinite(agreement.values)
    if not apart.any():
        return f"Table of {len(rows)} by {len(columns)} layers."
    values = np.where(apart, agreement.values, np.nan)
    low, high = (np.unravel_index(place, values.shape) for place in (np.nanargmin(values), np.nanargmax(values)))
    return (
        f"How alike {len(rows)} by {len(columns)} layers are: most, {values[high]:.2f}, {rows[high[0]]} and "
        f"{columns[high[1]]}; least, {values[low]:.2f}, {rows[low[0]]} and {columns[low[1]]}."
    )


def pair(compared: Compared, session: State) -> None:
    """The pair that is looked at, as two lists, and its number with its interval."""
    chosen, comparison = session.compare, compared.comparison
    agreement = comparison.agreements[chosen.measure]
    assert chosen.pair is not None
    shown = chosen.pair
    for side, names, at in (("One layer", comparison.rows, 0), ("The other", comparison.columns, 1)):
        key = f"pair_{at}_{hash((shown, names))}"

        def choose(key: str = key, at: int = at) -> None:
            name = st.session_state[key]
            if name != shown[at]:
                _open(chosen, *((name, shown[1]) if at == 0 else (shown[0], name)))

        st.selectbox(
            side,
            names,
            index=names.index(shown[at]),
            key=key,
            on_change=choose,
            help="The layer on this side of the comparison; a click on a cell chooses both.",
        )
    row, place = comparison.rows.index(shown[0]), comparison.columns.index(shown[1])
    value, low, high = (float(array[row, place]) for array in (agreement.values, agreement.low, agreement.high))
    if np.isfinite(value) and not agreement.why_not:
        label = MEASURES[chosen.measure].label
        interval = f" (95 % between {low:.2f} and {high:.2f})" if np.isfinite([low, high]).all() and low < high else ""
        st.markdown(f"{words.escape(label)}: **{value:.2f}**{interval}")
