"""What the layer tree sends to the browser, and what it makes of what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from embedviz.records import INSTANCES, TOKENS, Layer
from embedviz.ui.layer_tree import _Memory
from embedviz.ui.layer_tree.rows import NO_LAYER, pack_rows, short_count, short_shape

LIST = {"kind": "ModuleList", "status": "container", "why": "It only groups the modules inside it."}


def layer(path: str, kind: str = "Linear", role: str = "", parameters: int = 0, **more: Any) -> Layer:
    return Layer(path, kind, role, parameters, **more)


def listed(path: str) -> Layer:
    return Layer(path, role="", parameters=0, **LIST)


def unpacked(*layers: Layer) -> list[dict[str, Any]]:
    """The rows as the browser sees them."""
    packed = json.loads(pack_rows(layers).text)
    rows = []
    for position, depth in enumerate(packed["depth"]):
        number = str(position)
        rows.append(
            {
                "depth": depth,
                "name": packed["merged"].get(number) or packed["names"][packed["name"][position]],
                "modules": packed["modules"].get(number, 1),
                **{one: packed[many][packed[one][position]] for one, many in TABLES.items()},
                **{note: packed[note].get(number) for note in ("recommended", "warning", "why")},
            }
        )
    return rows


TABLES = {"kind": "kinds", "role": "roles", "shape": "shapes", "size": "sizes"}


def outline(*layers: Layer) -> list[str]:
    """The names, indented by depth; in a shared row the chosen part stands in brackets."""
    lines = []
    for row in unpacked(*layers):
        name = row["name"]
        text = name if isinstance(name, str) else f"{name[0]}[{name[1]}]{name[2]}"
        lines.append("  " * row["depth"] + text)
    return lines


def test_a_row_carries_what_is_known_of_its_layer() -> None:
    shape = (INSTANCES, TOKENS, 384)
    [row] = unpacked(layer("head", "Linear", "head", 7_087_872, shape=shape, recommended="best", warning="odd"))
    assert row == {
        "depth": 0,
        "name": "head",
        "modules": 1,
        "kind": "Linear",
        "role": "head",
        "shape": ["i×t×384", "instances × tokens × 384"],
        "size": ["7.1\u00a0M", "7,087,872"],
        "recommended": "best",
        "warning": "odd",
        "why": None,
    }


def test_children_stand_below_their_parent_in_the_order_given() -> None:
    paths = ["", "b", "b.10", "b.9", "a", "a.x", "b.2"]
    assert outline(*map(layer, paths)) == ["", "  b", "    10", "    9", "    2", "  a", "    x"]


def test_a_layer_given_before_its_parent_still_stands_below_it() -> None:
    assert outline(layer("a.x"), layer("a.y"), layer("a"), layer("")) == ["", "  a", "    x", "    y"]


def test_a_list_shares_the_row_of_the_module_that_holds_it() -> None:
    layers = [
        layer("encoder", "BertEncoder"),
        listed("encoder.layer"),
        layer("encoder.layer.0"),
        layer("encoder.layer.1"),
    ]
    assert outline(*layers) == ["[encoder].layer", "  0", "  1"]
    assert unpacked(*layers)[0]["modules"] == 2


def test_a_wrapper_shares_the_row_of_the_only_module_in_it() -> None:
    assert outline(layer("model.encoder.a"), layer("model.encoder"), layer("model.encoder.b")) == [
        "model.[encoder]",
        "  a",
        "  b",
    ]


def test_any_module_that_only_groups_others_shares_a_row() -> None:
    wrapper = Layer("model", "Wrapper", "", 0, status="container", why="It only groups the modules inside it.")
    assert outline(wrapper, layer("model.encoder")) == ["model.[encoder]"]
    skipped = Layer("model", "Wrapper", "", 0, status="never called", why="The model did not run it.")
    assert outline(skipped, layer("model.encoder")) == ["model", "  encoder"]


def test_two_layers_never_share_a_row() -> None:
    assert outline(layer("a"), layer("a.b"), layer("a.b.c")) == ["a", "  b", "    c"]


def test_a_list_with_nothing_inside_or_with_a_warning_has_a_row_of_its_own() -> None:
    assert outline(layer("a"), listed("a.empty")) == ["a", "  empty"]
    odd = Layer("a.list", role="", parameters=0, warning="odd", **LIST)
    assert outline(layer("a"), odd, layer("a.list.0"), layer("a.list.1")) == ["a", "  list", "    0", "    1"]


def test_a_second_call_is_a_sibling() -> None:
    assert outline(layer("a"), layer("a.b"), layer("a.b#2"), layer("a#2")) == ["a", "  b", "  b#2", "a#2"]


def test_what_cannot_be_chosen_says_why() -> None:
    rows = unpacked(
        layer("one", status="windowed", why="It works on windows."),
        layer("two", status="odd"),
        layer("gap.x"),
        layer("gap.y"),
    )
    assert [row["why"] for row in rows] == [
        "It works on windows.",
        "Its output cannot be captured (odd).",
        NO_LAYER,
        None,
        None,
    ]
    assert pack_rows([layer("one", status="odd"), layer("two")]).capturable == {"two"}


@pytest.mark.parametrize("path", [".", "..", ".x", "x.", "a..b", " ", "#2", "\ud800", "a." * 3000 + "a"])
def test_any_name_is_a_row_whose_parts_make_up_its_path(path: str) -> None:
    rows = unpacked(layer(path))
    names = ["".join(row["name"]) for row in rows]
    assert ".".join(names) == path


def test_the_tree_of_2009_modules_is_small() -> None:
    paths = ["", "encoder"] + [f"encoder.{block}.{part}" for block in range(223) for part in "abcdefghi"]
    rows = pack_rows([layer(path, "Linear", "block", 1000, shape=(INSTANCES, 384)) for path in paths])
    assert len(rows.text) < 64_000


def test_the_digest_changes_with_any_fact() -> None:
    one, other = pack_rows([layer("a")]), pack_rows([layer("a", recommended="best")])
    assert one.digest != other.digest
    assert one == pack_rows([layer("a")])


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, ""), (-1, ""), (768, "768"), (999, "999"), (1000, "1.0 k"), (590_592, "591 k"), (999_499, "999 k"),
     (999_500, "1.0 M"), (22_713_216, "22.7 M"), (99_960_000, "100 M"), (175_000_000_000, "175 B"),
     (10**15, "1000 T")],
)  # fmt: skip
def test_counts_are_short(number: int, text: str) -> None:
    assert short_count(number).replace("\u00a0", " ") == text


def test_shapes_are_short() -> None:
    assert short_shape((INSTANCES, TOKENS, 384)) == "i×t×384"
    assert short_shape((8,)) == "8"
    assert short_shape(("instances·tokens", "12·instances", "?")) == "i·t×12·i×?"
    assert short_shape(None) == ""


# The selection


def memory(*paths: str) -> _Memory:
    known = _Memory()
    known.pack([layer(path) for path in paths])
    return known


def pick(number: int, *paths: Any) -> dict[str, Any]:
    return {"choice": {"number": number, "paths": list(paths)}}


def run(known: _Memory, given: str | None, state: Any = None) -> Any:
    """What `layer_tree` does with its memory in one run of the script."""
    known.follow(() if given is None else (given,))
    known.take(state, "one")
    known.returned = known.capturable
    return known.returned[0] if known.returned else None


def test_the_whole_model_is_a_choice_and_none_is_none() -> None:
    known = memory("", "a")
    assert run(known, None) is None
    assert run(known, "") == ""


def test_a_choice_outlives_runs_without_the_components_state() -> None:
    known = memory("a", "b")
    assert run(known, None, pick(1, "b")) == "b"
    assert run(known, "b", pick(1, "b")) == "b"
    assert run(known, "b", None) == "b"


def test_a_choice_wins_over_the_apps_late_echo_of_the_one_before() -> None:
    known = memory("a", "b", "c")
    assert run(known, "a", pick(1, "b")) == "b"
    assert run(known, "b", pick(2, "c")) == "c"
    # As with a callback: taken over before the script says what it was told before.
    assert run(known, "c") == "c"
    known.take(pick(3, "a"), "one")
    assert run(known, "c", pick(3, "a")) == "a"


def test_a_choice_outlives_a_run_that_ended_before_the_app_was_told() -> None:
    known = memory("a", "b")
    assert run(known, "a") == "a"
    known.take(pick(1, "b"), "one")
    assert run(known, "a") == "b"


def test_the_app_can_go_back_to_what_it_gave_before_the_choice() -> None:
    known = memory("a", "b")
    assert run(known, "a") == "a"
    assert run(known, "a", pick(1, "b")) == "b"
    assert run(known, "a", pick(1, "b")) == "a"


def test_a_choice_is_taken_where_the_app_began_with_a_layer_that_is_not_there() -> None:
    known = memory("a")
    assert run(known, "gone") is None
    known.take(pick(1, "a"), "one")
    assert run(known, None) == "a"


def test_the_tree_follows_the_app_and_an_old_choice_does_not_come_back() -> None:
    known = memory("a", "b", "c")
    run(known, None, pick(1, "b"))
    assert run(known, "b", pick(1, "b")) == "b"
    assert run(known, "c", pick(1, "b")) == "c"
    assert run(known, "b", pick(1, "b")) == "b"
    assert run(known, None, pick(1, "b")) is None
    assert run(known, None, pick(2, "b")) == "b"


def test_what_cannot_be_captured_is_never_returned() -> None:
    known = _Memory()
    known.pack([layer("a"), layer("b", status="odd")])
    assert run(known, "b") is None
    assert run(known, "gone") is None
    assert run(known, "a", pick(1, "b")) == "a"


@pytest.mark.parametrize(
    "state",
    [None, [], "x", {}, {"choice": None}, {"choice": []}, {"choice": {}}, {"choice": {"number": "9", "paths": ["b"]}},
     {"choice": {"number": 9, "paths": "b"}}, pick(9, 5), pick(9, None), pick(9, ["b"]),
     pick(9, "gone"), pick(-1, "b")],
)  # fmt: skip
def test_nonsense_from_the_browser_changes_nothing(state: Any) -> None:
    assert run(memory("a", "b"), "a", state) == "a"


def test_several_layers_keep_the_order_in_which_they_were_chosen() -> None:
    known = memory("a", "b", "c")
    known.take(pick(1, "c", "a", "c"), "many")
    assert known.capturable == ("c", "a")
    known.take(pick(2), "many")
    assert known.capturable == ()


def test_a_choice_of_several_where_one_is_wanted_is_the_first() -> None:
    assert run(memory("a", "b"), None, pick(1, "b", "a")) == "b"


def test_facts_that_arrive_later_keep_the_selection() -> None:
    known = memory("a", "b")
    assert run(known, "b") == "b"
    known.pack([layer("a"), layer("b", shape=(INSTANCES, 8))])
    assert run(known, "b") == "b"


def page() -> None:
    import streamlit as st

    from embedviz.records import Layer
    from embedviz.ui.layer_tree import layer_tree

    layers = [Layer("a", "Linear", "", 0), Layer("b", "Linear", "", 0)]
    held = st.session_state.get("held", "a")
    st.session_state.held = layer_tree(layers, held, key="tree")
    st.text(f"chosen: {st.session_state.held}")


def test_a_page_under_test_can_choose_a_layer() -> None:
    app = AppTest.from_function(page).run()
    assert app.text[0].value == "chosen: a"
    app.session_state["tree"] = {"choice": {"number": 1, "paths": ["b"]}}
    assert app.run().text[0].value == "chosen: b"
    assert app.run().text[0].value == "chosen: b"
    app.session_state["held"] = "a"
    assert app.run().text[0].value == "chosen: a"
