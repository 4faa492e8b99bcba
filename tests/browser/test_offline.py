"""Pages of HTML that were taken away, in a real Chromium: from disk, without a network, whatever the labels are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

import embedviz as ev
from embedviz.cli import main
from embedviz.export.page import Page as Explore
from embedviz.export.page import cosines_of
from embedviz.records import Instances
from tests.browser.axe import serious

pytestmark = pytest.mark.browser
ATTACK = "</script><b>of days</b><!--<script><img src=x onerror=window.pwned=1>"


def test_both_kinds_of_pages_open_from_disk(chromium: Browser, tmp_path: Path) -> None:
    context = chromium.new_context(offline=True, viewport={"width": 1300, "height": 900})
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
    for make, use in ((_report, _look_at_report), (_explore, _look_up_neighbours)):
        file = tmp_path / f"{make.__name__}.html"
        make(file)
        page.goto(file.as_uri())
        expect(page.locator("canvas").first).to_be_visible()
        use(page)
        assert page.locator("b, i, img").count() == 0
        assert page.evaluate("window.pwned") is None
        assert said == []
        assert serious(page) == []
    context.close()


def _report(file: Path) -> None:
    table = file.with_name("texts.csv")
    lines = [f'"the {word} of {number} {ATTACK}",{word}<i>' for word in ("cat", "bank") for number in range(12)]
    table.write_text("text,label\n" + "\n".join(lines))
    words = ["compare", "bundled", str(table), "--layers", "encoder.layer.0,encoder.layer.5", "--out", str(file)]
    assert main(words) == 0


def _look_at_report(page: Page) -> None:
    expect(page.get_by_role("heading", name="Biggest movers")).to_be_visible()


def _explore(file: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    texts = tuple(f"the {'cat' if place % 2 else 'bank'} {place} {ATTACK}" for place in range(40))
    instances = Instances(
        texts, tuple(f"<i>{place}" for place in range(40)), {ATTACK: tuple(texts[:2] * 20)}, ATTACK, ATTACK
    )
    embeddings = ev.Embeddings(rows, instances.ids)
    found = {name: cosines_of(embeddings, name) for name in ("centred", "none")}
    projection = ev.project(embeddings, "pca")
    file.write_text(Explore(ATTACK, ATTACK, instances, found, projection, colour=ATTACK).html(), "utf-8")


def _look_up_neighbours(page: Page) -> None:
    """From the search to an instance, to its neighbour, to the other cosines; and from the map to the tables."""
    page.get_by_label("Find").fill("cat 17")
    expect(page.get_by_role("status")).to_have_text("1 of 40 found")
    page.locator("#found button").click()
    heading, near = page.locator("#whose"), page.locator("#near")
    expect(heading).to_contain_text("Nearest to: “the cat 17 ")
    expect(near.locator("tr")).to_have_count(21)
    centred = near.locator("td.number").nth(1).inner_text()
    page.get_by_label("Cosines").select_option(index=1)
    expect(near.locator("td.number").nth(1)).not_to_have_text(centred)
    page.get_by_label("Find").fill("")
    second = near.locator("button").nth(1)
    name = second.inner_text()
    second.click()
    expect(heading).to_contain_text(name[:20])
    # The map has followed; a click on one of its points turns the tables.
    state = (
        "() => document.querySelector('.embedviz-linked-maps').shadowRoot.querySelector('.linked').__linkedMaps.state()"
    )
    seen = page.evaluate(state)
    [place] = seen["selected"]
    points = np.array(seen["panels"][0]["points"])
    apart = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e9 * np.eye(len(points))
    other = int(np.argmax(np.where(np.arange(len(points)) == place, -1, apart.min(axis=1))))
    page.mouse.click(*points[other].tolist())
    expect(heading).to_contain_text(f" {other} </script>")
