"""Linked maps on a page, a component of our own: hover, choose and zoom in all layers at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from embedviz.figures.linked import Packed
from embedviz.figures.linked.script import asset, script

__all__ = ["linked_maps"]

_COMPONENT = st.components.v2.component(
    "embedviz_linked_maps", html=asset("maps.html"), css=asset("maps.css"), js=script("component.js")
)


def linked_maps(
    packed: Packed,
    *,
    key: str,
    mode: str = "maps",
    shown: Sequence[str],
    selected: Sequence[str] = (),
    focus: str | None = None,
    highlighted: Sequence[str] = (),
    height: int = 620,
    on_select: Callable[[tuple[str, ...]], None] | None = None,
    alt: str,
) -> None:
    """Show the maps of the layers ``shown``, or the trails or the flight through all layers.

    ``selected`` is what the app holds to be selected, ids of instances; where it changes, the picture follows.
    ``on_select`` is called with the ids, before the script runs, when a person selects other instances; without it
    the picture keeps the selection to itself. ``focus`` is one instance that is shown as if pointed at,
    ``highlighted`` what a search has found. ``height`` is that of the maps in pixels, ``alt`` a sentence in place of
    the picture.
    """
    memory: _Memory = st.session_state.setdefault(f"_linked_maps.{key}", _Memory())
    memory.follow(tuple(selected))
    memory.take(st.session_state.get(key), packed)

    def chosen() -> None:
        memory.take(st.session_state.get(key), packed)
        if on_select is not None and memory.ids != memory.told:
            memory.told = memory.ids
            on_select(memory.ids)

    _COMPONENT(
        key=key,
        data={
            "key": key,
            "digest": packed.digest,
            "about": packed.about,
            # What the browser has said it holds need not travel with every selection.
            "maps": "" if packed.digest in memory.held else packed.text,
            "mode": mode,
            "shown": packed.layers(shown),
            "selected": packed.places(memory.ids),
            "focus": next(iter(packed.places([focus] if focus else [])), None),
            "highlighted": packed.places(highlighted),
            "height": height,
            "alt": alt,
            "seen": memory.seen,
        },
        on_choice_change=chosen,
    )


@dataclass
class _Memory:
    """What a session knows of one picture; it outlives the component's own state, which goes when a page changes.

    ``ids`` is what is selected, ``told`` what the app last said or was told is selected, ``seen`` the number of the
    person's last choice that was taken over, ``held`` the digests of the maps that the browser holds.
    """

    ids: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    seen: int = 0
    held: frozenset[str] = field(default=frozenset(), repr=False)

    def follow(self, given: tuple[str, ...]) -> None:
        """Take over the app's selection where it is news; a mere echo changes nothing."""
        if given != self.told:
            self.ids = self.told = given

    def take(self, state: Any, packed: Packed) -> None:
        """Take over the person's latest choice, once. It comes from a browser, so nothing about it is certain."""
        choice = state.get("choice") if isinstance(state, dict) else None
        if not isinstance(choice, dict):
            return
        number, places, held = choice.get("number"), choice.get("places"), choice.get("held")
        if not isinstance(number, int) or number <= self.seen:
            return
        self.seen = number
        if isinstance(held, list):
            self.held = frozenset(digest for digest in held if isinstance(digest, str))
        # A choice among other instances than the present ones does not count.
        if choice.get("about") != packed.about or not isinstance(places, list):
            return
        if all(isinstance(place, int) and 0 <= place < len(packed.ids) for place in places):
            self.ids = tuple(packed.ids[place] for place in dict.fromkeys(places))
