"""A model of pictures in a real Chromium: thumbnails in the table, and the picture under the pointer on the map."""

from __future__ import annotations

import sys

import pytest
import torch
from playwright.sync_api import expect

from tests.browser.axe import serious
from tests.browser.conftest import Enter
from tests.browser.visit import LATE, SOON
from tests.packing import saved

pytestmark = [pytest.mark.browser, pytest.mark.skipif(sys.platform != "linux", reason="Chromium is Debian's")]


def network() -> bytes:
    torch.manual_seed(0)
    layers = (torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(288, 10))
    return saved(torch.nn.Sequential(*layers))


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_pictures_are_seen_on_the_map_and_in_the_table(enter: Enter, theme: str) -> None:
    visit = enter(theme).upload_model(("digits.pt", network())).says("This model reads pictures", LATE)
    expect(visit.page.get_by_text("digits.pt · ").first).to_be_visible(timeout=LATE)
    visit.settle()
    place = visit.drawn()[visit.loneliest()]
    card = visit.page.locator(".st-key-map_card img[src^='data:image/png']")
    for _ in range(40):  # the map is drawn anew at times, and the card looks for it
        visit.page.mouse.move(place[0] + 40, place[1])
        visit.page.mouse.move(*place)
        if card.count() and card.first.is_visible():
            break
        visit.page.wait_for_timeout(250)
    expect(card.first).to_be_visible(timeout=SOON)
    visit.photograph(f"pictures-{theme}")
    visit.page.mouse.click(*place)
    visit.says("Nearest to: “").settle()
    visit.photograph(f"pictures-neighbours-{theme}")
    assert serious(visit.page) == []
