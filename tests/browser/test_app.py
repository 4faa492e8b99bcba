"""The whole app in a real Chromium: what a person sees and does, and what goes on behind it."""

from __future__ import annotations

import re
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Enter
from tests.browser.visit import LATE, SOON, Visit
from tests.conftest import Save
from tests.packing import zipped

pytestmark = [pytest.mark.browser, pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")]


def zygote(server: int, kind: str) -> psutil.Process:
    """The process that forks this kind of worker."""
    children = psutil.Process(server).children()
    return next(each for each in children if each.cmdline()[2:4] == ["embedviz.workers.zygote", kind])


def long_work(count: int = 400) -> list[str]:
    return [
        f"sentence {number} of a long list, each with enough words to take the model a while" for number in range(count)
    ]


@pytest.mark.slow
def test_the_main_path(enter: Enter) -> None:
    visit = enter()
    page = visit.page
    expect(visit.heading).to_have_text("encoder.layer.5")
    visit.says(re.compile("nearest neighbours survive on this map"))

    visit.layer("2, BertLayer").click()
    expect(visit.heading).to_have_text("encoder.layer.2", timeout=SOON)
    visit.layer("2, BertLayer").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(visit.heading).to_have_text("encoder.layer.3", timeout=SOON)
    visit.settle()

    typed = {"a small furry pet": "mammal", "the joy of seeing friends": "joy", "a long river": "river"}
    for number, (text, near) in enumerate(typed.items(), 1):
        visit.type(text).says(re.compile(f"· {240 + number} instances"))
        visit.lists(near)

    page.mouse.move(5, 5)
    chosen = visit.loneliest()
    page.mouse.click(*visit.drawn()[chosen])
    expect(page.get_by_text("Nearest to: “a long river”")).to_have_count(0, timeout=SOON)
    visit.settle().says(re.compile("^Nearest to: “"))
    visit.lists("1")

    box = visit.map.bounding_box()
    assert box is not None
    visit.map.hover()
    page.locator("[data-title='Box Select']").first.click()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"], steps=8)
    page.mouse.up()
    visit.says(re.compile(r"^\d+ selected$"))
    visit.settle().photograph("selected")
    selected = page.get_by_text(re.compile(r"^\d+ selected$")).first.inner_text()
    visit.layer("4, BertLayer").click()
    expect(visit.heading).to_have_text("encoder.layer.4", timeout=SOON)
    visit.settle().says(selected)
    visit.press("Clear the selection")
    expect(page.get_by_text(selected)).to_have_count(0, timeout=SOON)
    visit.settle()


def test_a_lasso_selects_as_well_and_the_table_shows_the_group(enter: Enter) -> None:
    visit = enter()
    page = visit.page
    visit.map.hover()
    page.locator("[data-title='Lasso Select']").first.click()
    box = visit.map.bounding_box()
    assert box is not None
    corners = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.7), (0.2, 0.7), (0.2, 0.25)]
    for number, (right, down) in enumerate(corners):
        page.mouse.move(box["x"] + right * box["width"], box["y"] + down * box["height"], steps=6)
        if number == 0:
            page.mouse.down()
    page.mouse.up()
    told = page.get_by_text(re.compile(r"^\d+ selected$")).first
    expect(told).to_be_visible(timeout=SOON)
    count = int(told.inner_text().split()[0])
    visit.settle()
    visit.segment("Table")
    visit.settle()
    grid = page.locator("[data-testid=stMain] [data-testid=stDataFrame] [role=grid]")
    expect(grid).to_have_attribute("aria-rowcount", str(count + 1))


def test_colour_and_search(enter: Enter) -> None:
    visit = enter()
    page = visit.page
    legend = visit.map.locator(".legend .traces")
    expect(legend).to_have_count(8)
    page.get_by_role("combobox", name="Colour").click()
    page.get_by_role("option", name="one colour").click()
    expect(legend).to_have_count(0, timeout=SOON)
    page.get_by_label("Find", exact=True).fill("animal")
    page.get_by_label("Find", exact=True).press("Enter")
    visit.says(re.compile(r"^\d+ of 240 found$")).settle()


def test_the_maps_settings(enter: Enter) -> None:
    visit = enter()
    page = visit.page
    page.get_by_role("button", name="Map").first.click()
    visit.segment("t-SNE").says("Neighbourhood size").settle()
    page.get_by_role("spinbutton", name="Seed").fill("5")
    visit.photograph("settings").press("Draw")
    visit.says(re.compile(r"^t-SNE · .*seed 5 · 240 instances"), LATE).settle()
    page.get_by_role("button", name="Map").first.click()
    visit.segment("3-D")
    visit.press("Draw")
    expect(visit.map.locator("canvas").first).to_be_attached(timeout=LATE)
    visit.settle().photograph("three-d")


