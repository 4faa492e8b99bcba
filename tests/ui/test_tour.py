"""The tour: offered to whoever has just come, taken from page to page, left at any step; and the help that has it."""

from __future__ import annotations

from embedviz.stories.glossary import GLOSSARY
from embedviz.ui.help import TERMS
from embedviz.ui.tour import STEPS
from tests.ui.conftest import App


def test_it_leads_through_the_pages_and_ends(app: App) -> None:
    assert "New here?" in app.text
    app.press("Take the tour")
    for number, step in enumerate(STEPS, 1):
        assert f"{number} of {len(STEPS)} · {step.title}" in app.text
        assert step.text in app.text
        app.press("Next" if number < len(STEPS) else "Done")
    assert " of 6 · " not in app.text
    assert not app.shows("button", "Next")
    app.page("Explore")
    assert "New here?" not in app.text


def test_it_can_be_left_and_begun_again(app: App) -> None:
    app.press("Take the tour").press("Leave the tour")
    assert not app.shows("button", "Next")
    # Help, below the sidebar, has the same button, and the words.
    app.press("Take the tour")
    assert STEPS[0].title in app.text
    for term in (*GLOSSARY, *TERMS):
        assert f"**{term}**: " in app.text


def test_who_does_not_want_it_is_not_asked_again(app: App) -> None:
    app.press("No, thanks")
    assert "New here?" not in app.text
