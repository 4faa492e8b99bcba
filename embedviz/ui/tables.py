"""Beside the map: neighbours, pairs, the whole matrix and the instances themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from embedviz.export.tables import to_csv
from embedviz.figures import CONFIG, describe_matrix, heatmap
from embedviz.records import Instances
from embedviz.similarity import cosine_similarity, pairs
from embedviz.ui import words
from embedviz.ui.picture import Picture, Similarity, matrix, nearest
from embedviz.ui.state import State
from embedviz.ui.thumbnails import thumbnails
from embedviz.vectors import postprocess

_VIEWS = ("Neighbours", "Pairs", "Matrix", "Table")
#: A heatmap of more instances has cells too small to tell apart.
_MOST_IN_MATRIX = 300
_MOST_ROWS = 1_000
#: A list of more options takes the browser too long.
_MOST_OPTIONS = 2_000
#: Pixels.
_ROW_HEIGHT = 36
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


def beside(picture: Picture, session: State) -> None:
    """The tables for what is selected."""
    _selection(picture, session)
    view = st.segmented_control(
        "Table", _VIEWS, default=_VIEWS[0], required=True, key="view", label_visibility="collapsed", width="stretch"
    )
    kind = _cosines(picture, str(view))
    if view == "Pairs":
        _pairs(picture, session, kind)
    elif view == "Matrix":
        _matrix(picture, session, kind)
    elif view == "Table":
        _table(picture, session)
    else:
        _neighbours(picture, session, kind)


def _selection(picture: Picture, session: State) -> None:
    """The chosen instance, by map or by list, and the group it was chosen with."""
    instances = picture.instances
    texts = dict(zip(instances.ids, instances.items, strict=True))
    group = len(session.selected) > 1
    options = list(session.selected) if group else list(instances.ids[:_MOST_OPTIONS])
    if session.focus is not None and session.focus not in options and session.focus in texts:
        options.insert(0, session.focus)
    # A new key for each focus that came from elsewhere; and a list may tell, late, what it was drawn with.
    shown = session.focus if session.focus in options else None
    key = f"focus_{hash((shown, tuple(options)))}"

    def choose() -> None:
        identity = st.session_state[key]
        if identity == shown:
            return
        if group:
            session.focus, session.ringed = identity, ()
        else:
            session.select((identity,) if identity else ())

    st.selectbox(
        f"{len(session.selected)} selected" if group else "Instance",
        options,
        index=options.index(shown) if shown is not None else None,
        key=key,
        format_func=lambda identity: words.shorten(str(texts.get(identity, identity)), 90),
        placeholder="Click a point, or choose here",
        help=f"The first {_MOST_OPTIONS:,} of {len(instances):,}; any other by a click on the map."
        if len(instances) > len(options)
        else None,
        on_change=choose,
    )
    if session.selected and st.button("Clear the selection", key="clear", icon=":material/close:", type="tertiary"):
        session.select(())
        st.rerun(scope="fragment")


def _cosines(picture: Picture, view: str) -> str:
    """Which cosines the tables show: "none" (raw) or those of a post-processing."""
    names = {"none": "raw", "centred": "centred", "standardised": "standardised"}
    drawn = picture.settings.postprocessing.replace("l2", "none")
    crowding = picture.similarity["none"].crowding
    if view == "Table":
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
        if crowding > CROWDED:
            told += " All vectors share one direction here, so raw cosines are all high; centred ones tell more."
        st.caption(told)
    return str(kind or drawn)


def _neighbours(picture: Picture, session: State, kind: str) -> None:
    if session.focus is None:
        st.markdown("**Who is most like whom?**")
        st.markdown("Click a point on the map, or choose an instance above, to list its nearest neighbours.")
        return
    instances, similarity = picture.instances, picture.similarity[kind]
    if session.focus not in instances.ids:
        st.info("This instance is not on the map yet.")
        return
    place = instances.ids.index(session.focus)
    if place in similarity.undefined:
        st.info("This instance's vector has length 0: it has no direction, so no cosine to any other is defined.")
        return
    places, cosines = nearest(picture, place, kind)
    rows = [int(other) for other in places if other >= 0]
    if not rows:
        st.info("There is only one instance. Add another to compare it with.")
        return
    frame = pd.DataFrame(
        {
            "#": range(1, len(rows) + 1),
            "cosine": cosines[: len(rows)],
            **_described(instances, rows),
        }
    )
    frame = _with_label(frame, instances, rows)
    if _crowded(picture) and kind == "none":
        frame.insert(2, "centred", _centred(picture, place, rows))
    st.caption(f"Nearest to: “{words.escape(words.shorten(str(instances.items[place]), 160))}”")

    def ring(chosen: list[int]) -> None:
        session.ringed = tuple(instances.ids[rows[row]] for row in chosen)

    _rows(frame, _key("neighbours", picture, session.focus), "The nearest neighbours of the chosen instance", ring)
    _download(frame, "neighbours")


def _described(instances: Instances, rows: Sequence[int]) -> dict[str, list[str]]:
    """The columns that say which instance a row is of: its text, or its picture and name."""
    small = thumbnails(instances)
    told = [str(instances.items[row]) for row in rows]
    pictures = {"picture": [small[instances.ids[row]] for row in rows]} if small else {}
    return {**pictures, instances.item_name: told}


def _crowded(picture: Picture) -> bool:
    return (picture.similarity["none"].crowding or 0) > CROWDED


def _centred(picture: Picture, place: int, rows: Sequence[int]) -> Any:
    vectors = postprocess(picture.embeddings, "centred").vectors[[place, *rows]]
    return cosine_similarity(vectors)[0, 1:]


def _with_label(frame: pd.DataFrame, instances: Instances, rows: Sequence[int]) -> pd.DataFrame:
    if instances.label and instances.labels is not None:
        frame[instances.label] = [instances.labels[row] for row in rows]
    return frame


def _key(name: str, picture: Picture, *more: object) -> str:
    """A key that is new for other rows, so that a row chosen among the old ones is not taken for a new one's."""
    return f"{name}_{hash((picture.settings.vectors_key, more))}"


