"""The app's script: page settings, the sidebar all pages share, and the page that was chosen."""

from __future__ import annotations

import streamlit as st

from embedviz.resources import asset
from embedviz.ui import doctor, explore, flow, tables, tour
from embedviz.ui.address import bar, reading
from embedviz.ui.checkpoint_choice import checkpoint_choice
from embedviz.ui.compare.page import page as compare_page
from embedviz.ui.help import help_
from embedviz.ui.instance.page import page as instance_page
from embedviz.ui.instance_choice import MODALITIES, instance_choice, instances_of
from embedviz.ui.present.page import page as present_page
from embedviz.ui.session_file import opening
from embedviz.ui.state import state
from embedviz.ui.vector_choice import vector_choice

PAGES = {
    "Explore": (explore.page, ":material/scatter_plot:"),
    "Compare": (compare_page, ":material/compare:"),
    "Instance": (instance_page, ":material/my_location:"),
    "Doctor": (doctor.page, ":material/stethoscope:"),
    "Present": (present_page, ":material/slideshow:"),
}

st.set_page_config(page_title="embedviz", page_icon=str(asset("icon.svg")), layout="wide", initial_sidebar_state=340)
st.logo(str(asset("logo.svg")), size="large")
pages = [st.Page(page, title=title, icon=icon, url_path=title.lower()) for title, (page, icon) in PAGES.items()]
chosen = st.navigation(pages, position="top")
session = state()
reading.begin(session)
session.address.shown = False
opened = opening.settle(session, flow.ensure_open(session))
if opened is not None and opened.reads.modality in MODALITIES:
    session.modality = opened.reads.modality
reading.settle(session, opened)
with st.sidebar:
    checkpoint_choice(session, opened)
    vector_choice(session, opened)
    instance_choice(session, opened)
    below = st.container()
instances = instances_of(session, opened)
session.opened, session.instances = opened, instances
tables.forget_gone(session)
session.settings = flow.settings_of(session, opened, instances)
reading.unread(session)
by_title = {page.title: page for page in pages}
tour.tour(session, chosen.title, by_title)
chosen.run()
with below:
    # What the other pages make has a button of its own.
    if session.settings is not None and chosen.title not in ("Compare", "Present"):
        flow.run_button(session, session.settings, "run")
    help_(lambda: tour.start(session, chosen.title, by_title))
    if not session.address.shown:
        bar.show(session, chosen.title.lower())
