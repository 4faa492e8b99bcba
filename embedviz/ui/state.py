"""All that a session remembers, in one place. Widgets keep copies; this is what counts."""

from __future__ import annotations

import logging
import shutil
import tempfile
import uuid
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from embedviz.errors import EmbedvizError
from embedviz.records import Instances
from embedviz.ui.address.kept import Address
from embedviz.ui.compare.chosen import Chosen
from embedviz.ui.instance.lab import Lab
from embedviz.ui.instance.looked import Looked
from embedviz.ui.jobs import Job, leave_all
from embedviz.ui.opened import Opened
from embedviz.ui.present.presenting import Presenting
from embedviz.ui.session_file.restored import Restored
from embedviz.ui.settings import MapSettings, Settings
from embedviz.workers.model_worker import Source
from embedviz.workers.pool import pool

log = logging.getLogger(__name__)

BUNDLED = Source("all-MiniLM-L6-v2")


@dataclass
class State:
    """One session's choices and results."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    #: The checkpoint asked for.
    source: Source = BUNDLED
    layer: str | None = None
    pooling: str | None = None
    postprocessing: str = "l2"
    #: What is put before each text, where the person chose it.
    prompt: str | None = None
    map: MapSettings = field(default_factory=MapSettings)
    #: What the checkpoint reads; by that, the set of instances and what the person typed or brought beside it.
    modality: str = "text"
    bases: dict[str, Instances | None] = field(default_factory=dict)
    owns: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    only_own: bool = False
    #: What was noticed about the pictures that were brought.
    told: tuple[str, ...] = ()
    #: What was last shown, what is being made, and what failed under which settings.
    shown: Settings | None = None
    job: Job | None = None
    failure: tuple[object, EmbedvizError] | None = None
    #: What a press of a button was refused with, and what was brought then: by the button's place.
    refused: dict[str, tuple[Hashable, EmbedvizError]] = field(default_factory=dict)
    #: Ids: the group the tables keep to, the one whose neighbours they list, and those a table row points at.
    selected: tuple[str, ...] = ()
    focus: str | None = None
    ringed: tuple[str, ...] = ()
    uploads: Path | None = None
    #: Layers with random parameters that the person wants all the same: (checkpoint's identity, path).
    insisted: set[Hashable] = field(default_factory=set)
    #: Checkpoints opened earlier, and the one that the doctor was last asked to examine.
    before: list[Source] = field(default_factory=list)
    examined: Source | None = None
    examination: Job | None = None
    #: What is being found out about the map shown, beside the picture itself, and what is known of it: by operation.
    asides: dict[str, Job] = field(default_factory=dict)
    findings: dict[str, Any] = field(default_factory=dict)
    #: The column that points are coloured by, where the person chose it.
    colour: str | None = None
    #: The step of the tour that is shown, from 0; below that it is offered, None: neither.
    tour: int | None = -1
    compare: Chosen = field(default_factory=Chosen)
    looked: Looked = field(default_factory=Looked)
    lab: Lab = field(default_factory=Lab)
    address: Address = field(default_factory=Address)
    #: The session file that was opened last, and how often choices were taken over from one.
    restored: Restored | None = None
    rounds: int = 0
    present: Presenting = field(default_factory=Presenting)
    #: What the sidebar asks for in this run of the script.
    opened: Opened | None = None
    instances: Instances | None = None
    settings: Settings | None = None

    def key(self, name: str) -> str:
        """A widget's key. It is new once choices were taken over from a file: an old widget shows what it last had."""
        return f"{name}_{self.rounds}" if self.rounds else name

    @property
    def base(self) -> Instances | None:
        """The set of instances."""
        return self.bases.get(self.modality)

    @base.setter
    def base(self, instances: Instances | None) -> None:
        self.bases[self.modality] = instances

    @property
    def own(self) -> tuple[Any, ...]:
        """What the person typed or brought beside it."""
        return self.owns.get(self.modality, ())

    @own.setter
    def own(self, items: tuple[Any, ...]) -> None:
        self.owns[self.modality] = items

    def select(self, ids: tuple[str, ...]) -> None:
        """Turn to these instances, the first of them in particular; to none where there are none."""
        self.selected, self.focus, self.ringed = ids, next(iter(ids), None), ()

    def use(self, instances: Instances) -> None:
        """Turn to another set of instances, and draw the page again."""
        self.base, self.only_own = instances, False
        self.select(())
        st.rerun()

    def add(self, item: Any) -> None:
        """Add an instance of the person's own, turn to it, and draw the page again."""
        self.own = (*self.own, item)
        self.select((f"mine-{len(self.own)}",))
        st.rerun()

    def leave_job(self) -> None:
        """Stop waiting for what is being made."""
        if self.job is not None:
            self.job.leave(self.id)
            self.job = None

    def upload_folder(self) -> Path:
        """A folder for this session's uploads, removed when the session ends."""
        if self.uploads is None:
            self.uploads = Path(tempfile.mkdtemp(prefix="embedviz-upload-"))
        return self.uploads

    def choose_source(self, source: Source) -> None:
        """Turn to another checkpoint; the layer and pooling of the old one mean nothing there."""
        if source != self.source:
            self.leave_job()
            if self.opened is not None and self.opened.source == self.source and self.source not in self.before:
                self.before.append(self.source)
            self.source, self.layer, self.pooling, self.prompt, self.failure = source, None, None, None, None
            self.compare.layers, self.compare.pair, self.compare.shown = (), None, ()

    def end(self) -> None:
        """The session is over: stop its work, end its workers, remove its files."""
        log.info("session %s is over", self.id[:8])
        leave_all(self.id)
        pool().release(self.id)
        if self.uploads is not None:
            shutil.rmtree(self.uploads, ignore_errors=True)


@st.cache_resource(scope="session", on_release=State.end, show_spinner=False)
def state() -> State:
    """This session's state, released by Streamlit when the session ends."""
    return State()