def _rows(frame: pd.DataFrame, key: str, alt: str, take: Callable[[list[int]], None]) -> None:
    """Show a table; ``take`` is called with the row that the person chooses, or none."""

    def chosen() -> None:
        event: Any = st.session_state.get(key) or {}
        take([row for row in event.get("selection", {}).get("rows", []) if row < len(frame)])

    cosine = st.column_config.ProgressColumn(format="%.3f", min_value=0.0, max_value=1.0, width=84)
    st.dataframe(
        frame,
        key=key,
        hide_index=True,
        height=min(520, 38 + _ROW_HEIGHT * len(frame)),
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
            "one": st.column_config.TextColumn(width="small"),
            "other": st.column_config.TextColumn(width="small"),
        },
        on_select=chosen,
        selection_mode="single-row",
        alt=alt,
    )


def _download(frame: pd.DataFrame, name: str) -> None:
    st.download_button(
        "CSV",
        to_csv(frame[[column for column in frame if "picture" not in str(column)]]),
        f"{name}.csv",
        "text/csv",
        key=f"csv_{name}",
        icon=":material/download:",
        on_click="ignore",
    )


def _pairs(picture: Picture, session: State, kind: str) -> None:
    end = st.segmented_control("Which pairs", ["Most similar", "Least similar"], default="Most similar", required=True)
    places, cosines = _extremes(picture, session, kind, most=end == "Most similar")
    if not len(places):
        st.info("A pair needs two instances. Add another sentence.")
        return
    items = picture.instances.items
    small, ids = thumbnails(picture.instances), picture.instances.ids
    columns: dict[str, Any] = {"cosine": cosines}
    for side, name in enumerate(("one", "other")):
        if small:
            columns[f"{name} picture"] = [small[ids[pair[side]]] for pair in places]
        columns[name] = [str(items[pair[side]]) for pair in places]
    frame = pd.DataFrame(columns)

    def ring(chosen: list[int]) -> None:
        pair = [picture.instances.ids[place] for place in (places[chosen[0]] if chosen else ())]
        if len(session.selected) < 2:
            session.select(tuple(pair[:1]))
        session.focus, session.ringed = next(iter(pair), None), tuple(pair[1:])

    compared = picture.similarity[kind].compared
    if len(session.selected) < 2 and compared < len(picture.instances):
        st.caption(f"Among {compared:,} of the {len(picture.instances):,} instances, drawn at random.")
    key = _key("pairs", picture, end, kind, session.selected if len(session.selected) > 1 else ())
    _rows(frame, key, f"The {str(end).lower()} pairs", ring)
    _download(frame, "pairs")


