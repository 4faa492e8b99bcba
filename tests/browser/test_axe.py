"""An accessibility check of every page, in both themes, with what a person brings onto it."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Enter
from tests.browser.visit import LATE, Visit

pytestmark = pytest.mark.browser
_VIEWS = ("Tokens", "Layer by layer", "Tokenizer lab", "Token by token")


def serious(page: Page) -> list[tuple[str, str]]:
    """Rules that are broken seriously, and the first place of each."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [(each["id"], each["nodes"][0]["html"][:200]) for each in found if each["impact"] in ("critical", "serious")]


def settled(visit: Visit) -> Visit:
    """On a slow machine what a page shows waits for a press of Run."""
    run = visit.page.locator("[data-testid=stMain]").get_by_role("button", name="Run", exact=True)
    visit.settle(2 * LATE)
    if run.count():
        run.first.click()
    return visit.settle(2 * LATE)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_serious_finding(enter: Enter, theme: str) -> None:
    visit = enter(theme, height=1200)
    page, found = visit.page, {}
    visit.press("Take the tour")
    for title in ("Explore", "Instance", "Compare", "Present", "Doctor"):
        settled(visit.turn_to(title))
        found[title] = serious(page)
        visit.photograph(f"axe-{title.lower()}-{theme}")
        if title == "Instance":
            box = page.get_by_role("textbox", name="Type a sentence", exact=True)
            box.fill("She sat down on the bank of the river.")
            box.press("Enter")
            expect(page.get_by_text("Nearest to “She sat down on the bank of the river.”")).to_be_visible(timeout=LATE)
            for view in _VIEWS:
                settled(visit.segment(view))
                found[f"{title}: {view}"] = serious(page)
    assert {name: rules for name, rules in found.items() if rules} == {}
    assert len(found) == 9
