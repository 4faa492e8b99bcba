"""The module tree, a component of our own: search, choose a layer, see why one cannot be chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, overload

import streamlit as st

from embedviz.records import Layer
from embedviz.ui.layer_tree.rows import Rows, pack_rows

__all__ = ["layer_tree"]


def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_COMPONENT = st.components.v2.component(
    "embedviz_layer_tree", html=_asset("tree.html"), css=_asset("tree.css"), js=_asset("tree.js")
)


@overload
def layer_tree(
    layers: Sequence[Layer],
    selected: str | None,
    *,
    key: str,
    select: Literal["one"] = "one",
    on_change: Callable[[str | None], None] | None = None,
    height: int = 420,
) -> str | None: ...


@overload
def layer_tree(
    layers: Sequence[Layer],
    selected: Sequence[str],
    *,
    key: str,
    select: Literal["many"],
    on_change: Callable[[tuple[str, ...]], None] | None = None,
    height: int = 420,
) -> tuple[str, ...]: ...


def layer_tree(
    layers: Sequence[Layer],
    selected: str | Sequence[str] | None,
    *,
    key: str,
    select: Literal["one", "many"] = "one",
    on_change: Callable[[Any], None] | None = None,
    height: int = 420,
) -> str | tuple[str, ...] | None:
    """Show the module tree and return the path of the layer chosen in it, or None.

    ``selected`` is what the app holds to be selected. The app keeps what this returns and passes it again in the next
    run; where it passes anything else, the tree follows. ``on_change`` is called with the new choice before the script
    runs, when a person chooses another layer. With ``select="many"``, several
    layers may be chosen: ``selected``, the argument of ``on_change`` and the result are then tuples of paths in the
    order in which they were chosen. A layer that cannot be captured is never returned. ``height`` bounds the
    scrolling list, in pixels.
    """
    memory = _memory(key)
    rows = memory.pack(layers)
    memory.follow(_paths(selected))
    memory.take(st.session_state.get(key), select)

    def chosen() -> None:
        memory.take(st.session_state.get(key), select)
        if on_change is not None:
            on_change(_result(memory.capturable, select))

    _COMPONENT(
        key=key,
        data={
            "key": key,
            "select": select,
            "height": height,
            "digest": rows.digest,
            "tree": rows.text,
            "chosen": list(memory.paths),
            "seen": memory.seen,
        },
        on_choice_change=chosen if on_change is not None else _nothing,
    )
    memory.returned = memory.capturable
    return _result(memory.returned, select)


@dataclass
class _Memory:
    """What a session knows of one tree; it outlives the component's own state, which goes when a page changes.

    ``paths`` is what is selected, ``returned`` what the app was last told is selected, ``seen`` the number of the
    last choice of the person's that was taken over.
    """

    paths: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    seen: int = 0
    layers: tuple[Layer, ...] = field(default=(), repr=False)
    rows: Rows = field(default_factory=lambda: pack_rows(()), repr=False)

    def pack(self, layers: Sequence[Layer]) -> Rows:
        given = tuple(layers)
        if given != self.layers:
            self.layers, self.rows = given, pack_rows(given)
        return self.rows

    def follow(self, given: tuple[str, ...]) -> None:
        """Take over the app's selection where it is not what the app was told last; a mere echo changes nothing."""
        if given != self.returned:
            self.paths = given

    def take(self, state: Any, select: Literal["one", "many"]) -> None:
        """Take over the person's latest choice, once. It comes from a browser, so nothing about it is certain."""
        choice = state.get("choice") if isinstance(state, dict) else None
        if not isinstance(choice, dict):
            return
        number, paths = choice.get("number"), choice.get("paths")
        if not isinstance(number, int) or not isinstance(paths, list) or number <= self.seen:
            return
        self.seen = number
        # A choice made in a tree that is gone by now does not count.
        if all(isinstance(path, str) and path in self.rows.capturable for path in paths):
            self.paths = tuple(dict.fromkeys(paths if select == "many" else paths[:1]))

    @property
    def capturable(self) -> tuple[str, ...]:
        return tuple(path for path in self.paths if path in self.rows.capturable)


def _memory(key: str) -> _Memory:
    memory: _Memory = st.session_state.setdefault(f"_layer_tree.{key}", _Memory())
    return memory


def _paths(selected: str | Sequence[str] | None) -> tuple[str, ...]:
    if selected is None:
        return ()
    return (selected,) if isinstance(selected, str) else tuple(selected)


def _result(paths: tuple[str, ...], select: Literal["one", "many"]) -> str | tuple[str, ...] | None:
    return paths if select == "many" else next(iter(paths), None)


def _nothing() -> None:
    """Declares the component's state to Streamlit, which drops what has no callback."""
