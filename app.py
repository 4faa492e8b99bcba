"""embedviz, the app: ``streamlit run app.py``, with ``-- --models DIR`` to offer a folder of models to everybody."""

import streamlit as st

from embedviz.ui.server import PAGES, lifespan, show_error

app = st.App(PAGES, lifespan=lifespan, on_script_error=show_error)
