"""The Compare page: layers, models, post-processings and poolings, and what it says where there is too little."""

from __future__ import annotations

import json
import re

import pytest

from embedviz.comparison import CURVES
from embedviz.modalities.samples import SAMPLES, load_sample
from tests.ui.conftest import App


def compared(app: App, kind: str = "layers") -> App:
    """The Compare page with everything on it."""
    app.page("Compare")
    if kind != "layers":
        app.choose_way("Compare", kind)
    return whole(app)


def whole(app: App) -> App:
    return app.until(
        lambda app: app.settled and bool(app.at.get("bidi_component")) and "Biggest movers" in app.text, 120
    )


def navigator(app: App) -> dict[str, object]:
    """The trace that holds the cells' numbers."""
    traces = json.loads(app.figure)["data"]
    found: dict[str, object] = next(trace for trace in traces if trace["type"] == "heatmap")
    return found


def layers_of(app: App) -> list[str]:
    return list(app.labelled("selectbox", "One layer").options)


def test_all_blocks_of_the_bundled_model(app: App) -> None:
    compared(app)
    assert layers_of(app) == ["embeddings", *(f"encoder.layer.{number}" for number in range(6))]
    # The facts' own numbers for the last layer and the one before, on other texts of the kind, are .31 and .70.
    assert re.search(r"\*\*0\.\d\d\*\* \(95 % between 0\.\d\d and 0\.\d\d\)", app.text)
    assert "would get 0.04" in app.text, "10 of 239 by chance."
    for kind in CURVES.values():
        assert kind.label in app.text
        assert kind.not_said in app.text
    assert "Which layer should I use?" in app.text
    assert re.search(r"hardly goes with how many of its true neighbours change \(rank correlation 0\.\d\d\)", app.text)


def test_a_pair_is_chosen_by_name(app: App) -> None:
    compared(app)
    app.labelled("selectbox", "One layer").set_value("encoder.layer.3")
    app.run()
    assert app.labelled("multiselect", "Maps").value == ["encoder.layer.3", "encoder.layer.5"]
    assert "From encoder.layer.3 to encoder.layer.5" in app.text
    app.labelled("selectbox", "The other").set_value("encoder.layer.3")
    app.run()
    assert "Choose two different layers" in app.text


def test_cka_is_not_offered_for_a_few(app: App) -> None:
    app.paste("\n".join(f"sentence number {number} is about {word}" for number, word in enumerate("abcdefghijkl")))
    compared(app)
    app.choose_way("How alike", "cka")
    assert "50" in app.text
    assert not [each for each in app.at.get("plotly_chart") if '"heatmap"' in str(each.proto.spec)]
    assert "cannot be trusted" not in app.errors


@pytest.mark.parametrize("lines", [["only one"], ["one", "two"], ["same", "same", "same"]])
def test_too_few_or_too_like_instances_are_said(app: App, lines: list[str]) -> None:
    app.paste("\n".join(lines))
    app.page("Compare")
    app.until(lambda app: app.settled and "Biggest movers" in app.text, 120)
    assert not app.errors
    assert "Which layer should I use?" in app.text


def test_the_null_model_with_one_press(app: App) -> None:
    compared(app)
    app.choose_way("Compare", "models")
    assert "Choose the model to compare with" in app.text
    app.press("Random weights")
    whole(app.until(lambda app: "Choose the model" not in app.text))
    rows, columns = layers_of(app), list(app.labelled("selectbox", "The other").options)
    assert all(name.startswith("trained: ") for name in rows)
    assert all(name.startswith("random weights: ") for name in columns)
    assert len(rows) == len(columns) == 7


def test_raw_centred_and_standardised_side_by_side(app: App) -> None:
    compared(app, "postprocessing")
    assert layers_of(app) == ["As captured", "Centred", "Standardised"]


def test_poolings_side_by_side(app: App) -> None:
    compared(app, "poolings")
    assert len(layers_of(app)) >= 4
    assert "Mean over tokens" in layers_of(app)


def test_the_selection_and_the_colour_are_those_of_the_other_pages(app: App) -> None:
    instance = app.labelled("selectbox", "Instance")
    chosen = instance.options[7]
    instance.set_value(load_sample(next(iter(SAMPLES))).ids[7])
    app.run()
    compared(app)
    assert f"**{chosen[:60]}" in app.text
    app.labelled("selectbox", "Colour").set_value("one colour")
    app.run()
    app.page("Explore").until_drawn()
    assert app.labelled("selectbox", "Colour").value == "one colour"


def test_other_vectors_and_another_alignment(app: App) -> None:
    compared(app)
    app.choose_way("Maps", "independent")
    whole(app)
    assert "what moves between" in app.text
    app.choose_way("Vectors", "none")
    whole(app)
    assert app.labelled("button_group", "Vectors").value == "none"


def test_layers_are_chosen_by_name(app: App) -> None:
    compared(app)
    names = app.labelled("multiselect", "By name")
    names.set_value(["encoder.layer.2", "encoder.layer.0"])
    whole(app.run())
    assert layers_of(app) == ["layer.0", "layer.2"], "In the order of the model."
    app.labelled("multiselect", "By name").set_value(["encoder.layer.0"])
    app.run()
    assert "Choose two layers or more" in app.text
    app.press("All blocks")
    whole(app)
    assert len(layers_of(app)) == 7