def _extremes(picture: Picture, session: State, kind: str, *, most: bool) -> tuple[list[tuple[int, int]], list[float]]:
    if len(session.selected) > 1:
        chosen = _places(picture, session)
        vectors = postprocess(picture.embeddings, kind).vectors[chosen]
        found = pairs(vectors, k=50)
        listed = found.most if most else found.least
        return [(chosen[pair.i], chosen[pair.j]) for pair in listed], [pair.cosine for pair in listed]
    similarity: Similarity = picture.similarity[kind]
    places, cosines = similarity.most if most else similarity.least
    return [(int(one), int(other)) for one, other in places], [float(cosine) for cosine in cosines]


def _places(picture: Picture, session: State) -> list[int]:
    """Positions of the selected instances, or of all."""
    place = {identity: number for number, identity in enumerate(picture.instances.ids)}
    chosen = [place[identity] for identity in session.selected if identity in place]
    return sorted(chosen) if len(chosen) > 1 else list(place.values())


def _matrix(picture: Picture, session: State, kind: str) -> None:
    places = _places(picture, session)
    if len(places) > _MOST_IN_MATRIX:
        st.info(
            f"A matrix of {len(places):,} instances has cells too small to see. "
            f"Select up to {_MOST_IN_MATRIX} points on the map with the box or the lasso."
        )
        return
    labels = picture.instances.labels
    ways = ["cluster", "label"] if labels else ["cluster"]
    by = st.segmented_control("Ordered by", ways, default=ways[-1], required=True, key="matrix_by")
    with st.spinner("Comparing all pairs"):
        cosines, order = matrix(picture.settings, tuple(places), kind, str(by))
    ordered = cosines[np.ix_(order, order)]
    shown = [places[place] for place in order]
    theme = "dark" if st.context.theme.type == "dark" else "light"
    figure = heatmap(
        ordered,
        [str(picture.instances.items[place]) for place in shown],
        diverging=kind != "none",
        theme=theme,
        groups=[labels[place] for place in shown] if labels and by == "label" else None,
        height=380,
    )
    st.plotly_chart(
        figure, key="matrix", config=CONFIG, theme=None, alt=describe_matrix(ordered, diverging=kind != "none")
    )
    ids = [picture.instances.ids[place] for place in shown]
    _download(pd.DataFrame(ordered, columns=ids, index=ids).reset_index(names="id"), "cosines")


def _table(picture: Picture, session: State) -> None:
    instances, embeddings = picture.instances, picture.embeddings
    places = _places(picture, session)
    frame = pd.DataFrame({"id": instances.ids, **_described(instances, range(len(instances)))})
    for name, values in instances.columns.items():
        if name not in frame:
            frame[name] = list(values)
    if embeddings.tokens is not None and embeddings.cut is not None:
        frame["tokens"] = embeddings.tokens
        if embeddings.cut.any():
            frame["tokens cut"] = embeddings.cut
            cut = int((embeddings.cut > 0).sum())
            st.warning(
                f"{words.count(cut, 'text')} {'is' if cut == 1 else 'are'} longer than the model's "
                f"{picture.settings.opened.max_tokens:,} tokens; the rest was cut off.",
                icon=":material/content_cut:",
            )
    if any(instances.duplicates):
        frame["duplicate"] = instances.duplicates
    chosen = frame.iloc[places]
    shown = chosen.head(_MOST_ROWS)

    def ring(rows: list[int]) -> None:
        if len(session.selected) < 2:
            session.select(tuple(shown["id"].iloc[rows]))
        elif rows:
            session.focus = str(shown["id"].iloc[rows[0]])

    _rows(shown, _key("instances", picture, tuple(places)), "The instances", ring)
    if len(chosen) > _MOST_ROWS:
        st.caption(f"The first {_MOST_ROWS:,} of {len(chosen):,} rows; the CSV has them all.")
    _download(chosen, "instances")
