"""Linked maps in a real Chromium: on a page of their own in the app, and opened from disk."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from embedviz.figures.linked import pack_maps, standalone
from tests.browser.conftest import serving
from tests.browser.linked_maps_app import ATTACK, glosses, hostile, made_maps, nearest

pytestmark = pytest.mark.browser

APP = Path(__file__).with_name("linked_maps_app.py")
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(APP) as (address, _):
        yield address


@pytest.fixture(scope="module")
def contexts(chromium: Browser) -> dict[str, BrowserContext]:
    """One context a theme, so that Streamlit's own files are loaded once; each page is a session of its own."""
    view = ViewportSize(width=1280, height=1100)
    return {
        "light": chromium.new_context(color_scheme="light", viewport=view),
        "dark": chromium.new_context(color_scheme="dark", viewport=view),
        "calm": chromium.new_context(viewport=view, reduced_motion="reduce"),
    }


@pytest.fixture
def visit(contexts: dict[str, BrowserContext], address: str) -> Iterator[Open]:
    pages: list[Page] = []
    errors: list[str] = []

    def go(query: str = "", theme: str = "light") -> Page:
        page = contexts[theme].new_page()
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(f"{address}/?{query}")
        expect(picture(page)).to_be_visible(timeout=30_000)
        expect(page.get_by_text("runs: 1")).to_be_visible()
        drawn(page)
        return page

    yield go
    for page in pages:
        page.close()
    assert errors == []


def picture(page: Page) -> Locator:
    return page.locator(".linked")


