"""The sidebar's first section: which checkpoint, and what it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from embedviz.errors import CheckpointError
from embedviz.records import Finding
from embedviz.sessions import is_session
from embedviz.ui import health, options, words
from embedviz.ui.look import main_button
from embedviz.ui.opened import Opened
from embedviz.ui.refusal import attempt
from embedviz.ui.session_file.opening import open_file
from embedviz.ui.state import BUNDLED, State
from embedviz.ui.words import escape, shorten
from embedviz.workers.model_worker import Source

_WAYS = {"bundled": "Bundled", "upload": "Upload", "path": "Path"}
_MAX_FILES = 5_000


def checkpoint_choice(state: State, opened: Opened | None) -> None:
    """Choose a checkpoint; the choice goes to ``state.source``."""
    st.markdown("## 1 Checkpoint")
    _card(state, opened)
    if state.restored is not None and state.restored.told and state.source.absent:
        st.warning(escape(state.restored.told), icon=":material/link_off:")
    ways = [way for way in _WAYS if way != "path" or options.model_folders()]
    way = st.segmented_control(
        "Where the checkpoint is from",
        ways,
        format_func=_WAYS.__getitem__,
        key="checkpoint_way",
        label_visibility="collapsed",
        persist_state="session",
        help="The model that comes with embedviz, those that this server offers, or one of your own.",
    )
    if way == "bundled":
        _bundled(state)
    elif way == "upload":
        _upload(state)
    elif way == "path":
        _path(state)


def _card(state: State, opened: Opened | None) -> None:
    with st.container(border=True, key="checkpoint_card", gap=None):
        st.markdown(f"**{escape(shorten(state.source.name, 60))}**" + (" (bundled)" if state.source == BUNDLED else ""))
        if opened is None:
            failed = state.failure is not None and state.failure[0] == ("open", state.source)
            st.caption(":material/error: could not be opened" if failed else "not open yet")
            return
        st.caption(escape(opened.text))
        _health(state, opened)


def _health(state: State, opened: Opened) -> None:
    """One line from the doctor: all that it checked where it has, else what was noticed on opening."""
    report = health.known(state)
    if report is not None:
        worst = [finding for finding in report.findings if finding.severity != "info"]
        st.caption(health.line(report), help=_told(worst[:4]) or "The Doctor page lists what was checked.")
        return
    if state.examination is not None and not state.examination.finished:
        _await_report(state)
    noticed = [finding for finding in opened.findings if finding.severity != "info"]
    if noticed:
        st.caption(f"{health.ICONS[noticed[0].severity]} {words.count(len(noticed), 'finding')}", help=_told(noticed))


@st.fragment(run_every=1.0)
def _await_report(state: State) -> None:
    """Have the sidebar drawn again once the doctor is done."""
    if state.examination is None or state.examination.finished:
        st.rerun()


def _told(findings: Sequence[Finding]) -> str:
    return "  \n".join(escape(f"{finding.title}: {finding.evidence}.") for finding in findings)


def _bundled(state: State) -> None:
    st.caption("A sentence model of 22.7 million parameters that comes with embedviz.")
    if state.source != BUNDLED and st.button("Open the bundled model", key="open_bundled", width="stretch"):
        state.choose_source(BUNDLED)
        st.rerun()


def _upload(state: State) -> None:
    folder = st.toggle("A whole folder", key="upload_folder", help="Choose the folder the model was saved to.")
    if folder:
        files = st.file_uploader(
            "The model's folder",
            accept_multiple_files="directory",
            key="upload_files",
            help="All files of one model, as save_pretrained wrote them. Nothing of its code is run.",
        )
    else:
        label = "A file, an archive, or the files of one model"
        files = st.file_uploader(
            label,
            accept_multiple_files=True,
            key=state.key("upload"),
            help="One file of weights, a zip or tar, or all files of one model. Nothing of its code is run.",
        )
    if files:
        pressed = st.button("Open the upload", type=main_button(), key="open_upload", width="stretch")
        brought = tuple(file.file_id for file in files)
        attempt(state, "upload", brought, pressed, lambda: _open(files, state))
    else:
        st.caption(
            "What `save_pretrained`, sentence-transformers, Lightning or `torch.save` wrote, or a zip or tar of it. "
            "What it is, is told from its content; none of its code is run. A session saved under “Take away” "
            "(`.embedviz`) is opened here, too."
        )


def _open(files: Sequence[UploadedFile], state: State) -> None:
    """Turn to the session or the checkpoint in the files."""
    sessions = [file for file in files if _is_session(file)]
    if sessions and len(files) > 1:
        raise CheckpointError(
            "A session is opened by itself", value=f"{len(files)} files", remedy="Remove the other files from the list."
        )
    if sessions:
        open_file(state, sessions[0].getvalue(), sessions[0].name)
    else:
        state.choose_source(spool(files, state))
    st.rerun()


def _is_session(file: UploadedFile) -> bool:
    """Whether it is one by its content, or means to be one by its name."""
    if file.name.endswith(".embedviz"):
        return True
    found = is_session(file)
    file.seek(0)
    return found


def spool(files: Sequence[UploadedFile], state: State) -> Source:
    """Write uploaded files to this session's own folder, named by their content, and return them as a source."""
    if len(files) > _MAX_FILES:
        raise CheckpointError(
            f"These are {len(files):,} files, more than {_MAX_FILES:,}", remedy="Upload the model's own folder only."
        )
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode("utf-8", "surrogatepass") + b"\0")
        digest.update(hashlib.file_digest(file, "sha256").digest())
    target = state.upload_folder() / digest.hexdigest()[:16]
    for file in files:
        path = target / _inside(file.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        file.seek(0)
        with path.open("wb") as out:
            while chunk := file.read(2**20):
                out.write(chunk)
    single = len(files) == 1
    name = PurePosixPath(files[0].name).parts[0]
    path = target / _inside(files[0].name) if single else target
    return Source(name, path, state.id, options.opening())


def _inside(name: str) -> Path:
    """A file's relative path as the browser gave it, or CheckpointError where it would leave its folder."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or parts[0] == "/" or ".." in parts:
        raise CheckpointError("A file's name points outside its folder", value=name, remedy="Rename it.")
    return Path(*parts)


def _path(state: State) -> None:
    offered = options.offered()
    if offered:
        chosen = st.selectbox(
            "Models this server offers",
            offered,
            index=None,
            format_func=lambda source: source.name,
            key="offered_model",
            placeholder=f"{len(offered)} to choose from",
            help="Whoever runs the server put these into the folder behind --models.",
        )
    else:
        chosen = None
        st.caption("No model was found in the folders this server was started with.")
    typed = st.text_input(
        "or a path",
        key="typed_path",
        placeholder=str(options.model_folders()[0]),
        help="A folder, file or archive on the machine that the server runs on, inside the folder that it offers.",
    )
    pressed = st.button(
        "Open this model", type=main_button(), key="open_path", width="stretch", disabled=not (chosen or typed)
    )
    attempt(state, "path", typed, pressed, lambda: _open_offered(state, chosen, typed))


def _open_offered(state: State, chosen: Source | None, typed: str) -> None:
    source = options.allowed(typed) if typed else chosen
    if source is not None:
        state.choose_source(source)
        st.rerun()
