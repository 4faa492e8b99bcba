"""The Present page: the story of the settings, a story of one's own, its file, and a sentence that is tried."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.metrics.pairwise import cosine_similarity

import embedviz as ev
from embedviz.modalities.samples import load_sample
from embedviz.stories import Story, tell, write_story
from embedviz.ui.opened import opened
from embedviz.ui.present import trying
from embedviz.ui.state import BUNDLED
from tests.packing import saved
from tests.stories.evidence import evidence_of
from tests.ui.conftest import App
from tests.ui.test_modalities import digits

SENTENCE = "It rained all day long."


def told(app: App) -> dict[str, Any]:
    """What the player was given; nothing while there is none."""
    players = [each for each in app.at.get("bidi_component") if each.proto.component_name == "embedviz_story_player"]
    return json.loads(players[0].proto.json) if players else {"story": {"steps": []}}


def titles(app: App) -> list[str]:
    return [step["title"] for step in told(app)["story"]["steps"]]


def kinds(app: App) -> list[str]:
    return [step["picture"]["kind"] for step in told(app)["story"]["steps"]]


def upload(app: App, data: bytes) -> App:
    app.labelled("file_uploader", "Open a story").set_value(("a.story.json", data, "application/json"))
    return app.run()


def test_stories_are_made_put_together_and_opened(app: App, bundled: ev.Checkpoint) -> None:
    app.press("Add to the story").page("Present")
    assert app.heading == "My story"
    assert titles(app) == ["What the model makes of “Dictionary definitions”"]

    app.choose_way("Story", False)
    app.until(lambda app: kinds(app) == ["examples", "strips", "maps", "maps", "maps"], 90)
    assert app.heading == "Does a model know what an animal is?"
    assert told(app)["live"] == [True] * 5
    assert all("240" in " ".join(step["sentences"]) for step in told(app)["story"]["steps"][::2])

    app.choose_way("View", "edit")
    app.press("Make it your own")
    first = app.labelled("text_input", "Step 1")
    assert first.value == "What the model makes of “Dictionary definitions”"
    next(each for each in app.at.text_area if each.label == "Sentences, one a line").set_value("Mine alone: 7.\n\nTwo.")
    app.labelled("text_input", "Title").set_value("For the team")
    app.run()
    app.labelled("button", "Down").click()
    app.run()
    [_, _, remove, *_] = [each for each in app.at.button if each.label == "Remove"]
    remove.click()
    app.run()
    app.choose_way("View", "present")
    assert app.heading == "For the team"
    assert titles(app)[:2] == ["What the model is given", "What the model makes of “Dictionary definitions”"]
    assert told(app)["story"]["steps"][1]["sentences"] == ["Mine alone: 7.", "Two."]
    assert "encoder.layer.5" in told(app)["story"]["steps"][1]["from"]
    assert len(titles(app)) == 5

    app.choose_way("View", "edit")
    assert "cannot be read as a story" in upload(app, b'{"format": ').errors
    assert "damaged" in upload(app, b'{"format": "embedviz story", "version": 1, "steps": [{}]}').errors
    assert app.heading == "For the team", "A file that cannot be opened takes nothing away."
    story = tell(evidence_of(bundled, load_sample("paraphrases")))
    assert not upload(app, write_story(story)).errors
    app.choose_way("View", "present")
    assert app.heading == "Does a model know when two sentences mean the same?"
    assert told(app)["live"] == [True] * 5, "The model of the story is open."
    a_sentence_is_tried(story, bundled)


def a_sentence_is_tried(story: Story, bundled: ev.Checkpoint) -> None:
    """At the chosen layer and, in the step about depth, at the first; by the worker that the app has."""
    model, texts = opened(BUNDLED), list(story.steps[0].shown.texts)
    for place, path in ((0, "encoder.layer.5"), (3, "embeddings")):
        answer = trying.answer(story, model, {"number": 5, "step": place, "text": f"  {SENTENCE} "}, "tests")
        assert answer is not None
        vectors = ev.capture(bundled, [*texts, SENTENCE], layers=[path], pooling="mean")[path].vectors
        cosines = cosine_similarity(vectors[-1:], vectors[:-1])[0]
        trial = answer["trial"]
        assert trial["asked"]["text"] == SENTENCE
        assert trial["options"][trial["nearest"]]["text"] == texts[cosines.argmax()]
        expected = [cosines[texts.index(option["text"])] for option in trial["options"]]
        np.testing.assert_allclose(trial["cosines"], expected, atol=1e-5)
    for asked in (None, {}, {"number": "5", "step": 0, "text": "x"}, {"number": 5, "step": 99, "text": "x"}):
        assert trying.answer(story, model, asked, "tests") is None
    wrong = trying.answer(story, model, {"number": 5, "step": 0, "text": " "}, "tests")
    assert wrong is not None
    assert "nothing to read" in wrong["error"]
    strange = replace(story.steps[0], source=replace(story.steps[0].source, postprocessing="upside down"))
    odd = trying.answer(Story("odd", (strange,)), model, {"number": 5, "step": 0, "text": "x"}, "tests")
    assert odd is not None
    assert "no such post-processing" in odd["error"]
    gone = trying.answer(story, None, {"number": 5, "step": 0, "text": "x"}, "tests")
    assert gone is not None
    assert "not open" in gone["error"]


def test_a_model_of_pictures_has_a_story_without_typing(app: App) -> None:
    torch.manual_seed(0)
    app.upload(("digits.pt", saved(digits()))).until(lambda app: "This model reads" in app.text).until_drawn()
    app.page("Present").until(lambda app: "maps" in kinds(app), 90)
    steps = told(app)["story"]["steps"]
    assert told(app)["live"] == [False] * len(steps)
    assert "digit" in app.heading
    first = steps[0]["picture"]["rows"][0]
    assert base64.b64decode(first["picture"]).startswith(b"\x89PNG")
    assert all(option["picture"] for option in steps[0]["trials"][0]["options"])
    assert "300 pictures: 10 kinds, 30 of each." in steps[0]["sentences"][0]
