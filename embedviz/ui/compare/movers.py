"""Who changes company between two layers: true neighbours, in the layers themselves and not on a map."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from embedviz.comparison import moved
from embedviz.records import Movers
from embedviz.ui import words
from embedviz.ui.compare.made import Compared
from embedviz.ui.state import State
from embedviz.ui.tables.rows import described, download, show_rows, with_label

#: Rows of the table.
_MOST = 200


def section(compared: Compared, session: State) -> None:
    """The biggest movers, and one instance's neighbours before and after."""
    assert session.compare.pair is not None
    one, other = session.compare.pair
    st.markdown("## Biggest movers")
    if one == other:
        st.caption("Choose two different layers to see who changes company between them.")
        return
    movers = moved(compared.neighbours[one], compared.neighbours[other])
    if not len(movers.order):
        st.info("There are too few instances to speak of neighbours.", icon=":material/info:")
        return
    instances = compared.comparing.instances
    middle = sorted(int(movers.kept[row]) for row in movers.order)[len(movers.order) // 2]
    st.caption(
        words.escape(
            f"From {one} to {other}: of its {movers.k} true neighbours, the median instance keeps {middle}. "
            f"These keep fewest."
        )
    )
    rows = [int(row) for row in movers.order[:_MOST]]
    kept = [f"{movers.kept[row]} of {movers.k}" for row in rows]
    frame = with_label(pd.DataFrame({"kept": kept, **described(instances, rows)}), instances, rows)

    def choose(picked: list[int]) -> None:
        if picked:
            session.select((instances.ids[rows[picked[0]]],))

    key = f"movers_{hash((compared.comparing.key, one, other))}"
    left, right = st.columns([1, 1], gap="small")
    with left:
        show_rows(frame, key, "Instances by how few of their true neighbours they keep", choose)
        download(frame, "movers")
    with right:
        _before_after(compared, session, movers, one, other)


def _before_after(compared: Compared, session: State, movers: Movers, one: str, other: str) -> None:
    instances = compared.comparing.instances
    focus = session.focus if session.focus in instances.ids else None
    place = instances.ids.index(focus) if focus is not None else int(movers.order[0])
    st.markdown(f"**{words.escape(words.shorten(str(instances.items[place]), 120))}**")
    before, after = ([int(near) for near in side[place] if near >= 0] for side in (movers.before, movers.after))
    for name, listed, others in ((one, before, after), (other, after, before)):
        st.caption(words.escape(f"Nearest at {name}"))
        changed = ":material/add:" if listed is after else ":material/remove:"
        lines = [
            f"{':material/drag_handle:' if near in others else changed} "
            f"{words.escape(words.shorten(str(instances.items[near]), 70))}"
            for near in listed
        ]
        st.markdown("  \n".join(lines) or "None: its vector has no direction here.")