@pytest.mark.slow
def test_a_model_is_uploaded_and_a_broken_one_says_why(enter: Enter, save: Save) -> None:
    visit = enter()
    visit.type("kept whatever happens")
    data = zipped(save("Bert"))
    visit.upload_model(("broken.zip", data[: len(data) // 2]))
    visit.says("This zip is damaged or incomplete").photograph("broken")
    visit.segment("Bundled").press("Open the bundled model").settle()
    expect(visit.failure).to_have_count(0)
    visit.says(re.compile("· 241 instances"))
    visit.upload_model(("tiny.zip", data))
    expect(visit.heading).to_have_text(re.compile(r"^encoder\.layer\.2"), timeout=LATE)
    visit.settle().says(re.compile("tiny.zip · pooled")).says(re.compile("· 241 instances"))


@pytest.mark.slow
def test_two_people_see_only_their_own_and_one_death_is_not_the_others(
    enter: Enter, save: Save, served: tuple[str, int]
) -> None:
    one, other = enter(), enter()
    other.upload_model(("theirs.zip", zipped(save("Bert"))))
    expect(other.heading).to_have_text(re.compile(r"^encoder\.layer\.2"), timeout=LATE)
    other.settle().type("only the other's")
    workers = {each.pid for each in zygote(served[1], "model").children()}
    assert len(workers) >= 2, "each checkpoint has a process of its own"
    one.type("only the one's")
    assert one.page.get_by_text("theirs.zip").count() == 0
    assert one.page.get_by_text("only the other's").count() == 0
    assert other.page.get_by_text("only the one's").count() == 0

    one.paste(long_work())
    _run_if_asked(one)
    busy = max(zygote(served[1], "model").children(), key=lambda each: each.memory_info().rss)
    one.says(re.compile("Capturing"))
    busy.kill()
    expect(one.failure).to_contain_text("SIGKILL", timeout=SOON)
    one.photograph("killed")
    other.type("and they go on")
    one.press("Start it again").settle()
    expect(one.failure).to_have_count(0)
    one.says(re.compile("· 401 instances"))


def _run_if_asked(visit: Visit) -> None:
    """Work that will take long waits for a press of Run."""
    run, bar = visit.page.get_by_role("button", name="Run", exact=True).first, visit.page.locator(".st-key-progress")
    expect(run.or_(bar).first).to_be_visible(timeout=SOON)
    if run.is_visible():
        run.click()
    expect(bar).to_be_visible(timeout=SOON)


@pytest.mark.slow
def test_cancel_stops_and_loses_nothing(enter: Enter) -> None:
    visit = enter()
    visit.paste([f"{text} indeed" for text in long_work()])
    _run_if_asked(visit)
    start = time.monotonic()
    visit.press("Cancel")
    visit.says("Stopped, as you asked")
    assert time.monotonic() - start < 5
    expect(visit.page.locator(".st-key-progress")).to_have_count(0)
    visit.says("400 instances").photograph("cancelled")
    visit.segment("Samples").press("Use this sample").settle()
    visit.says(re.compile("· 240 instances"))


@pytest.mark.slow
def test_twenty_quick_changes_end_in_the_last_and_start_little(enter: Enter, served: tuple[str, int]) -> None:
    visit = enter()
    # Nothing of the first picture is still under way then.
    visit.type("twenty quick changes").says(re.compile(r"\(chance\)"), LATE)
    parent = zygote(served[1], "numbers")
    seen: set[int] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            seen.update(child.pid for child in parent.children())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        visit.page.evaluate(
            """async () => {
                const rows = [...document.querySelectorAll(".st-key-layer_tree *")].map(it => it.shadowRoot ?? it);
                const find = label => rows.flatMap(it => [...it.querySelectorAll("[role=treeitem]")])
                    .find(it => it.ariaLabel.startsWith(label));
                for (let number = 0; number < 20; number++) {
                    find(`${number % 5}, BertLayer`).click();
                    await new Promise(done => setTimeout(done, 25));
                }
            }"""
        )
        expect(visit.heading).to_have_text("encoder.layer.4", timeout=LATE)
        visit.settle()
    finally:
        over.set()
        watching.join(5)
    expect(visit.heading).to_have_text("encoder.layer.4")
    # Each picture takes four pieces of work: raw cosines, centred cosines, the map, and how far to trust it.
    assert len(seen) <= 12, f"{len(seen)} pieces of work for 20 changes"


def test_the_server_maps_no_torch(enter: Enter, served: tuple[str, int]) -> None:
    enter()
    maps = Path(f"/proc/{served[1]}/maps").read_text()
    for library in ("libtorch", "llvmlite", "tokenizers"):
        assert library not in maps
    assert "libtorch" in Path(f"/proc/{zygote(served[1], 'model').pid}/maps").read_text()


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1920)])
def test_nothing_is_wider_than_the_window(enter: Enter, theme: str, width: int) -> None:
    visit = enter(theme, width, 1000)
    for place in ("html", "[data-testid=stMain]", "[data-testid=stSidebarContent]"):
        wide, room = visit.page.locator(place).evaluate("it => [it.scrollWidth, it.clientWidth]")
        assert wide <= room, place
    visit.photograph(f"{theme}-{width}")
