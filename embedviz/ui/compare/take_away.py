"""What a person can take from the Compare page: the report as HTML, and its numbers as tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from embedviz import __version__
from embedviz.comparison import moved
from embedviz.export.compared import agreements_table, curves_table
from embedviz.export.report import Report
from embedviz.export.tables import to_csv
from embedviz.pictures.save import CURVES
from embedviz.records import Comparison
from embedviz.ui import words
from embedviz.ui.address.link import link
from embedviz.ui.compare.chosen import Chosen
from embedviz.ui.compare.made import Compared
from embedviz.ui.compare.maps import MOST
from embedviz.ui.pictures import Order, picture_of
from embedviz.ui.point_choice import colour_of
from embedviz.ui.state import State
from embedviz.vectors import POSTPROCESSING
from embedviz.workers.picture_operations import pack_comparison, pack_maps


def take_away(compared: Compared, session: State) -> None:
    """A choice of files, each made when it is asked for."""
    with st.popover("Take away", icon=":material/download:", help="Files of what is on this page."):
        st.download_button(
            "Report as HTML",
            lambda: report(compared, session.compare),
            "report.html",
            "text/html",
            key="take_report",
            icon=":material/html:",
            on_click="ignore",
            help="The maps and the tables in one file that opens from disk, without a network. It holds the "
            "instances, but no weights.",
        )
        for name, label, table in (
            ("agreements", "How alike, as CSV", agreements_table),
            ("curves", "Curves, as CSV", curves_table),
        ):
            st.download_button(
                label,
                partial(_csv, table, compared.comparison),
                f"{name}.csv",
                "text/csv",
                key=f"take_{name}",
                icon=":material/table:",
                on_click="ignore",
                help="One number a row, with the ends of its interval; the biggest movers have a button of their own.",
            )

        _pictures(compared, session)
        link(session, "compare")


def _pictures(compared: Compared, session: State) -> None:
    """The maps, the heatmap and the curves for print."""
    comparing, maps = compared.comparing, compared.maps
    instances, caption = comparing.instances, provenance(compared)
    what = str(
        st.segmented_control(
            "Picture of",
            ["Maps", "How alike", "Curves"],
            default="How alike",
            required=True,
            key="compare_picture",
            help="As chosen on the page: which maps, by which measure, in which colours.",
        )
    )
    if what == "Maps" and maps is None:
        st.caption(words.escape(compared.unmapped or "The maps are being drawn."))
        return
    colour = colour_of(session, instances)
    shown, measure = session.compare.shown[:MOST], session.compare.measure

    def order() -> Order:
        if what == "Maps" and maps is not None:
            told, arrays = pack_maps({name: maps.maps[name] for name in shown}, instances, colour)
            aligned = {"alignment": maps.alignment, "drift": maps.drift, "note": maps.note}
            return {"maps": told, "aligned": aligned, "style": {"caption": caption, "colour": colour}}, arrays
        part = measure if what == "How alike" else CURVES
        style = {"part": part, "caption": caption, "models": comparing.models or ()}
        return {"comparison": pack_comparison(compared.comparison), "style": style}, {}

    chosen = (shown, colour, instances.columns.get(colour or "")) if what == "Maps" else (what, measure)
    picture_of(what.lower().replace(" ", "-"), (comparing.maps_key, chosen), order)


def _csv(table: Callable[[Comparison], Any], comparison: Comparison) -> bytes:
    return to_csv(table(comparison))


def provenance(compared: Compared) -> str:
    """What was compared and how, in a line."""
    comparing = compared.comparing
    sides = [next(iter(side.values())) for side in (comparing.rows, comparing.columns) if side]
    models = [f"{each.opened.name} ({each.opened.text}, fingerprint {each.opened.fingerprint[:12]})" for each in sides]
    instances = comparing.instances
    named = f" of {instances.name}" if instances.name else ""
    done = comparing.postprocessing
    parts = [
        *models,
        f"{words.count(len(instances), 'instance')}{named}",
        f"vectors {POSTPROCESSING[done].label.lower()}" if done else "",
        f"embedviz {__version__}",
    ]
    return " · ".join(part for part in parts if part)


def report(compared: Compared, chosen: Chosen) -> str:
    """The file."""
    comparing, pair = compared.comparing, chosen.pair
    movers = None
    if pair is not None and pair[0] != pair[1]:
        movers = (*pair, moved(compared.neighbours[pair[0]], compared.neighbours[pair[1]]))
    names = dict.fromkeys(each.opened.name for each in comparing.layers.values())
    return Report(
        title=f"Layers compared: {' and '.join(names)}",
        provenance=provenance(compared),
        comparison=compared.comparison,
        instances=comparing.instances,
        maps=compared.maps,
        neighbours=compared.neighbours,
        moved=movers,
    ).html()
