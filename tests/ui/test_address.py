"""The address of a page: what it asks for is there, what does not fit is said, and it follows the choices."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import streamlit as st

from embedviz.errors import ExportError
from embedviz.modalities.instances import instances_from_lines
from embedviz.ui.address import kept
from embedviz.ui.address.kept import Brought, Sets
from embedviz.ui.options import model_folders
from tests.conftest import Save
from tests.packing import zipped
from tests.ui.conftest import App
from tests.ui.test_compare import whole

Enter = Callable[..., App]


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Enter:
    """A new session at an address."""
    monkeypatch.setattr("embedviz.ui.cost._QUICK", float("inf"))

    def go(**words: str) -> App:
        st.cache_resource.clear()
        app = App()
        for name, value in words.items():
            app.at.query_params[name] = value
        # The first of all sessions waits for the workers to be ready.
        return app.run().until(lambda app: app.settled and bool(app.heading), 120)

    return go


def words(app: App) -> dict[str, str]:
    """What the page has the browser write into its address bar."""
    told = [
        json.loads(each.proto.json)
        for each in app.at.get("bidi_component")
        if each.proto.component_name.endswith("embedviz_address")
    ]
    assert len(told) == 1, "Two would write over each other."
    return dict(told[0]["words"])


ASKED = {
    "layer": "encoder.layer.2",
    "pooling": "mean",
    "then": "centred",
    "prompt": "query: ",
    "sample": "paraphrases",
    "map": "tsne",
    "dimensions": "3",
    "seed": "5",
    "map.perplexity": "7",
    "colour": "one colour",
    "focus": "3",
}


def test_the_address_is_there_again_in_a_new_session(enter: Enter) -> None:
    app = enter(**ASKED)
    assert not app.errors
    assert "Of this address" not in app.text
    assert app.heading == "encoder.layer.2"
    assert app.below_heading == "all-MiniLM-L6-v2 · pooled mean over tokens · centred · 43 instances"
    assert "t-SNE · neighbourhood size 7" in app.text
    assert "seed 5" in app.text
    assert json.loads(app.figure)["data"][0]["type"] == "scatter3d"
    assert app.labelled("selectbox", "Colour").value == "one colour"
    assert app.labelled("selectbox", "Instance").value == "3"
    assert words(app) == ASKED
    figure = json.loads(app.figure)["data"]
    app.labelled("selectbox", "Then").set_value("l2")
    app.until_drawn()
    assert words(app) == {name: value for name, value in ASKED.items() if name != "then"}
    again = enter(**ASKED)
    assert json.loads(again.figure)["data"] == figure


def test_nothing_asked_nothing_said(app: App) -> None:
    assert words(app) == {}
    app.type("my own sentence")
    assert words(app) == {"set": "own", "focus": "mine-1"}


def test_what_does_not_fit_is_said_and_left_out(enter: Enter) -> None:
    wrong = {
        "layer": "encoder.layer.77<b>",
        "pooling": "nonsense",
        "then": "[link](http://x)",
        "sample": "digits",
        "set": "no-such-token",
        "map": "pca ",
        "dimensions": "4",
        "seed": "-1",
        "map.n_neighbors": "nan",
        "map.nonsense": "1",
        "colour": "nothing",
        "focus": "x" * 3_000,
        "unknown": "1",
    }
    app = enter(**wrong)
    assert not app.errors
    assert app.below_heading == "all-MiniLM-L6-v2 · pooled as trained · length 1 · 240 instances"
    [line] = [str(each.value) for each in app.at.info if "Of this address" in str(each.value).replace("\\", "")]
    said = line.replace("\\", "")
    for told in (
        "layer “encoder.layer.77<b>” is none of this checkpoint",
        "pooling “nonsense” is none that suits this layer",
        "post-processing “[link](http://x)” is not one of none, l2, centred",
        "sample “digits” is none that this checkpoint can be given",
        "instances “no-such-token” are not kept on this server any more",
        "map “pca ” is not one of umap",
        "dimensions “4” is no whole number from 2 to 3",
        "seed “-1”",
        "the map's n_neighbors “nan” is not 2 to 200",
        "the map's nonsense “1” is nothing that UMAP can be set to",
        "colour “nothing” is no column of these instances",
    ):
        assert told in said, told
    assert len(said) < 2_000
    assert "\\[link\\]" in line
    assert words(app) == {}
    app.press("Dismiss")
    assert "Of this address" not in app.text


def test_models_of_the_server_are_in_the_address_and_uploads_are_not(
    enter: Enter, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save("Bert", name="mine")
    with monkeypatch.context() as offering:
        offering.setenv("EMBEDVIZ_MODELS", str(folder.parent))
        model_folders.cache_clear()
        app = enter(model="mine", layer="encoder.layer.0")
        assert app.heading == "encoder.layer.0"
        assert "mine" in app.below_heading
        assert words(app) == {"model": "mine", "layer": "encoder.layer.0"}
        for value in ("../../etc/passwd", "/etc/passwd", "nowhere\x00", "~root"):
            app = enter(model=value, layer="encoder.layer.0")
            assert "is none that this server offers" in app.text
            assert app.heading == "encoder.layer.5", "The layer was another model's."
    model_folders.cache_clear()
    app = enter()
    app.upload(("tiny.zip", zipped(folder))).until(lambda app: "tiny.zip" in app.below_heading)
    assert words(app) == {"model": "upload"}
    assert any("never shared by a link" in str(each.value) for each in app.at.caption)
    app = enter(model="upload")
    assert "an uploaded checkpoint is never in an address" in app.text


def test_what_is_compared_is_in_the_address_of_its_page(enter: Enter) -> None:
    asked = {
        "sample": "negation-and-ambiguity",
        "layers": "encoder.layer.0,encoder.layer.3,encoder.layer.5",
        "vectors": "none",
        "alignment": "independent",
        "measure": "rsa",
        "pair": "layer.0,layer.3",
    }
    app = enter(**asked)
    assert words(app) == {"sample": asked["sample"]}, "Explore has no use for the others."
    whole(app.page("Compare"))
    assert "Of this address" not in app.text
    assert words(app) == asked
    assert list(app.labelled("selectbox", "One layer").options) == ["layer.0", "layer.3", "layer.5"]
    assert "From layer.0 to layer.3" in app.text
    app.labelled("selectbox", "The other").set_value("layer.5")
    app.run()
    assert words(app) == {name: value for name, value in asked.items() if name != "pair"}, "It is the usual pair."


def test_a_comparison_with_random_weights_is_in_the_address(enter: Enter) -> None:
    asked = {
        "sample": "negation-and-ambiguity",
        "compare": "models",
        "layers": "encoder.layer.5",
        "other": "random",
        "other_layers": "encoder.layer.0,encoder.layer.5",
    }
    app = whole(enter(**asked).page("Compare"))
    assert not app.errors
    assert words(app) == asked
    assert list(app.labelled("selectbox", "The other").options) == [
        "random weights: layer.0",
        "random weights: layer.5",
    ]


def test_what_cannot_be_compared_is_said(enter: Enter) -> None:
    wrong = {
        "compare": "nonsense",
        "layers": "encoder.layer.0,nowhere",
        "other": "upload",
        "vectors": "l2",
        "alignment": "?",
        "measure": "",
        "pair": "one",
        "other_layers": ",".join(map(str, range(41))),
    }
    app = enter(**wrong)
    for told in (
        "comparison “nonsense” is not one of layers, models",
        "has layers that cannot be compared (nowhere)",
        "other model “upload” is not there",
        "vectors “l2” is not one of centred, none, standardised",
        "alignment of the maps “?” is not one of linked, independent",
        "pair of layers “one” is not the names of two layers",
        "has more than 40 layers",
    ):
        assert told in app.text, told
    assert words(app) == {}


def test_a_link_to_instances_of_one_s_own(enter: Enter) -> None:
    app = enter()
    app.paste("A lion sleeps.\tcat\nInterest went up.\tbank\nA wolf howls.\tdog").type("one of mine")
    app.press("Copy link")
    assert "kept until" in app.text
    said = words(app)
    [link] = [each.value for each in app.at.code if each.value.startswith("/?") or "/?" in each.value]
    assert said["set"] in link
    figure = json.loads(app.figure)["data"]
    colleague = enter(**said)
    assert "4 instances" in colleague.below_heading
    assert json.loads(colleague.figure)["data"] == figure
    assert colleague.labelled("selectbox", "Instance").value == "mine-1"
    assert words(colleague)["set"] == said["set"], "F5 gives the same."
    colleague.type("another")
    assert words(colleague)["set"] == "own", "The link leads to what it was made for."
    assert "are not kept in an address" in enter(set="own").text


def brought(text: str) -> Brought:
    return Brought(instances_from_lines(text), (), False, "text")


def test_sets_are_bounded_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Sets()
    monkeypatch.setattr(kept, "MOST_SETS", 3)
    tokens = [held.keep(brought(f"text {number}"))[0] for number in range(4)]
    assert len(set(tokens)) == 4
    assert min(map(len, tokens)) >= 20
    assert held.get(tokens[0]) is None
    found = held.get(tokens[3])
    assert found is not None
    assert found[0] == brought("text 3")
    monkeypatch.setattr(kept, "MOST_BYTES", 1_000)
    with pytest.raises(ExportError, match="A link leads to up to"):
        held.keep(brought("long " * 1_000))
    monkeypatch.setattr(kept.time, "time", lambda: found[1] + 1)
    assert held.get(tokens[3]) is None
