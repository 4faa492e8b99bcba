"""What linked maps make of what comes back from the browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from embedviz.figures.linked import Packed, pack_maps
from embedviz.records import Instances, Projection
from embedviz.ui.linked_maps import _Memory


def packed(*ids: str) -> Packed:
    maps = {"layer": Projection(np.zeros((len(ids), 2), dtype=np.float32), "pca", {}, 0)}
    return pack_maps(maps, Instances(ids, ids))


MAPS = packed("a", "b", "c")


def state(number: Any, places: Any, about: Any = MAPS.about, held: Any = (MAPS.digest,)) -> dict[str, Any]:
    return {"choice": {"number": number, "places": places, "about": about, "held": list(held) if held else held}}


def test_a_choice_is_taken_once_and_an_old_one_never() -> None:
    memory = _Memory()
    memory.take(state(5, [2, 0, 2]), MAPS)
    assert memory.ids == ("c", "a")
    memory.follow(("b",))
    assert memory.ids == ("b",)
    for number in (5, 4):
        memory.take(state(number, [0]), MAPS)
        assert memory.ids == ("b",)
    memory.take(state(6, []), MAPS)
    assert memory.ids == ()


def test_an_echo_of_the_app_undoes_nothing() -> None:
    memory = _Memory()
    memory.follow(("a",))
    memory.take(state(1, [1]), MAPS)
    memory.follow(("a",))
    assert memory.ids == ("b",)
    memory.follow(("c",))
    assert memory.ids == ("c",)


@pytest.mark.parametrize(
    "junk",
    [None, 3, {"choice": None}, {"choice": []}, {"choice": {}}, state("1", [0]), state(None, [0]), state(1, None),
     state(1, "0"), state(1, [3]), state(1, [-1]), state(1, ["a"]), state(1, [None]), state(1, [[0]]), state(1, [0.5]),
     state(1, [0], about="other"), state(1, [0], about=None)],
)  # fmt: skip
def test_a_browser_may_say_anything(junk: Any) -> None:
    memory = _Memory(ids=("b",))
    memory.take(junk, MAPS)
    assert memory.ids == ("b",)


def test_a_choice_among_other_instances_does_not_count() -> None:
    memory = _Memory()
    memory.take(state(1, [0]), packed("x", "y", "z"))
    assert memory.ids == ()


def test_what_the_browser_holds() -> None:
    memory = _Memory()
    memory.take(state(1, [0], held=[MAPS.digest, 7]), MAPS)
    assert memory.held == {MAPS.digest}
    memory.take(state(2, None, held=[]), MAPS)
    assert memory.held == frozenset()
    assert memory.ids == ("a",)


def app() -> None:
    import streamlit as st

    from embedviz.ui.linked_maps import linked_maps
    from tests.ui.test_linked_maps import MAPS

    state = st.session_state
    state.setdefault("selected", ("a", "gone"))
    linked_maps(MAPS, key="maps", shown=["layer"], selected=state.selected, alt="A map.")
    st.text("drawn")


def test_it_is_drawn() -> None:
    at = AppTest.from_function(app, default_timeout=30).run()
    assert not at.exception
    assert at.text[0].value == "drawn"
    assert at.session_state["_linked_maps.maps"].ids == ("a", "gone")
