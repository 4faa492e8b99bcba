"""From a session's choices to the words of its address; what is as it is by default is left out."""

from __future__ import annotations

from functools import cache
from typing import Any

from embedviz.modalities.samples import SAMPLES, load_sample, samples_for
from embedviz.projection import METHODS
from embedviz.records import Instances, Reads
from embedviz.ui.address import compared
from embedviz.ui.address.kept import PARAMETER, UNSHARED, UPLOADED, Brought
from embedviz.ui.opened import Opened
from embedviz.ui.settings import MapSettings
from embedviz.ui.state import BUNDLED, State


def brought(session: State) -> Brought:
    """The instances of the session, as a link would lead to them."""
    return Brought(session.base, session.own, session.only_own, session.modality)


def words_of(session: State, page: str = "") -> dict[str, str] | None:
    """The words of a page's address, by name; None while what the address asked for is not there yet."""
    opened = session.opened
    if opened is None or session.address.asked:
        return None
    said = _vectors(session, opened) | _instances(session, opened.reads) | _map(session.map)
    if session.colour is not None:
        said["colour"] = session.colour
    if session.focus is not None:
        said["focus"] = session.focus
    return said | (compared.said(session, opened) if page == "compare" else {})


def _vectors(session: State, opened: Opened) -> dict[str, str]:
    said = {}
    if session.source != BUNDLED:
        said["model"] = session.source.name if session.source.shared else UPLOADED
    if session.layer is not None and session.layer != opened.recommended:
        said["layer"] = session.layer or "."
    layer = opened.layer(str(session.layer))
    if layer is not None and session.pooling is not None and session.pooling != opened.usual_pooling(layer):
        said["pooling"] = session.pooling
    if session.postprocessing != State.postprocessing:
        said["then"] = session.postprocessing
    if session.prompt is not None:
        said["prompt"] = session.prompt
    return said


def _instances(session: State, reads: Reads) -> dict[str, str]:
    held = brought(session)
    if session.address.token and session.address.shared == held:
        return {"set": session.address.token}
    key = sample_key(session.base, reads) if session.base is not None else None
    if session.own or (session.base is not None and key is None):
        return {"set": UNSHARED}
    return {"sample": key} if key is not None and key != next(iter(samples_for(reads)), None) else {}


def _map(chosen: MapSettings) -> dict[str, str]:
    usual = MapSettings()
    said = {"map": chosen.method} if chosen.method != usual.method else {}
    if chosen.dimensions != usual.dimensions:
        said["dimensions"] = str(chosen.dimensions)
    if chosen.seed != usual.seed:
        said["seed"] = str(chosen.seed)
    defaults = {each.name: each.default for each in METHODS[chosen.method].parameters}
    return said | {
        f"{PARAMETER}{name}": _word(value) for name, value in chosen.parameters if value != defaults.get(name)
    }


def _word(value: Any) -> str:
    """A parameter's value, "7" for 7.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def sample_key(instances: Instances, reads: Reads) -> str | None:
    """Which sample a set is; None where it is none."""
    named = [key for key in samples_for(reads) if SAMPLES[key].title == instances.name]
    return next((key for key in named if _fingerprint(key, reads) == instances.fingerprint), None)


@cache
def _fingerprint(key: str, reads: Reads) -> str:
    return load_sample(key, reads).fingerprint
