"""A session that was opened from a file: whose checkpoint it goes on with, and its results for as long as it is there.

The store is shared by all sessions, and a file may hold anything. So what comes from it is kept under an identity that
is made anew for each opened file and that no other session knows.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

from embedviz.sessions import Session
from embedviz.ui.opened import Opened, of_summary
from embedviz.ui.settings import MapSettings, Settings
from embedviz.ui.store import store
from embedviz.workers.model_worker import Source

#: Bytes of a list and of a sentence in the store, roughly.
_SMALL = 5_000


@dataclass(eq=False)
class Restored:
    """``name`` is the file's. ``tried`` is the source that is hoped to hold the checkpoint, ``told`` a line on what is
    not as it was; ``applied`` are the identities whose session has taken over the file's choices."""

    session: Session
    name: str
    identity: str = field(default_factory=lambda: f"file-{uuid.uuid4().hex}")
    tried: Source | None = None
    told: str = ""
    applied: Source | None = None
    _present: Opened | None = None
    _settings: Settings | None = None

    def __post_init__(self) -> None:
        summary = self.session.summary
        # A path that does not exist; the pool refuses the source before it would look there.
        source = Source(summary.name or self.name, Path(self.identity), owner=self.identity, absent=True)
        self.missing = of_summary(source, summary, self.identity)

    @property
    def fingerprint(self) -> str:
        return self.session.summary.fingerprint

    def present(self, opened: Opened) -> Opened:
        """The open checkpoint, of the same fingerprint, under this file's identity."""
        if self._present is None or self._present.source != opened.source:
            self._present = replace(opened, of_session=self.identity)
        return self._present

    def settings(self, opened: Opened) -> Settings:
        """What the results were made under."""
        if self._settings is None or self._settings.opened is not opened:
            self._settings = self._made(opened)
        return self._settings

    def _made(self, opened: Opened) -> Settings:
        # The sidebar's sections know the session's state, of which this is a part.
        from embedviz.ui.instance_choice import together

        session, choices = self.session, self.session.choices
        base = None if choices.only_own else session.base
        instances = together(base, session.own, session.summary.reads.modality)
        chosen = MapSettings(choices.method, choices.dimensions, choices.seed, choices.parameters)
        return Settings(
            opened, choices.layer, choices.pooling, choices.postprocessing, instances, chosen, choices.prompt
        )

    def keep(self, opened: Opened) -> None:
        """See that the results are in the store: what is not used for long is dropped there."""
        session, settings = self.session, self.settings(opened)
        if store.get(settings.vectors_key) is None:
            store.put(settings.vectors_key, session.embeddings, session.embeddings.vectors.nbytes)
        for name, each in session.likeness.items():
            if store.get(settings.similarity_key(name)) is None:
                store.put(settings.similarity_key(name), each, 2 * each.indices.nbytes + _SMALL)
        if store.get(settings.map_key) is None:
            store.put(settings.map_key, session.projection or session.unmapped, _SMALL)
        if session.trust is not None and store.get(("trust", settings.map_key)) is None:
            store.put(("trust", settings.map_key), session.trust, session.trust.shares.nbytes + _SMALL)
