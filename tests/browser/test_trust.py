"""How far the map can be trusted, as a person finds out."""

from __future__ import annotations

import re
import sys

import pytest
from playwright.sync_api import expect

from tests.browser.axe import serious
from tests.browser.conftest import Enter
from tests.browser.visit import LATE, SOON

pytestmark = [pytest.mark.browser, pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")]


def test_trust_is_shown_on_the_map_and_beside_it(enter: Enter) -> None:
    visit = enter("dark")
    page = visit.page
    visit.says(re.compile(r"PCA keeps \d+ in \d+, a random picture 1 in 16 \(chance\)"), LATE)

    page.get_by_role("combobox", name="Trust").click()
    page.get_by_role("option", name="colour", exact=True).click()
    expect(visit.map.get_by_text("kept neighbours")).to_be_visible(timeout=SOON)
    expect(visit.map.locator(".legend .traces")).to_have_count(0)

    page.mouse.move(5, 5)
    page.mouse.click(*visit.drawn()[visit.settle().loneliest()])
    visit.says("Clear the selection").settle().segment("Trust")
    visit.says(re.compile(r"nearest neighbours on this map\.$")).settle()
    tables = page.locator("[data-testid=stMain] [data-testid=stDataFrame] [role=grid]")
    expect(tables).to_have_count(2)
    wide, room = page.locator("[data-testid=stMain]").evaluate("it => [it.scrollWidth, it.clientWidth]")
    assert wide <= room
    assert serious(page) == []

    page.locator(".st-key-trust_part").get_by_role("radio", name="Pairs").click()
    visit.says("Near on the map, strangers in truth").settle()
    visit.photograph("trust")
