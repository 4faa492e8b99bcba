"""The Present page in a real Chromium, by keyboard alone, and its offline page, opened from disk without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.axe import serious
from tests.browser.conftest import Enter
from tests.browser.visit import LATE, Visit

pytestmark = pytest.mark.browser


def through(page: Page, *, checked: bool) -> None:
    """From the first slide to the last and back by keys alone; where ``checked``, nothing that axe minds on any."""
    place, title = page.locator(".place"), page.locator(".player h2")
    for number, key in enumerate(("Home", "Space", "ArrowRight", "PageDown", "End"), 1):
        page.keyboard.press(key)
        expect(place).to_have_text(f"{number} of 5")
        assert not checked or serious(page) == []
    expect(title).to_have_text("What to be careful about")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    expect(title).to_have_text("What the model is given")


def guess(page: Page) -> None:
    """Choose the second of what there is to choose from, and see what is true."""
    expect(page.locator(".options button")).to_have_count(4, timeout=LATE)
    page.keyboard.press("2")
    expect(page.locator(".options [data-mark=right] .told")).to_contain_text("nearest")
    expect(page.locator(".answer")).to_contain_text("cosine")


def in_sight(page: Page) -> None:
    """What is answered is whole, and the way on lies below it in the window."""
    answer, way = (page.locator(each).bounding_box() for each in (".after", ".ways"))
    assert answer is not None
    assert way is not None
    assert answer["y"] + answer["height"] <= way["y"]
    assert way["y"] + way["height"] <= page.evaluate("() => innerHeight")
    # The map gave way, and is whole.
    picture, legend = (page.locator(each).bounding_box() for each in (".picture", ".picture .legend"))
    assert picture is not None
    assert legend is not None
    assert legend["y"] + legend["height"] <= picture["y"] + picture["height"] + 1
    cut = "all => all.filter(it => it.scrollHeight > it.clientHeight + 1).map(it => it.textContent)"
    assert all(len(text) > 60 for text in page.locator(".options .text").evaluate_all(cut))


def story_of(enter: Enter, theme: str = "light") -> Visit:
    visit = enter(theme)
    page = visit.page
    page.get_by_role("link", name="Present", exact=True).first.click()
    run = page.locator("[data-testid=stMain]").get_by_role("button", name="Run", exact=True)
    expect(page.locator(".player h2").or_(run).first).to_be_visible(timeout=LATE)
    if run.count():
        run.click()
    expect(page.locator(".player h2")).to_have_text("What the model is given", timeout=2 * LATE)
    return visit.settle(2 * LATE)


def test_a_whole_presentation_by_keyboard(enter: Enter, tmp_path: Path) -> None:
    visit = story_of(enter, "dark")
    page = visit.page
    through(page, checked=True)
    page.keyboard.press("t")
    page.keyboard.type("A f r c wolf howled")
    page.keyboard.press("Enter")
    guess(page)
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement")
    expect(page.locator(".story")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".place")).to_have_text("2 of 5")
    page.keyboard.press("f")
    page.wait_for_function("() => !document.fullscreenElement")
    expect(page.locator(".story")).to_be_hidden()
    page.keyboard.press("Home")
    expect(page.locator(".answer")).to_contain_text("cosine")
    page.keyboard.press("End")
    page.keyboard.press("t")
    page.keyboard.type("The old wolf howled at the pale moon above the hill. " * 2)
    page.keyboard.press("Enter")
    guess(page)
    in_sight(page)
    page.keyboard.press("Home")
    visit.photograph("present")

    page.get_by_role("radio", name="Edit the story").click()
    with page.expect_download() as begun:
        page.get_by_role("button", name="One offline page").click()
    begun.value.save_as(tmp_path / "story.html")
    offline(visit, tmp_path / "story.html")


def offline(visit: Visit, file: Path) -> None:
    browser = visit.page.context.browser
    assert browser is not None
    context = browser.new_context(offline=True, color_scheme="light", viewport={"width": 1280, "height": 800})
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    here = ("file:", "data:")
    page.on("request", lambda request: None if request.url.startswith(here) else said.append(request.url))
    page.goto(file.as_uri())
    expect(page.locator(".player h2")).to_have_text("What the model is given")
    expect(page.get_by_role("heading", level=1)).to_have_text("Does a model know what an animal is?")
    assert page.locator(".entry input").count() == 0, "There is no model to type for."
    # The slides are those of the app; what is the page's own is looked at once, in the other theme.
    through(page, checked=False)
    page.keyboard.press("t")
    page.keyboard.press("Enter")
    guess(page)
    assert serious(page) == []
    expect(page.locator(".shortcut")).to_be_visible()
    page.set_viewport_size({"width": 600, "height": 800})
    expect(page.locator(".shortcut")).to_be_hidden()
    assert said == []
    context.close()


def test_the_browser_asks_before_a_story_of_ones_own_is_lost(enter: Enter) -> None:
    visit = enter()
    visit.press("Add to the story").says("This is step 1 of your story").settle()
    asked: list[str] = []

    def go_on(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    visit.page.on("dialog", go_on)
    visit.page.reload()
    assert asked == ["beforeunload"]
    visit.settle()
