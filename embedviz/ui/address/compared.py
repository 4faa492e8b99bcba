"""What is compared on the Compare page, in words of its address and back."""

from __future__ import annotations

from collections.abc import Callable, Collection

from embedviz.comparison import MEASURES
from embedviz.ui import options
from embedviz.ui.address.asked import Unfit, take
from embedviz.ui.address.kept import UPLOADED
from embedviz.ui.compare.choice import KINDS, MOST_LAYERS, VECTORS, all_blocks
from embedviz.ui.compare.chosen import Chosen
from embedviz.ui.compare.other_model import null_of
from embedviz.ui.opened import Opened, opened
from embedviz.ui.state import BUNDLED, State
from embedviz.workers.model_worker import Source

#: What the address says of the same architecture with random weights.
_NULL = "random"


def said(session: State, found: Opened) -> dict[str, str]:
    """What differs from the usual, by word."""
    chosen, usual = session.compare, Chosen()
    listed = {"layers": _listed(chosen.layers, found)}
    if chosen.kind == "models" and chosen.other is not None:
        listed["other"] = _name(chosen.other, session)
        other = opened(chosen.other)
        listed["other_layers"] = _listed(chosen.other_layers, other) if other is not None else ""
    if chosen.pair is not None and chosen.pair != chosen.usual_pair:
        listed["pair"] = ",".join(chosen.pair)
    plain = {"compare": "kind", "vectors": "postprocessing", "alignment": "alignment", "measure": "measure"}
    for word, name in plain.items():
        if getattr(chosen, name) != getattr(usual, name):
            listed[word] = getattr(chosen, name)
    return {word: value for word, value in listed.items() if value}


def _listed(paths: tuple[str, ...], found: Opened) -> str:
    return ",".join(path or "." for path in paths) if paths and paths != all_blocks(found) else ""


def _name(other: Source, session: State) -> str:
    if other == null_of(session.source):
        return _NULL
    return other.name if other.shared else UPLOADED


def settle(session: State, found: Opened) -> None:
    """Take over what the address asks for, once the checkpoint is open. The other model's layers are looked at when it
    is open, and those that it does not have are passed over."""
    from embedviz.projection.aligned import ALIGNMENTS

    chosen = session.compare

    def layers(value: str) -> None:
        paths = _paths(value)
        if missing := [path for path in paths if (layer := found.layer(path)) is None or not layer.capturable]:
            raise Unfit(f"has layers that cannot be compared ({missing[0]})")
        chosen.layers = paths

    def other(value: str) -> None:
        chosen.other = _other(session, value)

    def other_layers(value: str) -> None:
        chosen.other_layers = _paths(value)

    def pair(value: str) -> None:
        names = value.split(",")
        if len(names) != 2:
            raise Unfit("is not the names of two layers")
        chosen.open_pair(*names)

    take(session, "compare", _one_of(KINDS, chosen, "kind"))
    take(session, "layers", layers)
    take(session, "other", other)
    take(session, "other_layers", other_layers)
    take(session, "vectors", _one_of(VECTORS, chosen, "postprocessing"))
    take(session, "alignment", _one_of(ALIGNMENTS, chosen, "alignment"))
    take(session, "measure", _one_of(MEASURES, chosen, "measure"))
    take(session, "pair", pair)


def _paths(value: str) -> tuple[str, ...]:
    paths = tuple(dict.fromkeys("" if path == "." else path for path in value.split(",")))
    if len(paths) > MOST_LAYERS:
        raise Unfit(f"has more than {MOST_LAYERS} layers")
    return paths


def _one_of(known: Collection[str], chosen: Chosen, field: str) -> Callable[[str], None]:
    def use(value: str) -> None:
        if value not in known:
            raise Unfit(f"is not one of {', '.join(known)}")
        setattr(chosen, field, value)

    return use


def _other(session: State, value: str) -> Source:
    if value == _NULL:
        return null_of(session.source)
    if value == UPLOADED:
        raise Unfit("is not there: an uploaded checkpoint is never in an address, so open it again")
    for each in (BUNDLED, *options.offered()):
        if each.name == value and each != session.source:
            return each
    raise Unfit("is none that this server offers")
