"""How soon the Compare page shows what: ``python -m tests.benchmarks.compare_page [--size N] [--repeat R]``.

A real server and a real Chromium. ``N`` texts are brought, then all blocks of the bundled model are compared: to the
measures, to the last map, and from a click on a point in the linked maps to its neighbours before and after.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

from playwright.sync_api import Page

from tests.benchmarks.capture import texts
from tests.benchmarks.served import answering, chromium, served, settled, visit, watching

MEASURES, MAPS = "all blocks: press to the measures", "all blocks: press to the last map"
PAIR, SELECTED = "another pair, to its movers", "a point clicked, to its neighbours"
ROWS = (MEASURES, MAPS, PAIR, SELECTED)
#: Milliseconds.
_PATIENCE = 240_000
#: A place on the screen where one point of the first map lies, far from the others.
LONELY = """element => {
    const points = element.__linkedMaps.state().panels[0].points.filter(point => point[0] !== null).slice(0, 400);
    const room = point => Math.min(...points.map(other => other === point ? 1e9
        : Math.hypot(other[0] - point[0], other[1] - point[1])));
    return points.reduce((best, point) => room(point) > room(best) ? point : best);
}"""


def bring(page: Page, count: int) -> None:
    """Paste the texts and wait for their map."""
    page.get_by_role("radio", name="Paste", exact=True).first.click()
    box = page.get_by_role("textbox", name="One instance a line")
    box.fill("\n".join(texts(count)))
    box.press("Control+Enter")
    page.get_by_role("button", name="Use these lines").click()
    page.get_by_text("pasted lines").first.wait_for()
    watching(page)
    captions = ["UMAP · ", f"{count:,} instance"]
    until(page, lambda: bool(page.evaluate("wanted => window.embedviz.shown(wanted)", {"captions": captions})))


def until(page: Page, there: Callable[[], bool]) -> None:
    """Wait for it, and press Run where the page asks for that, as it does on a slow machine."""
    end = time.monotonic() + _PATIENCE / 1000
    while not there():
        assert time.monotonic() < end, page.locator("[data-testid=stMain]").inner_text()
        button = page.get_by_role("button", name="Run", exact=True)
        if button.count():
            settled(page)
            button.first.click()
            page.wait_for_timeout(1_000)
        page.wait_for_timeout(50)
    settled(page)


def compare(page: Page, found: dict[str, list[float]]) -> None:
    began = time.perf_counter()
    page.get_by_role("link", name="Compare", exact=True).click()
    until(page, page.get_by_role("heading", name="Biggest movers").is_visible)
    found[MEASURES].append(time.perf_counter() - began)
    page.locator(".linked .panel").first.wait_for()
    found[MAPS].append(time.perf_counter() - began)
    settled(page)


def pair(page: Page, found: dict[str, list[float]]) -> None:
    box = page.get_by_role("combobox", name="The other")
    for name in ("encoder.layer.3", "encoder.layer.5"):
        box.click()
        option = page.get_by_role("option", name=name, exact=True)
        option.wait_for()
        began = time.perf_counter()
        option.click()
        page.get_by_text(f"to {name}: of its").wait_for()
        found[PAIR].append(time.perf_counter() - began)
        settled(page)


def select(page: Page, found: dict[str, list[float]]) -> None:
    maps = page.locator(".linked")
    maps.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    place = maps.evaluate(LONELY)
    said = "() => JSON.stringify([...document.querySelectorAll('[data-testid=stMain] strong')].map(it => it.innerText))"
    before = page.evaluate(said)
    began = time.perf_counter()
    page.mouse.click(*place)
    page.wait_for_function(f"before => ({said})() !== before", arg=before, polling="raf")
    found[SELECTED].append(time.perf_counter() - began)
    settled(page)


def measure(size: int, repeat: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {row: [] for row in ROWS}
    with chromium() as browser, served(["run", "app.py"]) as server:
        answering(server)
        for _ in range(repeat):
            with visit(browser, server.address) as page:
                page.set_default_timeout(_PATIENCE)
                page.get_by_role("heading", name="3 Instances").wait_for()
                bring(page, size)
                compare(page, found)
                pair(page, found)
                select(page, found)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000, help="how many texts (1,000)")
    parser.add_argument("--repeat", type=int, default=1, help="how many sessions, each new; later ones find results")
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    found = measure(given.size, given.repeat)
    width = max(map(len, ROWS))
    print(f"{given.size:,} texts, 7 layers of the bundled model")
    print(f"{'what':{width}} {'s':>7} {'least':>7} {'most':>7}")
    for row, values in found.items():
        print(f"{row:{width}} {statistics.median(values):7.2f} {min(values):7.2f} {max(values):7.2f}")


if __name__ == "__main__":
    main()
