"""Opening a session file, and going on with it once its checkpoint is there, or without it."""

from __future__ import annotations

from embedviz.sessions import Choices, read_session
from embedviz.ui import options
from embedviz.ui.opened import Opened, opened
from embedviz.ui.session_file.restored import Restored
from embedviz.ui.settings import MapSettings
from embedviz.ui.state import BUNDLED, State
from embedviz.workers.model_worker import Source


def open_file(session: State, data: bytes, name: str) -> None:
    """Turn to the session in a file. ExportError where it is none that can be used."""
    restored = Restored(read_session(data), name)
    session.restored = restored
    restored.tried = _source(session, restored)
    if restored.tried is None:
        _go_without(session, restored, "is not open here")
    else:
        session.choose_source(restored.tried)


def _source(session: State, restored: Restored) -> Source | None:
    """Where the checkpoint may be: what is open with its fingerprint, else what the server has under its name."""
    choices, offered = restored.session.choices, options.offered()
    for source in dict.fromkeys([session.source, *session.before, BUNDLED, *offered]):
        found = None if source.absent else opened(source)
        if found is not None and found.fingerprint == restored.fingerprint:
            return source
    if choices.model == "bundled":
        return BUNDLED
    if choices.model == "offered":
        return next((each for each in offered if each.name == choices.model_name), None)
    return None


def settle(session: State, found: Opened | None) -> Opened | None:
    """What the session goes on with: ``found``, which is open, under the file's identity where it is the file's."""
    restored = session.restored
    if restored is None:
        return found
    tried = restored.tried is not None and restored.tried == session.source
    if found is None and tried and session.failure is not None and session.failure[0] == ("open", session.source):
        _go_without(session, restored, "could not be opened here")
        found = restored.missing
    elif found is not None and found.source == restored.missing.source:
        pass
    elif found is not None and found.fingerprint == restored.fingerprint:
        restored.told = ""
        found = restored.present(found)
    elif found is not None and tried:
        _go_without(session, restored, f"is another one here (fingerprint {found.fingerprint[:12]})")
        found = restored.missing
    else:
        return found
    restored.tried = None
    if restored.applied != found.source:
        restored.applied = found.source
        _apply(session, restored, found)
    restored.keep(found)
    return found


def _go_without(session: State, restored: Restored, why: str) -> None:
    """Show the results without the checkpoint, and say so."""
    restored.tried, restored.applied = None, None
    restored.told = (
        f"The checkpoint of this session, “{restored.session.summary.name}” (fingerprint {restored.fingerprint[:12]}), "
        f"{why}. What was saved is shown all the same; for anything new, open that checkpoint first."
    )
    session.failure = None
    session.choose_source(restored.missing.source)


def _apply(session: State, restored: Restored, found: Opened) -> None:
    """Take over the choices, before any widget is drawn."""
    saved = restored.session
    choices: Choices = saved.choices
    modality = saved.summary.reads.modality
    session.modality = modality
    session.bases[modality], session.owns[modality] = saved.base, saved.own
    session.only_own = choices.only_own
    session.layer, session.pooling, session.prompt = choices.layer, choices.pooling, choices.prompt
    session.postprocessing, session.colour = choices.postprocessing, choices.colour
    session.map = MapSettings(choices.method, choices.dimensions, choices.seed, choices.parameters)
    session.select(choices.selected)
    session.focus = choices.focus
    layer = found.layer(choices.layer)
    if layer is not None and layer.untrained:
        session.insisted.add((found.identity, layer.path))
    session.rounds += 1