def state(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = picture(page).evaluate(
        """async element => {
            await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
            const state = element.__linkedMaps.state();
            // Playwright takes a minute over so many numbers.
            for (const panel of state.panels) if (panel.points.length > 1000) panel.points = panel.points.slice(0, 20);
            return JSON.parse(JSON.stringify(state));
        }"""
    )
    return found


def drawn(page: Page) -> dict[str, Any]:
    expect(picture(page).locator(".panel").first).to_be_visible()
    return state(page)


def lonely(points: list[list[Any]], within: tuple[float, float] = (0, 1e9)) -> int:
    """The point that is farthest from all others, so that the pointer on it can mean no other."""
    places = np.array([[np.nan, np.nan] if None in point else point for point in points], dtype=float)
    distances = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    np.fill_diagonal(distances, np.inf)
    room = np.nanmin(np.where(np.isnan(distances), np.inf, distances), axis=1)
    room[np.isnan(places).any(axis=1) | (places[:, 1] < within[0]) | (places[:, 1] > within[1])] = -1
    return int(room.argmax())


def hover(page: Page, panel: int = 0) -> int:
    points = state(page)["panels"][panel]["points"]
    i = lonely(points)
    page.mouse.move(*points[i])
    return i


def pixels(page: Page, panel: int, layer: str) -> bytes:
    """What one canvas of a panel holds."""
    url = picture(page).evaluate(
        "(element, [panel, layer]) => element.querySelectorAll(`.panel .${layer}`)[panel].toDataURL()", [panel, layer]
    )
    return str(url).encode()


def text(page: Page, start: str) -> Locator:
    return page.get_by_text(start)


def test_six_maps_share_one_frame(visit: Open) -> None:
    page = visit()
    seen = state(page)
    assert [panel["layer"] for panel in seen["panels"]] == [f"encoder.layer.{layer}.output" for layer in range(6)]
    assert seen["columns"] == 3
    boxes = (
        picture(page)
        .locator(".area")
        .evaluate_all(
            "all => all.map(it => { const { left, top, width, height } = it.getBoundingClientRect();"
            " return [left, top, width, height].map(Math.round) })"
        )
    )
    assert len({tuple(box[2:]) for box in boxes}) == 1
    assert len({box[0] for box in boxes}) == 3
    # One scale, the same both ways: distances on the page are those of the maps.
    maps = made_maps(glosses(), 7)
    scales = []
    for panel in seen["panels"]:
        places = maps[panel["layer"]].coordinates
        one, other = (np.array(panel["points"][i], dtype=float) for i in (0, 100))
        scales.append((other - one) / (places[100] - places[0]) * (1, -1))
        assert panel["points"][3] == [None, None] or panel is not seen["panels"][0]
    np.testing.assert_allclose(scales, np.full((6, 2), scales[0][0]), rtol=1e-3)


def test_pointing_at_an_instance_rings_it_in_every_map(visit: Open) -> None:
    page = visit()
    before = [pixels(page, panel, "points") for panel in range(6)]
    assert state(page)["ringed"] == [0] * 6
    i = hover(page, 4)
    seen = state(page)
    assert seen["hover"] == i
    assert seen["ringed"] == [1] * 6
    tip = picture(page).locator(".tip")
    expect(tip).to_contain_text(glosses().items[i][:40])
    expect(tip).to_contain_text(glosses().labels[i])
    expect(tip).to_contain_text("of its true neighbours")
    # Only what lies above the points is drawn again.
    assert [pixels(page, panel, "points") for panel in range(6)] == before
    page.mouse.move(5, 5)
    assert state(page)["hover"] is None
    expect(tip).to_be_hidden()
    expect(text(page, "runs: 1")).to_be_visible()


def test_lines_lead_to_the_true_neighbours_of_each_layer(visit: Open) -> None:
    page = visit()
    i = hover(page)
    near = nearest(made_maps(glosses(), 7))
    for panel, layer in enumerate(state(page)["panels"]):
        found = picture(page).evaluate(
            "(element, [panel, i]) => element.__linkedMaps.state().panels[panel].neighbours(i)", [panel, i]
        )
        assert found == near[layer["layer"]][i].tolist()


def test_a_click_selects_and_the_app_is_told_once(visit: Open) -> None:
    page = visit()
    i = hover(page, 1)
    page.mouse.down()
    page.mouse.up()
    assert state(page)["selected"] == [i]
    expect(text(page, f"selected: 1: {glosses().ids[i]!r}")).to_be_visible()
    expect(text(page, "told: 1")).to_be_visible()
    assert state(page)["ringed"] == [1] * 6
    assert state(page)["faded"] == 0
    points = state(page)["panels"][0]["points"]
    other = (i + 1) % 240 if None not in points[(i + 1) % 240] else (i + 2) % 240
    page.keyboard.down("Shift")
    page.mouse.click(*points[other])
    page.keyboard.up("Shift")
    expect(text(page, "selected: 2: ")).to_be_visible()
    assert state(page)["faded"] == 238
    page.keyboard.press("Escape")
    expect(text(page, "selected: 0: ")).to_be_visible()
    assert state(page)["faded"] == 0
    expect(text(page, "told: 3")).to_be_visible()


def lasso(page: Page, panel: int = 5, left: float = 0.02, right: float = 0.5) -> int:
    """Draw a lasso around a part of a panel; how many points lie in it."""
    box = picture(page).locator(".area").nth(panel).bounding_box()
    assert box
    x = [box["x"] + share * box["width"] for share in (left, right)]
    y = [box["y"] + share * box["height"] for share in (0.02, 0.98)]
    page.mouse.move(x[0], y[0])
    page.mouse.down()
    for place in ((x[1], y[0]), (x[1], y[1]), (x[0], y[1])):
        page.mouse.move(*place, steps=5)
    points = [point for point in state(page)["panels"][panel]["points"] if None not in point]
    page.mouse.up()
    return sum(x[0] < point[0] < x[1] and y[0] < point[1] < y[1] for point in points)


def test_a_lasso_selects_what_is_inside(visit: Open) -> None:
    page = visit()
    count = lasso(page)
    assert 20 < count < 220
    expect(text(page, f"selected: {count}: ")).to_be_visible()
    assert state(page)["faded"] == 240 - count
    expect(picture(page).locator(".summary")).to_have_text(f"{count} of 240 instances selected")
    page.get_by_role("button", name="Clear").click()
    expect(text(page, "selected: 0: ")).to_be_visible()
    expect(picture(page).locator(".summary")).to_have_text("240 instances")


def test_the_picture_follows_the_app_and_outlives_its_runs(visit: Open) -> None:
    page = visit()
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(400)
    zoom = state(page)["zoom"]
    assert zoom == pytest.approx(1.6)
    page.get_by_role("button", name="App selects the first two").click()
    expect(text(page, "selected: 2: ")).to_be_visible()
    expect(picture(page).locator(".summary")).to_have_text("2 of 240 instances selected")
    assert state(page)["selected"] == [0, 1]
    page.get_by_role("button", name="Run again").click()
    expect(text(page, "runs: 3")).to_be_visible()
    assert state(page)["zoom"] == zoom
    page.get_by_text("Hide the maps").click()
    expect(picture(page)).to_have_count(0)
    page.get_by_text("Hide the maps").click()
    expect(picture(page).locator(".summary")).to_have_text("2 of 240 instances selected")
    assert state(page)["zoom"] == zoom
    # Other colours are other data in the same places.
    page.get_by_text("No colours").click()
    expect(picture(page).locator(".legend")).to_be_hidden()
    assert (state(page)["zoom"], state(page)["selected"]) == (zoom, [0, 1])
    expect(text(page, "told: 0")).to_be_visible()


def test_maps_that_the_browser_holds_are_not_sent_again(visit: Open) -> None:
    page = visit()
    lengths = "element => element.__linkedMaps.settings.maps.length"
    assert picture(page).evaluate(lengths) > 50_000
    hover(page)
    page.mouse.down()
    page.mouse.up()
    expect(text(page, "runs: 2")).to_be_visible()
    assert picture(page).evaluate(lengths) == 0
    # Where the window has let them go all the same, it asks for them.
    page.get_by_text("Hide the maps").click()
    expect(picture(page)).to_have_count(0)
    page.evaluate("() => globalThis[Symbol.for('embedviz.linked_maps')].texts.clear()")
    page.get_by_text("Hide the maps").click()
    expect(picture(page).locator(".summary")).to_have_text("1 of 240 instances selected")
    assert len(state(page)["panels"]) == 6


def test_the_wheel_zooms_all_maps_about_the_pointer(visit: Open) -> None:
    page = visit()
    before = state(page)["panels"]
    i = hover(page, 2)
    page.mouse.wheel(0, -200)
    after = state(page)
    assert after["zoom"] > 1.2
    np.testing.assert_allclose(after["panels"][2]["points"][i], before[2]["points"][i], atol=1.5)
    page.get_by_role("button", name="Drag to move the maps").click()
    page.mouse.move(*before[2]["points"][i])
    page.mouse.down()
    x, y = before[2]["points"][i]
    page.mouse.move(x + 20, y + 10, steps=4)
    page.mouse.up()
    moved = state(page)["panels"]
    np.testing.assert_allclose(
        np.subtract(moved[0]["points"][50], after["panels"][0]["points"][50]), (20, 10), atol=0.5
    )
    assert state(page)["selected"] == []
    page.get_by_role("button", name="Show the whole").click()
    page.wait_for_timeout(400)
    assert state(page)["zoom"] == 1
    np.testing.assert_allclose(state(page)["panels"][0]["points"][50], before[0]["points"][50], atol=0.5)


def test_by_keyboard(visit: Open) -> None:
    page = visit()
    stage = page.get_by_role("application")
    expect(stage).to_have_attribute("aria-label", "Maps of seven layers, the same colours in each.")
    stage.focus()
    page.keyboard.press("ArrowRight")
    first = state(page)["cursor"]
    page.keyboard.press("ArrowRight")
    seen = state(page)
    points = seen["panels"][0]["points"]
    assert points[seen["cursor"]][0] > points[first][0]
    heard = picture(page).locator(".heard")
    expect(heard).to_contain_text(glosses().items[seen["cursor"]][:40])
    expect(heard).to_contain_text("encoder.layer.0.output")
    page.keyboard.press("PageDown")
    expect(heard).to_contain_text("encoder.layer.1.output")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(text(page, "selected: 1: ")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+Enter")
    expect(text(page, "selected: 2: ")).to_be_visible()
    page.keyboard.press("c")  # Streamlit's own shortcut
    page.keyboard.press("Escape")
    expect(text(page, "selected: 0: ")).to_be_visible()
    page.keyboard.press("+")
    page.wait_for_timeout(350)
    assert state(page)["zoom"] == pytest.approx(1.5)


def test_the_legend_fades_all_others(visit: Open) -> None:
    page = visit()
    entry = picture(page).get_by_role("button", name="animal")
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "true")
    assert state(page)["faded"] == 210
    lasso(page, 5, 0.02, 0.98)
    # What is faded is not caught.
    expect(text(page, "selected: 30: ")).to_be_visible()
    entry.click()
    page.keyboard.press("Escape")
    assert state(page)["faded"] == 210  # the selection is still there: the legend had the focus
    page.get_by_role("button", name="Clear").click()
    assert state(page)["faded"] == 0


def test_a_search_and_a_focus(visit: Open) -> None:
    page = visit(f"search&focus={glosses().ids[8]}")
    assert state(page)["faded"] == 235
    seen = state(page)
    assert seen["ringed"] == [1] * 6
    expect(picture(page).locator(".summary")).to_have_text("240 instances · 5 found")
    # Of so many, only the one that is looked at is named, on each map and within it.
    for names in within(page, seen):
        assert [name["text"] for name in names] == [f"{glosses().items[8][:27].rstrip()}…"]


def within(page: Page, seen: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The words on each map: none over another, all inside the frame."""
    areas = picture(page).locator(".area").evaluate_all("all => all.map(it => [it.clientWidth, it.clientHeight])")
    for panel, (width, height) in zip(seen["panels"], areas, strict=True):
        for place, name in enumerate(panel["names"]):
            assert 0 <= name["left"] <= name["left"] + name["width"] <= width
            assert 8 <= name["top"] <= height - 8
            for other in panel["names"][:place]:
                beside = name["left"] >= other["left"] + other["width"] or other["left"] >= name["left"] + name["width"]
                assert beside or abs(name["top"] - other["top"]) >= 14
    return [panel["names"] for panel in seen["panels"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_few_points_carry_words(visit: Open, theme: str) -> None:
    page = visit("case=hostile&maps=1", theme)
    (names,) = within(page, state(page))
    texts = {name["i"]: name["text"] for name in names}
    assert len(texts) >= 6
    assert texts[0] == "</script><img src=x onerror…"
    assert texts[7] == "<u></u>7", "without a text, the id"
    # The legend fades others, whose words go too.
    page.get_by_role("button", name="</script><img").click()
    assert {name["i"] for name in state(page)["panels"][0]["names"]} == {0, 4}


def test_small_maps_name_only_what_is_chosen(visit: Open) -> None:
    page = visit("case=hostile")
    page.set_viewport_size({"width": 900, "height": 1100})
    assert state(page)["columns"] == 3
    assert within(page, state(page)) == [[]] * 6
    page.mouse.click(*state(page)["panels"][5]["points"][0])
    page.mouse.move(5, 5)
    assert [[name["i"] for name in names] for names in within(page, state(page))] == [[0]] * 6
    page.keyboard.press("Escape")
    assert within(page, state(page)) == [[]] * 6


def test_trust_fades_what_the_map_does_not_keep(visit: Open) -> None:
    page = visit("maps=1")
    before = pixels(page, 0, "points")
    page.get_by_role("button", name="Trust").click()
    state(page)  # drawn
    assert pixels(page, 0, "points") != before
    page.get_by_role("button", name="Trust").click()
    state(page)
    assert pixels(page, 0, "points") == before


def test_trails_lead_through_all_layers(visit: Open) -> None:
    page = visit("mode=trails")
    hint = picture(page).locator(".hint")
    expect(hint).to_contain_text("Click a point")
    empty = pixels(page, 0, "over")
    i = hover(page)
    page.mouse.down()
    page.mouse.up()
    expect(text(page, "selected: 1: ")).to_be_visible()
    expect(hint).to_be_hidden()
    page.mouse.move(5, 5)
    assert state(page)["ringed"] == [1]
    assert pixels(page, 0, "over") != empty
    stops = picture(page).evaluate(
        "element => element.__linkedMaps.trails.stops.map(it => [it.layer.name, it.x, it.y])"
    )
    finite = [name for name, map_ in made_maps(glosses(), 7).items() if np.isfinite(map_.coordinates[i]).all()]
    assert [stop[0] for stop in stops] == finite
    box = picture(page).locator(".area").bounding_box()
    assert box
    page.mouse.move(box["x"] + stops[0][1], box["y"] + stops[0][2])
    expect(picture(page).locator(".tip")).to_contain_text(f"Here: {stops[0][0]}")
    lasso(page, 0, 0.02, 0.98)
    expect(hint).to_contain_text("The first 12 of ")


def test_the_flight_moves_the_points_from_layer_to_layer(visit: Open) -> None:
    page = visit("mode=flight")
    slider = page.get_by_role("slider", name="Layer")
    title = picture(page).locator(".title")
    expect(title).to_have_text("encoder.layer.0.output")
    start = state(page)["panels"][0]["points"]
    slider.fill("6")
    expect(title).to_have_text("encoder.layer.6.output")
    end = state(page)["panels"][0]["points"]
    slider.fill("2.5")
    between = np.array(state(page)["panels"][0]["points"], dtype=float)
    slider.fill("2")
    one = np.array(state(page)["panels"][0]["points"], dtype=float)
    slider.fill("3")
    other = np.array(state(page)["panels"][0]["points"], dtype=float)
    np.testing.assert_allclose(between, (one + other) / 2, atol=0.01)
    assert np.abs(np.subtract(end[50], start[50])).max() > 5
    page.get_by_role("button", name="To the layer before").click()
    expect(title).to_have_text("encoder.layer.2.output")
    expect(slider).to_have_value("2")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(700)
    assert 2 < state(page)["position"] < 6
    page.get_by_role("button", name="Run again").click()
    expect(text(page, "runs: 2")).to_be_visible()
    assert state(page)["playing"]
    page.get_by_role("button", name="Pause").click()
    position = state(page)["position"]
    page.wait_for_timeout(200)
    assert state(page)["position"] == position
    slider.focus()
    page.keyboard.press("End")
    expect(title).to_have_text("encoder.layer.6.output")
    expect(page.get_by_role("button", name="To the next layer")).to_be_disabled()


def test_the_flight_jumps_where_little_motion_is_wanted(visit: Open) -> None:
    page = visit("mode=flight", "calm")
    positions = picture(page).evaluate(
        """async element => {
            const seen = new Set(), maps = element.__linkedMaps, end = performance.now() + 2800;
            maps.flight.play();
            while (performance.now() < end) {
                seen.add(maps.flight.position);
                await new Promise(done => setTimeout(done, 20));
            }
            return [...seen];
        }"""
    )
    assert positions == [0, 1, 2]


def test_pictures_change_without_losing_the_selection(visit: Open) -> None:
    page = visit()
    page.get_by_role("button", name="App selects the first two").click()
    expect(text(page, "selected: 2: ")).to_be_visible()
    for mode, panels in (("trails", 1), ("flight", 1), ("maps", 6)):
        page.get_by_role("radio", name=mode).click()
        expect(page.locator(f".linked[data-mode={mode}]")).to_be_visible()
        seen = state(page)
        assert seen["selected"] == [0, 1]
        assert seen["ringed"] == [2] * panels


@pytest.mark.parametrize(("width", "columns"), [(420, 1), (700, 2), (1280, 3)])
def test_fewer_maps_beside_one_another_where_it_is_narrow(visit: Open, width: int, columns: int) -> None:
    page = visit()
    page.set_viewport_size({"width": width, "height": 1100})
    for _ in range(50):  # Streamlit's own layout follows when it likes
        if state(page)["columns"] == columns:
            break
        page.wait_for_timeout(60)
    assert state(page)["columns"] == columns
    widths = picture(page).evaluate("element => [element.scrollWidth, element.clientWidth]")
    assert widths[0] <= widths[1]


def test_names_and_texts_of_others_are_text(visit: Open) -> None:
    page = visit("case=hostile")
    expect(picture(page).locator(".title").first).to_contain_text("</script><img src=x onerror=window.pwned=1> $x$")
    for i in range(8):
        page.mouse.move(5, 5)
        point = state(page)["panels"][5]["points"][i]
        page.mouse.move(*point)
    page.mouse.click(*state(page)["panels"][5]["points"][0])
    expect(text(page, "selected: 1: ")).to_be_visible()
    expect(picture(page).locator(".tip .text")).to_contain_text("<img src=x onerror=window.pwned=1> $x$ turned")
    assert page.evaluate("() => window.pwned") is None
    expect(picture(page).locator(":is(img, b, i, u, textarea, script)")).to_have_count(0)


def test_no_instances(visit: Open) -> None:
    page = visit("case=empty")
    expect(picture(page).locator(".summary")).to_have_text("0 instances")
    expect(picture(page).locator(".hint").first).to_have_text("No instances.")
    page.get_by_role("application").focus()
    for key in ("ArrowRight", "Enter", "PageDown", "Escape"):
        page.keyboard.press(key)
    lasso(page)
    for mode in ("trails", "flight"):
        page.get_by_role("radio", name=mode).click()
        expect(page.locator(f".linked[data-mode={mode}]")).to_be_visible()
    page.get_by_role("button", name="Play").click()
    assert state(page)["selected"] == []


def test_twenty_thousand_instances(visit: Open) -> None:
    page = visit("case=large")
    points = state(page)["panels"][0]["points"]
    page.mouse.move(*points[17])
    seen = state(page)
    assert seen["hover"] is not None
    assert seen["spent"]["over"] < 400  # 5 ms on an idle machine; this bound only tells a runaway
    lasso(page)
    count = len(state(page)["selected"])
    assert 1000 < count < 19_000
    assert state(page)["faded"] == 20_000 - count
    expect(text(page, f"selected: {count}: ")).to_be_visible(timeout=20_000)
    # What is drawn already follows the wheel at once; the points are drawn anew when it rests.
    page.mouse.wheel(0, -100)
    canvas = picture(page).locator(".points").first
    page.wait_for_timeout(1500)
    assert canvas.evaluate("it => it.style.transform") == ""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["maps", "trails", "flight"])
def test_axe_finds_nothing_in_either_theme(visit: Open, theme: str, mode: str) -> None:
    page = visit(f"mode={mode}", theme=theme)
    page.get_by_role("button", name="App selects the first two").click()
    expect(picture(page).locator(".summary")).to_have_text("2 of 240 instances selected")
    hover(page)
    expect(picture(page).locator(".tip")).to_be_visible()
    response = Axe().run(page, context=".st-key-maps").response
    found = [(one["id"], one["nodes"][0]["html"][:200]) for one in response["violations"]]
    assert found == []
    assert {"color-contrast", "aria-allowed-attr", "button-name"} <= {one["id"] for one in response["passes"]}


@pytest.mark.parametrize(("theme", "darkest", "lightest"), [("light", 200, 256), ("dark", 0, 70)])
def test_it_looks_as_the_theme_does(visit: Open, theme: str, darkest: int, lightest: int) -> None:
    page = visit(theme=theme)
    shown = Image.open(io.BytesIO(picture(page).screenshot())).convert("L")
    [mean] = ImageStat.Stat(shown).mean
    assert darkest <= mean <= lightest


# Opened from disk


@pytest.fixture
def disk(chromium: Browser, tmp_path: Path) -> Iterator[Callable[[str], Page]]:
    """A file opened without a network; whatever it asks for or complains of fails the test."""
    context = chromium.new_context(viewport=ViewportSize(width=1280, height=1400), offline=True)
    errors: list[str] = []

    def go(content: str) -> Page:
        file = tmp_path / "maps.html"
        file.write_text(f"<!doctype html><meta charset=utf-8><title>Maps</title>{content}", encoding="utf-8")
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text))
        page.on("request", lambda request: errors.append(request.url) if not request.url.endswith(".html") else None)
        page.goto(file.as_uri())
        return page

    yield go
    context.close()
    assert errors == []


def test_a_file_on_disk_is_the_same_picture(disk: Callable[[str], Page]) -> None:
    instances = glosses()
    maps = made_maps(instances, 3)
    packed = pack_maps(maps, instances, colour="label", neighbours=nearest(maps), theme="dark")
    names = list(maps)
    page = disk(
        standalone(packed, shown=names, alt="Three layers.", height=300)
        + standalone(packed, mode="flight", shown=names, alt="A flight.", height=400)
    )
    expect(page.locator(".linked")).to_have_count(2)
    expect(page.get_by_role("application").first).to_have_attribute("aria-label", "Three layers.")
    first = page.locator(".linked").first
    points = first.evaluate("element => element.__linkedMaps.state().panels.map(it => it.points)")
    i = lonely(points[1])
    page.mouse.click(*points[1][i])
    expect(first.locator(".summary")).to_have_text("1 of 240 instances selected")
    expect(first.locator(".tip")).to_contain_text(instances.items[i][:40])
    assert first.evaluate("element => element.__linkedMaps.state().ringed") == [1, 1, 1]
    page.get_by_role("slider", name="Layer").fill("1")
    expect(page.locator(".linked").last.locator(".title")).to_have_text(names[1])
    blank = Image.new("RGB", (10, 10), "#0E1117")
    corner = Image.open(io.BytesIO(first.screenshot())).convert("RGB").crop((0, 0, 10, 10))
    assert ImageChops.difference(corner, blank).getbbox() is None


def test_a_file_on_disk_with_hostile_texts(disk: Callable[[str], Page]) -> None:
    instances = hostile()
    maps = {ATTACK + name: projection for name, projection in made_maps(instances, 2).items()}
    packed = pack_maps(maps, instances, colour=ATTACK, captions=dict.fromkeys(maps, ATTACK))
    page = disk(standalone(packed, shown=list(maps), alt=ATTACK))
    expect(page.locator(".linked .title")).to_have_count(2)
    expect(page.locator(".linked .caption").first).to_contain_text("</script><img src=x onerror=window.pwned=1> $x$")
    point = page.locator(".linked").evaluate("element => element.__linkedMaps.state().panels[1].points[0]")
    page.mouse.move(*point)
    expect(page.locator(".tip .text")).to_contain_text("</script><img src=x")
    assert page.evaluate("() => window.pwned") is None
    expect(page.locator("img, .linked :is(img, b, i, u)")).to_have_count(0)
