"""A visit to the app in Chromium: one page in one browser context, and what a person does there."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

SCREENSHOTS = Path(__file__).with_name("screenshots")
SOON, LATE = 20_000, 60_000


class Visit:
    """One page in one browser context, and what a person does there."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(f"page error: {error}"))
        page.on("requestfailed", lambda request: self.errors.append(f"failed: {request.url} {request.failure}"))
        page.on("response", lambda answer: self._answered(answer.status, answer.url))
        page.on("console", lambda message: self._said(message.type, message.text))

    def _answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.errors.append(f"{status}: {url}")

    def _said(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(f"console: {text}")

    def settle(self, timeout: int = LATE) -> Visit:
        """Wait until nothing runs and the picture is of the present settings."""
        page = self.page
        page.locator("[data-testid=stApp][data-test-connection-state=CONNECTED]").wait_for(timeout=timeout)
        page.wait_for_function(
            """() => {
                const app = document.querySelector("[data-testid=stApp]");
                const still = app?.dataset.testScriptState === "notRunning"
                    && !document.querySelector(".st-key-progress, [data-stale=true]")
                    && document.querySelector("h1");
                window.stillSince = still ? window.stillSince ?? performance.now() : undefined;
                return window.stillSince !== undefined && performance.now() - window.stillSince > 350;
            }""",
            timeout=timeout,
            polling=50,
        )
        page.evaluate("() => { window.stillSince = undefined }")
        return self

    @property
    def heading(self) -> Locator:
        return self.page.locator("[data-testid=stMain] h1").first

    @property
    def map(self) -> Locator:
        return self.page.locator("[data-testid=stMain] .js-plotly-plot").first

    @property
    def failure(self) -> Locator:
        return self.page.locator(".st-key-failure")

    def says(self, text: str | re.Pattern[str], timeout: int = SOON) -> Visit:
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=timeout)
        return self

    def press(self, name: str) -> Visit:
        self.page.get_by_role("button", name=name, exact=True).first.click()
        return self

    def segment(self, name: str) -> Visit:
        """Press one part of a control such as "Bundled | Upload"."""
        self.page.get_by_role("radio", name=name, exact=True).first.click()
        return self

    def type(self, text: str) -> Visit:
        box = self.page.get_by_label("Add a sentence of your own", exact=True)
        box.fill(text)
        box.press("Enter")
        self.says(f"Nearest to: “{text}”", LATE)
        return self.settle()

    def paste(self, lines: list[str]) -> Visit:
        self.segment("Paste")
        self.page.get_by_role("textbox", name="One instance a line").fill("\n".join(lines))
        self.page.get_by_role("textbox", name="One instance a line").press("Control+Enter")
        self.press("Use these lines")
        return self.says("pasted lines")

    def turn_to(self, page: str) -> Visit:
        """Turn to a page by its link at the top."""
        self.page.get_by_role("link", name=page, exact=True).first.click()
        return self

    def upload_model(self, *files: tuple[str, bytes]) -> Visit:
        self.segment("Upload")
        with tempfile.TemporaryDirectory(prefix="upload-") as folder:
            paths = [Path(folder) / name for name, _ in files]
            for path, (_, data) in zip(paths, files, strict=True):
                path.write_bytes(data)
            self.page.locator("[data-testid=stSidebar] input[type=file]").first.set_input_files(paths)
            self.page.get_by_role("button", name="Open the upload").click(timeout=LATE)
        return self

    def layer(self, label: str) -> Locator:
        """The tree's row whose label begins so: "3, BertLayer"."""
        return self.page.locator(f'[role=treeitem][aria-label^="{label}"]')

    def lists(self, text: str) -> Visit:
        """Wait until the table beside the map, as a screen reader finds it, has a row with this in it."""
        cells = self.page.locator("[data-testid=stMain] [data-testid=stDataFrame] [role=gridcell]")
        expect(cells.filter(has_text=text).first).to_be_attached(timeout=SOON)
        return self

    def drawn(self) -> dict[str, list[float]]:
        """Where on the screen each instance is drawn, by its id."""
        found: dict[str, list[float]] = self.map.evaluate(
            """gd => {
                const box = gd.getBoundingClientRect(), { xaxis: x, yaxis: y } = gd._fullLayout, found = {};
                for (const trace of gd._fullData) {
                    (trace.customdata || []).forEach((data, index) => {
                        found[data[0]] = [
                            box.left + x._offset + x.l2p(trace.x[index]), box.top + y._offset + y.l2p(trace.y[index]),
                        ];
                    });
                }
                return found;
            }"""
        )
        return found

    def loneliest(self) -> str:
        """The id of the point that is farthest from all others, so that a click on it can mean no other.

        None that the person added: the last of them is chosen already, and a click on it would give it up.
        """
        places = self.drawn()

        def room(one: str) -> float:
            return min(
                (places[one][0] - x) ** 2 + (places[one][1] - y) ** 2
                for other, (x, y) in places.items()
                if other != one
            )

        return max((one for one in places if not one.startswith("mine-")), key=room)

    def photograph(self, name: str) -> Visit:
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")
        return self
