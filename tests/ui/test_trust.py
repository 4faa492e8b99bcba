"""How far the map can be trusted, as the page says and shows it."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import numpy as np
import pytest

from embedviz.ui import trust as module
from tests.ui.conftest import App


def markers(app: App) -> list[dict[str, Any]]:
    return [
        trace
        for trace in json.loads(app.figure)["data"]
        if trace["mode"] == "markers" and trace["marker"]["symbol"] != "circle-open"
    ]


def numbers(trace: dict[str, Any]) -> np.ndarray:
    """The colours of a trace's points, which plotly packs."""
    packed = trace["marker"]["color"]
    return np.frombuffer(base64.b64decode(packed["bdata"]), packed["dtype"])


def until_measured(app: App) -> App:
    return app.until(lambda app: "(chance)" in app.text)


def choose(app: App, way: str) -> App:
    app.labelled("selectbox", "Trust").set_value(way)
    return app.run()


def view(app: App, part: str = "") -> App:
    app.labelled("button_group", "Table").set_value("Trust")
    app.run()
    if part:
        app.labelled("button_group", "Where it misleads").set_value(part)
        app.run()
    return app


def test_the_baselines_come_by_themselves(app: App) -> None:
    until_measured(app)
    assert re.search(r"About \d in \d nearest neighbours survive on this map", app.text)
    assert re.search(r"PCA keeps \d+ in \d+, a random picture 1 in 16 \(chance\)\.", app.text)


def test_the_panel_names_examples_of_this_map(app: App) -> None:
    until_measured(app)
    assert re.search(r"Drawn side by side, “.+” and “.+” have cosine -?0\.\d\d\.", app.text)
    assert "drawn at random it would keep 1 in 16" in app.text
    assert "Other values of neighbours, tightness give other groups" in app.text


def test_trust_is_shown_as_opacity_and_as_colour(app: App) -> None:
    until_measured(app)
    assert len({trace["marker"]["opacity"] for trace in markers(app)}) == 1
    choose(app, "opacity")
    assert len({trace["marker"]["opacity"] for trace in markers(app)}) > 2
    assert sum(bool(trace["showlegend"]) for trace in markers(app)) == 8
    choose(app, "colour")
    [trace] = markers(app)
    shares = numbers(trace)
    assert shares.shape == (240,)
    assert 0 <= shares.min() < shares.max() <= 1
    assert "coloraxis" in json.loads(app.figure)["layout"]
    assert "true neighbours are beside it" in app.text
    choose(app, "off")
    assert len(markers(app)) == 8


def test_of_one_point_the_false_and_the_missing_neighbours_are_listed(app: App) -> None:
    view(app)
    assert "Click a point on the map" in app.text
    app.labelled("selectbox", "Instance").set_value("7")
    app.run()
    [kept] = re.findall(r"keeps (\d+) of its 15", app.text.replace("*", ""))
    false, missing = (frame.value for frame in app.at.dataframe)
    assert len(false) == len(missing) == 15 - int(kept)
    assert false["map #"].between(1, 15).all()
    assert (false["true #"] > 15).all()
    assert missing["true #"].is_monotonic_increasing
    assert (missing["map #"] > 15).all()
    assert missing["cosine"].is_monotonic_decreasing
    assert missing["cosine"].min() >= false["cosine"].max()


def test_contradictions_are_listed_both_ways(app: App) -> None:
    app.labelled("button_group", "Method").set_value("pca")
    app.run().press("Draw").until_drawn()
    view(until_measured(app), "Pairs")
    near, far = (frame.value for frame in app.at.dataframe)
    assert 0 < len(near) <= 20
    assert near["true #"].is_monotonic_decreasing
    assert (near["true #"] > 15).all()
    assert far["map #"].is_monotonic_decreasing
    assert (far["map #"] > 15).all()
    assert far["cosine"].min() > near["cosine"].max()


def test_another_seed_shows_what_stays_and_colours_by_it(app: App) -> None:
    view(app, "Other seeds")
    app.press("Draw it with three other seeds")
    app.until(lambda app: "Under 3 other seeds" in app.text)
    assert re.search(r"about \d in \d neighbours on this map stay neighbours \(by chance 1 in 16\)", app.text)
    choose(app, "other seeds")
    [trace] = markers(app)
    assert len(numbers(trace)) == 240
    app.labelled("selectbox", "Layer").set_value("encoder.layer.2")
    app.until_drawn()
    assert len(markers(app)) == 8, "what stays of another map is not known"
    assert not app.errors


def test_a_method_without_a_seed_says_so(app: App) -> None:
    app.labelled("button_group", "Method").set_value("pca")
    app.run().press("Draw").until_drawn()
    until_measured(app)
    assert "A random picture keeps 1 in 16 (chance)." in app.text
    view(app, "Other seeds").press("Draw it with three other seeds")
    app.until(lambda app: "draws the same picture whatever the seed" in app.text)


def test_of_many_instances_it_is_measured_when_it_is_asked_for(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNASKED", 100)
    app.labelled("selectbox", "Layer").set_value("encoder.layer.3")
    app.until_drawn()
    for _ in range(5):
        app.run()
    assert "(chance)" not in app.text
    choose(app, "colour")
    app.until(lambda app: "(chance)" in app.text)
    assert len(markers(app)) == 1


@pytest.mark.parametrize(
    ("column", "source"),
    [("groups (from the vectors)", "by k-means of the centred vectors"), ("islands (from the map)", "by HDBSCAN of")],
)
def test_groups_can_be_coloured_by_and_say_where_they_are_from(app: App, column: str, source: str) -> None:
    app.labelled("selectbox", "Colour").set_value(column)
    app.run().until(lambda app: source in app.text)
    names = [str(trace["name"]) for trace in markers(app)]
    assert len(names) >= 2
    assert sum(name.startswith("1. ") for name in names) == 1
    [count] = re.findall(r"(\d+) (?:groups|islands) by", app.text)
    assert len([name for name in names if "no label" not in name]) == int(count)
    assert not app.errors


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_a_few_instances_have_no_trust_and_say_why(app: App, count: int) -> None:
    app.paste("\n".join(f"line {number}" for number in range(count)))
    assert app.labelled("selectbox", "Trust").disabled
    app.labelled("selectbox", "Instance").set_value("1")
    for part in ("One point", "Pairs"):
        view(app, part)
        assert not app.errors
    app.until(lambda app: "too few to measure" in app.text)


def test_hostile_text_stays_text_in_the_panel_and_the_view(app: App) -> None:
    attack = "<img src=x onerror=alert(1)> **bold** [link](http://x) $x^2$ {0.real}"
    app.type(attack)
    view(until_measured(app))
    told = next(each.value for each in app.at.markdown if "nearest neighbours on this map" in each.value)
    for mark in ("<", "[", "$"):
        assert f"\\{mark}" in told
