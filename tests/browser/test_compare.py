"""The Compare page in a real Chromium: from all blocks to two layers, their movers, a selection, and a null model."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Enter
from tests.browser.visit import LATE, Visit

pytestmark = pytest.mark.browser


def compared(visit: Visit) -> Visit:
    """The page with everything on it; on a slow machine it waits for a press of Run."""
    page = visit.page
    run, maps = page.get_by_role("button", name="Run", exact=True), linked(page)
    expect(run.or_(maps).first).to_be_visible(timeout=LATE)
    if not maps.count():
        run.first.click()
    expect(maps).to_be_visible(timeout=2 * LATE)
    return visit.settle()


def linked(page: Page) -> Locator:
    return page.locator("[data-testid=stMain]").get_by_text(re.compile(r"^keeps .* neighbours$")).first


def click_cell(visit: Visit, row: int, column: int) -> None:
    """Click into the navigator, where the cell is drawn."""
    place = visit.map.evaluate(
        """(gd, [row, column]) => {
            const box = gd.getBoundingClientRect(), { xaxis: x, yaxis: y } = gd._fullLayout;
            return [box.left + x._offset + x.l2p(column), box.top + y._offset + y.l2p(row)];
        }""",
        [row, column],
    )
    visit.page.mouse.move(*place)
    visit.page.mouse.click(*place)


def test_from_all_blocks_to_two_layers(enter: Enter) -> None:
    visit = compared(enter(height=1400).turn_to("Compare").says("Which layer should I use?", 2 * LATE))
    visit.says(re.compile("From embeddings to encoder.layer.5"))
    click_cell(visit, 2, 5)
    visit.says(re.compile("From encoder.layer.1 to encoder.layer.4"))
    visit.settle()
    expect(visit.page.get_by_text(re.compile("^keeps .* neighbours$"))).to_have_count(2)
    visit.page.get_by_role("radio", name="Flight").click()
    expect(visit.page.get_by_role("slider")).to_be_visible(timeout=LATE)
    visit.page.get_by_role("radio", name="Trails").click()
    visit.says(re.compile("to see their way through the layers"))
    visit.photograph("compare")
