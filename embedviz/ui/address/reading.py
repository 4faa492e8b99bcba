"""From the words of an address to a session's choices, each checked against what there is; what does not fit is said.

What does not depend on the checkpoint is taken over when the session begins, the rest once the checkpoint is open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from embedviz.errors import EmbedvizError
from embedviz.modalities.samples import load_sample, samples_for
from embedviz.projection import METHODS, Parameter
from embedviz.ui import options, words
from embedviz.ui.address import compared
from embedviz.ui.address.asked import Unfit, take
from embedviz.ui.address.kept import NAMES, PARAMETER, UNSHARED, UPLOADED, sets
from embedviz.ui.group_columns import GROUP_COLUMNS
from embedviz.ui.instance_choice import instances_of
from embedviz.ui.opened import Opened
from embedviz.ui.point_choice import PLAIN
from embedviz.ui.settings import MapSettings
from embedviz.ui.state import State
from embedviz.vectors import POSTPROCESSING
from embedviz.workers.model_worker import Source

#: Characters of a word that are looked at.
_LONGEST = 2_000
_LARGEST_SEED = 2**32 - 1


def begin(session: State) -> None:
    """Read the address, once a session, and take over what does not wait for the checkpoint."""
    address = session.address
    if address.begun:
        return
    address.begun = True
    given = {name: st.query_params[name] for name in st.query_params if name in NAMES or name.startswith(PARAMETER)}
    address.asked = {name: value[:_LONGEST] for name, value in given.items()}
    if not take(session, "model", lambda value: _model(session, value)):
        for name in ("layer", "pooling", "prompt", "layers", "pair"):  # they are another checkpoint's
            address.asked.pop(name, None)
    take(session, "then", lambda value: _postprocessing(session, value))
    _map(session)


def settle(session: State, opened: Opened | None) -> None:
    """Take over the rest, once the checkpoint is open."""
    address = session.address
    if opened is None or not address.asked or opened.source != session.source:
        return
    take(session, "layer", lambda value: _layer(session, opened, value))
    take(session, "pooling", lambda value: _pooling(session, opened, value))
    take(session, "prompt", lambda value: _prompt(session, opened, value))
    take(session, "sample", lambda value: _sample(session, opened, value))
    take(session, "set", lambda value: _set(session, value))
    take(session, "colour", lambda value: _colour(session, opened, value))
    take(session, "focus", lambda value: _focus(session, opened, value))
    compared.settle(session, opened)
    address.asked.clear()


def unread(session: State) -> None:
    """One line about what of the address could not be taken over, until it is dismissed."""
    address = session.address
    if not address.unread:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="unread"):
        st.info(words.escape("Of this address: " + "; ".join(address.unread) + "."), icon=":material/link_off:")
        if st.button("Dismiss", key="dismiss_unread", type="tertiary", help="The page is as the rest of it asks."):
            address.unread = ()
            st.rerun()


def _model(session: State, value: str) -> None:
    if value == UPLOADED:
        raise Unfit("is not there: an uploaded checkpoint is never in an address, so open it again")
    source = next((each for each in options.offered() if each.name == value), None) or _typed(value)
    session.choose_source(source)


def _typed(value: str) -> Source:
    """A model under the server's folders that a person once typed the path of."""
    try:
        return options.allowed(value)
    except (EmbedvizError, OSError, ValueError) as error:
        raise Unfit("is none that this server offers") from error


def _postprocessing(session: State, value: str) -> None:
    if value not in POSTPROCESSING:
        raise Unfit(f"is not one of {', '.join(POSTPROCESSING)}")
    session.postprocessing = value


def _map(session: State) -> None:
    """Method, dimensions, seed and parameters; where one is wrong, the others are taken all the same."""
    usual = MapSettings()
    chosen: dict[str, Any] = {"method": usual.method, "dimensions": usual.dimensions, "seed": usual.seed}

    def number(name: str, low: int, high: int) -> Callable[[str], None]:
        def use(value: str) -> None:
            if not (value.isascii() and value.isdigit() and len(value) <= 10 and low <= int(value) <= high):
                raise Unfit(f"is no whole number from {low} to {high}")
            chosen[name] = int(value)

        return use

    def method(value: str) -> None:
        if value not in METHODS:
            raise Unfit(f"is not one of {', '.join(METHODS)}")
        chosen["method"] = value

    take(session, "map", method)
    take(session, "dimensions", number("dimensions", 2, 3))
    take(session, "seed", number("seed", 0, _LARGEST_SEED))
    session.map = MapSettings(**chosen, parameters=_parameters(session, chosen["method"]))


def _parameters(session: State, method: str) -> tuple[tuple[str, Any], ...]:
    """A method's parameters in the order that it declares them; none where all are as by default."""
    declared = {each.name: each for each in METHODS[method].parameters}
    given: dict[str, Any] = {}

    def use(name: str) -> Callable[[str], None]:
        def take(value: str) -> None:
            if name not in declared:
                raise Unfit(f"is nothing that {METHODS[method].label} can be set to")
            given[name] = _settled(declared[name], value)

        return take

    for word in [word for word in session.address.asked if word.startswith(PARAMETER)]:
        take(session, word, use(word.removeprefix(PARAMETER)))
    return tuple((name, given.get(name, each.default)) for name, each in declared.items()) if given else ()


def _settled(parameter: Parameter, value: str) -> Any:
    try:
        return parameter.settle(value if parameter.choices else float(value))
    except (EmbedvizError, ValueError, OverflowError) as error:
        raise Unfit(f"is not {parameter.range_text}") from error


def _layer(session: State, opened: Opened, value: str) -> None:
    path = "" if value == "." else value
    found = opened.layer(path)
    if found is None or not found.capturable:
        why = "is none of this checkpoint" if found is None else "cannot be captured"
        raise Unfit(why)
    session.layer = path


def _pooling(session: State, opened: Opened, value: str) -> None:
    layer = opened.layer(opened.recommended if session.layer is None else session.layer)
    if layer is None or value not in opened.poolings(layer):
        raise Unfit("is none that suits this layer")
    session.pooling = value


def _prompt(session: State, opened: Opened, value: str) -> None:
    if opened.reads.modality != "text":
        raise Unfit("is nothing for a checkpoint that reads no texts")
    session.prompt = None if value == opened.prompt else value


def _sample(session: State, opened: Opened, value: str) -> None:
    if value not in samples_for(opened.reads):
        raise Unfit("is none that this checkpoint can be given")
    session.base = load_sample(value, opened.reads)


def _set(session: State, value: str) -> None:
    if value == UNSHARED:
        raise Unfit("are not kept in an address: bring them again, or make a link under “Take away” before")
    found = sets.get(value)
    if found is None:
        raise Unfit("are not kept on this server any more: ask for a new link")
    held, until = found
    if held.modality != session.modality:
        raise Unfit("are nothing for this checkpoint")
    session.base, session.own, session.only_own = held.base, held.own, held.only_own
    session.address.token, session.address.shared, session.address.until = value, held, until


def _colour(session: State, opened: Opened, value: str) -> None:
    instances = instances_of(session, opened)
    if value not in {*(instances.columns if instances else ()), *GROUP_COLUMNS, PLAIN}:
        raise Unfit("is no column of these instances")
    session.colour = value


def _focus(session: State, opened: Opened, value: str) -> None:
    instances = instances_of(session, opened)
    if instances is None or value not in instances.ids:
        raise Unfit("is none of these")
    session.select((value,))
