"""Rows of a table on a page: which instance each is of, and what is chosen among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from embedviz.export.tables import to_csv
from embedviz.records import Instances
from embedviz.ui.picture import Picture
from embedviz.ui.state import State
from embedviz.ui.thumbnails import thumbnails

#: Pixels.
_ROW_HEIGHT, _MOST_HEIGHT = 36, 520


def described(instances: Instances, rows: Sequence[int]) -> dict[str, list[str]]:
    """The columns that say which instance a row is of: its text, or its picture and name."""
    small = thumbnails(instances)
    told = [str(instances.items[row]) for row in rows]
    pictures = {"picture": [small[instances.ids[row]] for row in rows]} if small else {}
    return {**pictures, instances.item_name: told}


def described_pairs(instances: Instances, pairs: Sequence[tuple[int, int]]) -> dict[str, list[str]]:
    """The columns that say which two instances a row is of."""
    small, columns = thumbnails(instances), {}
    for side, name in enumerate(("one", "other")):
        if small:
            columns[f"{name} picture"] = [small[instances.ids[pair[side]]] for pair in pairs]
        columns[name] = [str(instances.items[pair[side]]) for pair in pairs]
    return columns


def with_label(frame: pd.DataFrame, instances: Instances, rows: Sequence[int]) -> pd.DataFrame:
    """The table with the label of each row's instance, where there are labels."""
    if instances.label and instances.labels is not None:
        frame[instances.label] = [instances.labels[row] for row in rows]
    return frame


def row_key(name: str, picture: Picture, *more: object) -> str:
    """A key that is new for other rows, so that a row chosen among the old ones is not taken for a new one's."""
    return f"{name}_{hash((picture.settings.vectors_key, more))}"


def show_rows(
    frame: pd.DataFrame, key: str, alt: str, take: Callable[[list[int]], None], height: int = _MOST_HEIGHT
) -> None:
    """Show a table; ``take`` is called with the row that the person chooses, or none. ``height``: pixels at most."""

    def chosen() -> None:
        event: Any = st.session_state.get(key) or {}
        take([row for row in event.get("selection", {}).get("rows", []) if row < len(frame)])

    cosine = st.column_config.ProgressColumn(format="%.3f", min_value=0.0, max_value=1.0, width=84)
    st.dataframe(
        frame,
        key=key,
        hide_index=True,
        height=min(height, 38 + _ROW_HEIGHT * len(frame)),
        row_height=_ROW_HEIGHT,
        column_config={
            "#": st.column_config.NumberColumn(width=28),
            "cosine": cosine,
            "centred": st.column_config.NumberColumn(format="%.3f", width=56),
            "text": st.column_config.TextColumn(width="medium"),
            "numbers": st.column_config.TextColumn(width="medium"),
            "picture": st.column_config.ImageColumn(width=56),
            "one picture": st.column_config.ImageColumn(width=56),
            "other picture": st.column_config.ImageColumn(width=56),
            "map #": st.column_config.NumberColumn(width=48, help="Its place among the neighbours on the map."),
            "true #": st.column_config.NumberColumn(width=48, help="Its place among the neighbours by cosine."),
            "one": st.column_config.TextColumn(width="small"),
            "other": st.column_config.TextColumn(width="small"),
        },
        on_select=chosen,
        selection_mode="single-row",
        alt=alt,
    )


def download(frame: pd.DataFrame, name: str) -> None:
    """A button for the table as CSV, pictures left out."""
    st.download_button(
        "CSV",
        # Made when it is asked for: very many rows cost nothing until then, and no address of it goes stale.
        lambda: to_csv(frame[[column for column in frame if "picture" not in str(column)]]),
        f"{name}.csv",
        "text/csv",
        key=f"csv_{name}",
        icon=":material/download:",
        on_click="ignore",
    )


def point_at(session: State, pair: Sequence[str]) -> None:
    """Turn to the first of two instances and ring the other; of none, to nothing."""
    if len(session.selected) < 2:
        session.select(tuple(pair[:1]))
    session.focus, session.ringed = next(iter(pair), None), tuple(pair[1:])


def places_of(picture: Picture, session: State) -> list[int]:
    """Positions of the selected instances, or of all."""
    place = {identity: number for number, identity in enumerate(picture.instances.ids)}
    chosen = [place[identity] for identity in session.selected if identity in place]
    return sorted(chosen) if len(chosen) > 1 else list(place.values())
