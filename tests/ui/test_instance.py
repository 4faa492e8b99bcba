"""The Instance page: a sentence on the map, its neighbours, its vector, its tokens, its way through the layers."""

from __future__ import annotations

import re

import numpy as np

import embedviz as ev
from embedviz.modalities.samples import load_sample
from tests.ui.conftest import App

SENTENCE = "A lion sleeps in the tall grass of the savannah."


def looked_at(app: App, view: str = "Vector") -> App:
    """The page with one of its views, once all of it is there."""
    app.page("Instance").until(lambda app: app.settled and "Dimensions that stand out" in app.text, 120)
    return app.choose_way("In depth", view)


def typed(app: App, sentence: str) -> App:
    app.labelled("text_input", "Type a sentence").set_value(sentence)
    return app.press("Show").until(lambda app: f"Nearest to “{sentence}”" in app.text)


def test_a_typed_sentence_is_placed_among_the_set(app: App) -> None:
    typed(looked_at(app), SENTENCE)
    checkpoint, sample = ev.bundled_checkpoint(), load_sample("wordnet-glosses")
    path = checkpoint.recommended.path
    vectors = ev.capture(checkpoint, [SENTENCE, *sample.items], [path], "mean")[path].vectors.astype(np.float64)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = units[1:] @ units[0]
    frame = next(each.value for each in app.at.dataframe if "cosine" in each.value)
    best = np.argsort(-cosines)[: len(frame)]
    np.testing.assert_allclose(frame["cosine"], cosines[best], atol=1e-5)
    assert frame["text"].tolist() == [sample.items[place] for place in best]
    assert re.search(r"\d+ of its 10 true neighbours are beside it here, where it was put by", app.text)
    assert "240 instances" in app.text, "The set stays as it is."
    # The lines of Python, run, give the vector of the page.
    code = next(each.value for each in app.at.code if "import embedviz" in each.value)
    names: dict[str, object] = {}
    exec(code, names)
    np.testing.assert_allclose(np.asarray(names["vector"]), units[0], atol=1e-5)


def test_every_view_has_what_it_promises(app: App) -> None:
    typed(looked_at(app), SENTENCE)
    app.choose_way("In depth", "Tokens").until(lambda app: "of them special" in app.text)
    assert "2 of them special, 0 unknown" in app.text
    assert "badge[savannah]" in app.text
    app.choose_way("In depth", "Layer by layer").until(lambda app: "Cosine with the partner" in app.text, 120)
    frame = next(each.value for each in app.at.dataframe if "kept" in each.value)
    assert frame["layer"].tolist() == ["embeddings", *(f"encoder.layer.{number}" for number in range(6))]
    assert all(re.fullmatch(r"\d+ of 10", kept) for kept in frame["kept"][1:])
    app.choose_way("In depth", "Token by token").until(lambda app: "Each point is a token" in app.text, 120)
    assert "any two of the tokens drawn have" in app.text


def test_an_instance_of_the_set_is_where_the_map_has_it(app: App) -> None:
    looked_at(app)
    sample = load_sample("wordnet-glosses")
    app.labelled("selectbox", "Or choose one of the set").set_value(sample.ids[7])
    app.run()
    assert f"Nearest to “{sample.items[7]}”" in app.text
    assert re.search(r"sure place: \d+ of its 15 true neighbours are beside it here", app.text)


def test_of_a_few_nothing_is_said_of_how_sure_a_place_is(app: App) -> None:
    app.paste("\n".join(f"{animal} sleep all day" for animal in ("Cats", "Dogs", "Owls", "Bats", "Moles")))
    looked_at(app)
    assert "Of fewer than 10 instances it cannot be told how sure a place is" in app.text
    assert "sure place:" not in app.text


def test_a_text_that_is_cut_is_said_at_the_top(app: App) -> None:
    looked_at(app).labelled("text_input", "Type a sentence").set_value("a word or two " * 300)
    app.press("Show").until(lambda app: "tokens the vector knows nothing." in app.text)


def test_what_was_typed_can_join_the_set(app: App) -> None:
    typed(looked_at(app), SENTENCE)
    app.press("Add to the set").until(lambda app: app.settled and "241 instances" in app.text, 120)
    assert f"Nearest to “{SENTENCE}”" in app.text


def test_nothing_is_typed(app: App) -> None:
    looked_at(app)
    app.press("Show")
    assert "Type some words first." in app.text
