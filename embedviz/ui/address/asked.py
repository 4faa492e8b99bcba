"""Taking over one word that an address asks for, or saying why it cannot be."""

from __future__ import annotations

from collections.abc import Callable

from embedviz.ui import words
from embedviz.ui.address.kept import NAMES, PARAMETER
from embedviz.ui.state import State

#: Characters of a word that are shown again.
_SHOWN = 60


class Unfit(Exception):
    """Why a word of the address cannot be taken over."""


def take(session: State, name: str, use: Callable[[str], None]) -> bool:
    """Hand a word over, if it is there; whether nothing was wrong with it."""
    address = session.address
    value = address.asked.pop(name, None)
    if value is None:
        return True
    try:
        use(value)
    except Unfit as error:
        address.unread = (*address.unread, f"{_called(name)} “{words.shorten(value, _SHOWN)}” {error}")
        return False
    return True


def _called(name: str) -> str:
    return NAMES.get(name) or f"the map's {name.removeprefix(PARAMETER)[:_SHOWN]}"
