"""The session on screen as a file."""

from __future__ import annotations

from importlib.metadata import version

import streamlit as st

from embedviz import __version__
from embedviz.sessions import Choices, Session, write_session
from embedviz.ui import trust
from embedviz.ui.instance_choice import instances_of
from embedviz.ui.picture import Picture
from embedviz.ui.provenance import line
from embedviz.ui.state import BUNDLED, State

#: Packages that what is on screen depends on.
_PACKAGES = ("torch", "transformers", "umap-learn", "scikit-learn", "numpy")


def save_session(picture: Picture, session: State) -> None:
    """A button for the file."""
    st.download_button(
        "Session",
        lambda: saved(picture, session),
        "session.embedviz",
        "application/octet-stream",
        key="take_session",
        icon=":material/save:",
        on_click="ignore",
        help="What was chosen, the instances and what is on screen, without weights. It is opened where checkpoints "
        "are: under Upload.",
    )


def saved(picture: Picture, session: State) -> bytes:
    """The file."""
    settings = picture.settings
    now = instances_of(session, settings.opened)
    # Of a picture from earlier settings, its own instances.
    present = now is not None and (now.ids, now.fingerprint) == (picture.instances.ids, picture.instances.fingerprint)
    return write_session(
        Session(
            choices=_choices(picture, session, only_own=present and session.only_own),
            summary=settings.opened.summary,
            base=session.base if present else picture.instances,
            own=session.own if present else (),
            embeddings=picture.embeddings,
            likeness=picture.similarity,
            projection=picture.projection,
            unmapped=picture.unmapped,
            trust=trust.known(session),
            provenance=line(picture),
            versions={"embedviz": __version__, **{name: version(name) for name in _PACKAGES}},
        )
    )


def _choices(picture: Picture, session: State, *, only_own: bool) -> Choices:
    settings = picture.settings
    source, drawn = settings.opened.source, settings.map
    return Choices(
        model="bundled" if source == BUNDLED else "offered" if source.shared else "upload",
        model_name=source.name,
        layer=settings.layer,
        pooling=settings.pooling,
        postprocessing=settings.postprocessing,
        method=drawn.method,
        dimensions=drawn.dimensions,
        seed=drawn.seed,
        parameters=drawn.parameters,
        prompt=settings.prompt,
        colour=session.colour,
        focus=session.focus,
        selected=session.selected,
        only_own=only_own,
    )
