"""Which tokenizer the checkpoint's own is compared with: a ready one, that of an offered model, or a person's file."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from embedviz.tokenizer_lab import TOKENIZERS
from embedviz.ui import options, words
from embedviz.ui.checkpoint_choice import spool
from embedviz.ui.instance.lab import Lab
from embedviz.ui.refusal import attempt
from embedviz.ui.state import State
from embedviz.workers.model_worker import Source

_UPLOAD = "upload"


@dataclass(frozen=True)
class Other:
    """A tokenizer to compare with: a ready one by ``name``, or the one in ``source``."""

    name: str
    label: str
    about: str
    source: Source | None = None

    @property
    def uploaded(self) -> bool:
        """Whether it is from somebody who is not trusted."""
        return self.source is not None and not self.source.shared


def others() -> dict[str, Other]:
    """All that can be chosen without bringing a file, by name."""
    ready = {name: Other(name, each.label, each.about) for name, each in TOKENIZERS.items()}
    for source in options.offered():
        name = f"model {source.path}"
        about = "The tokenizer in the folder of this model, which the server offers."
        ready[name] = Other(name, f"Tokenizer of {source.name}", about, source)
    return ready


def choose_other(session: State) -> Other | None:
    """The list, and a place for a file; the choice goes to ``session.lab``. None while no file was given."""
    lab, listed = session.lab, others()
    names = [*listed, _UPLOAD]
    if lab.other not in names:
        lab.other = names[0]

    chosen = st.selectbox(
        "Compare with",
        names,
        index=names.index(lab.other),
        key="lab_other",
        format_func=lambda name: "A file of your own" if name == _UPLOAD else listed[name].label,
        width=360,
        persist_state="session",
        help="Another tokenizer for the same texts. What it gives goes through the same model.",
    )
    lab.other = str(chosen)
    if lab.other != _UPLOAD:
        st.caption(words.escape(listed[lab.other].about))
        return listed[lab.other]
    _upload(session, lab)
    if lab.upload is None:
        return None
    label = words.shorten(lab.upload.name, 60)
    st.caption(f"{words.escape(label)}: none of its code is run.")
    return Other(f"upload {lab.upload.path}", label, "A file of yours.", lab.upload)


def _upload(session: State, lab: Lab) -> None:
    files = st.file_uploader(
        "tokenizer.json, vocab.txt, or a zip of a tokenizer's folder",
        accept_multiple_files=True,
        key="lab_upload",
        help="What `tokenizer.save_pretrained` wrote: one of its files, all of them, or a zip or tar of the folder.",
    )
    # What was given is kept where the uploader is empty again: after a visit to another page.
    ids = tuple(file.file_id for file in files or ())

    def take() -> None:
        lab.files = ids
        lab.upload = spool(files, session)

    attempt(session, "tokenizer", ids, files and ids != lab.files, take)
