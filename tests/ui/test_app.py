"""The app as a whole, without a browser: what a person does, and what the page then says."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from embedviz.projection import METHODS
from embedviz.workers.process import environment
from tests.conftest import Save
from tests.packing import zipped
from tests.ui.conftest import MAIN, App

THREE = "The cat sleeps.\nA dog barks.\nShares fell sharply."


def focus(app: App) -> str | None:
    """The id of the instance whose neighbours are listed."""
    value = app.labelled("selectbox", "Instance").value
    return None if value is None else str(value)


def select_on_map(app: App, *ids: str) -> App:
    """What the browser sends once these points are selected. AppTest runs no ``on_select``, so it is called here."""
    app.at.session_state["map_2"] = {"selection": {"points": [{"customdata": [identity]} for identity in ids]}}
    return app.run()


def test_the_first_picture_comes_by_itself_and_says_what_it_is(app: App) -> None:
    assert app.heading == "encoder.layer.5"
    assert app.below_heading == "all-MiniLM-L6-v2 · pooled as trained · length 1 · 240 instances"
    assert "nearest neighbours survive on this map" in app.text
    assert "trustworthiness 0.9" in app.text
    assert "UMAP · neighbours 15 · tightness 0.1 · seed 0 · 240 instances" in app.text
    assert "BERT · 22.7 M parameters" in app.text
    assert "Mean cosine of all pairs: 0.10 raw" in app.text
    assert not app.errors
    figure = json.loads(app.figure)
    assert sum(len(trace["customdata"]) for trace in figure["data"]) == 240


def test_another_layer_chosen_by_name_is_another_picture(app: App) -> None:
    before = app.figure
    app.labelled("selectbox", "Layer").set_value("encoder.layer.2")
    app.until_drawn()
    assert app.heading == "encoder.layer.2"
    assert app.figure != before
    app.labelled("selectbox", "Layer").set_value("encoder.layer.5")
    app.until_drawn()
    assert json.loads(app.figure)["data"] == json.loads(before)["data"], "What was drawn once is drawn the same again."


def test_another_layer_chosen_in_the_tree_is_another_picture(app: App) -> None:
    fingerprint = str(app.labelled("selectbox", "Pooling").key).removeprefix("pooling_")
    key = f"tree_{fingerprint}"
    app.at.session_state[key] = {"choice": {"number": 1, "paths": ["encoder.layer.0.attention"]}}
    app.until_drawn()
    assert app.heading == "encoder.layer.0.attention"
    assert app.labelled("selectbox", "Layer").value == "encoder.layer.0.attention"


def test_a_layer_with_one_vector_a_text_needs_no_pooling(app: App) -> None:
    app.labelled("selectbox", "Layer").set_value("pooler")
    app.until_drawn()
    assert app.labelled("selectbox", "Pooling").disabled
    assert "This layer gives one vector a text already." in app.text


def test_pooling_and_post_processing_change_the_picture_and_its_words(app: App) -> None:
    figures = {app.figure}
    app.labelled("selectbox", "Pooling").set_value("first")
    app.until_drawn()
    assert "pooled first token" in app.below_heading.lower()
    figures.add(app.figure)
    app.labelled("selectbox", "Then").set_value("centred")
    app.until_drawn()
    assert "centred" in app.below_heading
    figures.add(app.figure)
    assert len(figures) == 3


def test_a_sentence_typed_is_the_focus_and_its_neighbours_are_listed(app: App) -> None:
    for number, text in enumerate(["a small furry animal", "money owed to a bank", "not a word"], 1):
        app.type(text)
        assert focus(app) == f"mine-{number}"
        assert f"Nearest to: “{text}”" in app.text
        assert f"{240 + number} instances" in app.below_heading
        [table] = [frame.value for frame in app.at.dataframe]
        assert len(table) == 30
        assert table["cosine"].is_monotonic_decreasing
    app.press("Remove mine").until_drawn()
    assert "240 instances" in app.below_heading
    assert focus(app) is None


def test_a_blank_sentence_is_not_added(app: App) -> None:
    app.type("   ")
    assert "240 instances" in app.below_heading


def test_only_mine_leaves_the_others_out(app: App) -> None:
    app.type("the first of mine").type("the second of mine")
    app.labelled("toggle", "Only mine").set_value(True)
    app.until_drawn()
    assert "2 instances" in app.below_heading
    app.labelled("toggle", "Only mine").set_value(False)
    app.until_drawn()
    assert "242 instances" in app.below_heading


@pytest.mark.parametrize("title", ["The same in other words", "Not, and words with two meanings"])
def test_samples_are_one_press_away(app: App, title: str) -> None:
    app.choose_way("Where the instances are from", "samples")
    sample = app.labelled("selectbox", "Sample")
    sample.set_value(next(key for key in ("paraphrases", "negation-and-ambiguity") if title in _title(key)))
    app.run().press("Use this sample").until_drawn()
    assert title in app.text
    assert "240 instances" not in app.below_heading


def _title(key: str) -> str:
    from embedviz.modalities.samples import SAMPLES

    return SAMPLES[key].title


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_instances_never_fail(app: App, count: int) -> None:
    app.paste("\n".join(THREE.splitlines()[:count]))
    assert f"{count} instance" in app.below_heading
    reason = {1: "one instance", 2: "two instances", 3: "pca"}[count]
    assert reason in app.text.lower()
    for view in ("Pairs", "Matrix", "Table", "Neighbours"):
        app.labelled("button_group", "Table").set_value(view)
        app.run()
        assert not app.errors, view
    app.labelled("selectbox", "Instance").set_value("1")
    app.run()
    assert ("There is only one instance" in app.text) == (count == 1)


def test_lines_that_are_all_alike_are_drawn_all_the_same(app: App) -> None:
    app.paste("\n".join(["the very same"] * 5))
    assert "5 instances · 4 duplicates" in app.text or "duplicates" in app.text
    assert not app.errors


def test_text_that_looks_like_markdown_or_html_is_shown_as_it_is(app: App) -> None:
    attack = "<img src=x onerror=alert(1)> **bold** [link](http://x) $x^2$ :red[word]"
    app.type(attack)
    told = next(each.value for each in app.at.caption if each.value.startswith("Nearest to"))
    for mark in ("<", "[", "$", "*"):
        assert f"\\{mark}" in told
        assert told.count(mark) == told.count(f"\\{mark}")


# Files


def test_a_csv_becomes_the_instances(app: App) -> None:
    app.upload_table("animals.csv", b"sentence,kind\nA cat.,pet\nA dog.,pet\nA shark.,fish\nA tuna.,fish\n")
    app.press("Use 4 rows").until_drawn()
    assert "4 instances" in app.below_heading
    assert app.labelled("selectbox", "Colour").value == "kind"


def test_a_file_in_another_encoding_is_read(app: App) -> None:
    app.upload_table(
        "old.csv", "text;label\nDie Vögel zwitschern im Geäst.;Tiere\nGrüße aus Köln.;Leute\n".encode("cp1252")
    )
    assert "Vögel" in str(app.at.dataframe[0].value)
    app.press("Use 2 rows").until_drawn()
    assert "2 instances" in app.below_heading


BAD = {
    "empty.csv": (b"", "empty"),
    "blank.csv": (b"\n\n  \n", "empty"),
    "numbers.csv": (b"a,b\n1,2\n3,4\n", "No column holds texts"),
    "header.csv": (b"text,label\n", "no rows"),
    "binary.csv": (bytes(range(256)) * 40, ""),
    "picture.txt": (b"\x89PNG\r\n\x1a\n" + bytes(range(200)) * 20, ""),
    "broken.jsonl": (b'{"text": "one"}\n{"text": \n', "not JSON"),
    "broken.parquet": (b"PAR1" + bytes(100) + b"PAR1", "Parquet"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_a_bad_file_gets_a_message_and_the_page_stays_usable(app: App, name: str) -> None:
    data, message = BAD[name]
    app.type("what I typed before")
    app.upload_table(name, data)
    assert message in app.errors
    assert app.errors, "It must say what is wrong."
    assert "Something unexpected" not in app.errors
    assert app.heading == "encoder.layer.5"
    assert "241 instances" in app.below_heading
    app.type("and after it")
    assert "242 instances" in app.below_heading


# Checkpoints


def test_an_uploaded_model_is_opened_and_its_own_layers_are_shown(app: App, save: Save) -> None:
    app.type("kept over the change")
    app.upload(("tiny.zip", zipped(save("Bert")))).until_drawn()
    assert app.heading.startswith("encoder.layer.2")
    assert "tiny.zip" in app.below_heading
    assert "241 instances" in app.below_heading
    app.choose_way("Where the checkpoint is from", "bundled").press("Open the bundled model").until_drawn()
    assert "all-MiniLM-L6-v2" in app.below_heading
    assert "241 instances" in app.below_heading


def _cut_short(folder: Path) -> bytes:
    return zipped(folder)[:2000]


def _no_weights(folder: Path) -> bytes:
    (folder / "model.safetensors").unlink()
    return zipped(folder)


def _broken_configuration(folder: Path) -> bytes:
    (folder / "config.json").write_text('{"model_type": "no-such-model"}')
    return zipped(folder)


@pytest.mark.parametrize("broken", [_cut_short, _no_weights, _broken_configuration])
def test_a_model_that_cannot_be_opened_says_why_and_loses_nothing(app: App, broken: object, bundled_copy: Path) -> None:
    app.type("kept over the failure")
    assert callable(broken)
    app.upload(("broken.zip", broken(bundled_copy))).until(lambda app: bool(app.errors))
    assert "Something unexpected" not in app.errors
    assert "Traceback" not in app.text
    assert app.shows("button", "Try again")
    app.choose_way("Where the checkpoint is from", "bundled").press("Open the bundled model").until_drawn()
    assert "241 instances" in app.below_heading
    assert "kept over the failure" in app.text
    assert not app.errors


def test_try_again_tries_again(app: App, bundled_copy: Path) -> None:
    app.upload(("broken.zip", _cut_short(bundled_copy))).until(lambda app: bool(app.errors))
    said = app.errors
    app.press("Try again").until(lambda app: bool(app.errors))
    assert app.errors == said


# The map and the tables


def test_colour_search_and_settings_of_the_map(app: App) -> None:
    before = app.figure
    app.labelled("selectbox", "Colour").set_value("one colour")
    app.run()
    assert len(json.loads(app.figure)["data"]) < len(json.loads(before)["data"])
    app.labelled("text_input", "Find").set_value("animal")
    app.run()
    assert "of 240 found" in app.text
    app.labelled("text_input", "Find").set_value("no such words here")
    app.run()
    assert "Nothing found for “no such words here”" in app.text
    app.labelled("text_input", "Find").set_value("")
    app.labelled("button_group", "Method").set_value("pca")
    app.run().press("Draw").until_drawn()
    assert "PCA" in app.text
    assert "240 instances" in app.below_heading


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_can_be_chosen_with_its_own_settings(app: App, method: str) -> None:
    app.labelled("button_group", "Method").set_value(method)
    app.run()
    assert {slider.label for slider in app.at.slider} >= {
        parameter.label for parameter in METHODS[method].parameters if not parameter.choices
    }
    app.press("Draw").until_drawn()
    assert not app.errors
    assert f"{METHODS[method].label} · " in app.text


def test_another_seed_is_another_map_of_the_same_vectors(app: App) -> None:
    before = app.figure
    app.labelled("number_input", "Seed").set_value(7)
    app.press("Draw").until_drawn()
    assert "seed 7" in app.text
    assert app.figure != before


def test_three_dimensions_are_one_choice_away(app: App) -> None:
    app.labelled("button_group", "Dimensions").set_value(3)
    app.press("Draw").until_drawn()
    assert "scatter3d" in app.figure


@pytest.mark.parametrize("view", ["Pairs", "Matrix", "Table"])
def test_every_view_beside_the_map_shows_something(app: App, view: str) -> None:
    app.labelled("button_group", "Table").set_value(view)
    app.run()
    assert not app.errors
    shown = len(app.at.get("plotly_chart")) - 1 if view == "Matrix" else len(app.at.dataframe)
    assert shown == 1


def test_what_is_chosen_survives_a_change_of_layer(app: App) -> None:
    app.labelled("selectbox", "Instance").set_value("7")
    app.run()
    assert focus(app) == "7"
    app.labelled("selectbox", "Layer").set_value("encoder.layer.1")
    app.until_drawn()
    assert focus(app) == "7"
    assert "Nearest to:" in app.text


# The server's process


def test_the_server_never_imports_what_belongs_in_workers() -> None:
    script = f"""
        import sys, time
        from streamlit.testing.v1 import AppTest
        at = AppTest.from_file({str(MAIN)!r}, default_timeout=60)
        end = time.monotonic() + 120
        while not at.run().get("plotly_chart"):
            assert time.monotonic() < end, "no picture"
            assert not at.exception, at.exception
            time.sleep(0.1)
        heavy = ("torch", "transformers", "umap", "numba", "sentence_transformers")
        print("drawn; imported:", [name for name in heavy if name in sys.modules])
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=200, check=False)
    assert done.stdout.strip() == "drawn; imported: []", done.stderr[-2000:]


def test_repeated_lines_are_not_taken_for_crowded_vectors(app: App) -> None:
    app.paste("the same line\nthe same line\nthe same line\nanother one")
    assert "2 instances repeat another, which raises it." in app.text
    assert "All vectors share one direction" not in app.text
