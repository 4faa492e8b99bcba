"""An accessibility check of every page, in both themes, with what a person brings onto it."""

from __future__ import annotations

import pytest
import torch
from playwright.sync_api import expect

from tests.browser.axe import serious
from tests.browser.conftest import Enter
from tests.browser.visit import LATE, Visit
from tests.packing import saved

pytestmark = pytest.mark.browser
_VIEWS = ("Tokens", "Layer by layer", "Tokenizer lab", "Token by token")


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
    name = "<img src=x onerror=alert(1)>.weight"
    visit.upload_model(("odd.pt", saved({name: torch.zeros(2, 3)}))).says("could not be opened", LATE)
    found["Doctor: not opened"] = serious(page)
    visit.photograph(f"axe-refused-{theme}")
    assert {name: rules for name, rules in found.items() if rules} == {}
    assert len(found) == 10
