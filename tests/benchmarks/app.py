"""How soon the app shows what: ``python -m tests.benchmarks.app [--repeat R] [--size small] [--cold]``.

A real server and a real Chromium. Starts take turns with ``streamlit hello``, which is what Streamlit itself needs;
changes are timed inside the page, from the press to the frame that shows the new picture.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, TimeoutError

from embedviz.pooling import AS_TRAINED, label
from embedviz.records import TOKENS
from tests.benchmarks.served import (
    ROOT,
    Memory,
    Server,
    answering,
    chromium,
    largest,
    served,
    settled,
    snapshot,
    taken,
    visit,
    wait_shown,
    watching,
)

FIRST, HELLO = "start to first page", "start to first page, streamlit hello"
ANY_MAP, MAP = "start to first map of any kind", "start to first UMAP map"
COLD = ", nothing compiled"
WORKER, PROCESS = "bundled model opened, in a warm worker", "bundled model opened, in a new process"
LAYER, LAYER_AGAIN = "another layer, new", "another layer, seen before"
POOLING, POOLING_AGAIN = "another pooling, new", "another pooling, seen before"
COLOUR, SENTENCE = "another colour", "a typed sentence, to its neighbours"
LANDING = "a sentence on Instance, to its landing"
#: What each is set beside.
BESIDE = {
    FIRST: HELLO,
    ANY_MAP: HELLO,
    MAP: HELLO,
    FIRST + COLD: HELLO,
    ANY_MAP + COLD: HELLO,
    MAP + COLD: HELLO,
    WORKER: PROCESS,
    LAYER: LAYER_AGAIN,
    POOLING: POOLING_AGAIN,
    COLOUR: LAYER_AGAIN,
    SENTENCE: LAYER_AGAIN,
    LANDING: SENTENCE,
}
#: Blocks of the bundled model below the one that is shown first.
BLOCKS = 5
WARM = "from embedviz.projection.warm import warm; warm()"
OPEN = "import embedviz; embedviz.bundled_checkpoint().layers"


@dataclass
class Results:
    """Seconds by what took them, in the order they were first measured; memory by whose it is."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.seconds.setdefault(name, []).append(value)


def run_code(code: str) -> float:
    """Seconds that a new process takes for it."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    return time.perf_counter() - began


def first_pictures(page: Page, server: Server, results: Results, suffix: str = "") -> None:
    """From the server's start until its pages and maps are there."""
    page.locator("[data-testid=stSidebar] h2").first.wait_for()
    results.add(FIRST + suffix, server.seconds())
    watching(page)
    wait_shown(page)
    results.add(ANY_MAP + suffix, server.seconds())
    wait_shown(page, captions=["UMAP · "])
    results.add(MAP + suffix, server.seconds())


def app_start(browser: Browser, results: Results, then: Callable[[Page, Server], None] | None = None) -> None:
    with served(["run", "app.py"]) as server:
        answering(server)
        with visit(browser, server.address) as page:
            first_pictures(page, server, results)
            if then is not None:
                then(page, server)


def hello_start(browser: Browser, results: Results) -> None:
    with tempfile.TemporaryDirectory() as folder, served(["hello"], Path(folder)) as server:
        answering(server)
        with visit(browser, server.address) as page:
            page.locator("[data-testid=stMain] h1").first.wait_for()
            results.add(HELLO, server.seconds())
            results.memory["streamlit hello"] = snapshot(server)["server"]


def cold_start(browser: Browser, results: Results) -> None:
    with tempfile.TemporaryDirectory() as cache, served(["run", "app.py"], NUMBA_CACHE_DIR=cache) as server:
        answering(server)
        with visit(browser, server.address) as page:
            first_pictures(page, server, results, COLD)


def choose(page: Page, box: str, option: str) -> Callable[[], None]:
    """Opens a list and returns the press that chooses from it."""
    found = page.get_by_role("option", name=option, exact=True)
    for _ in range(10):
        settled(page)
        page.get_by_role("combobox", name=box).click()
        # A page that is still being drawn, or scrolls, closes the list again.
        with suppress(TimeoutError):
            found.wait_for(timeout=1_000)
            break
    return found.click


def press_block(page: Page, number: int) -> Callable[[], None]:
    return page.locator(f'[role=treeitem][aria-label^="{number}, "]').click


def changes(page: Page, results: Results, repeat: int) -> None:
    """One change after the other on the page, each timed to its new picture."""
    last = page.locator("[data-testid=stMain] h1").inner_text()
    for number in range(min(repeat, BLOCKS)):
        heading = last.rsplit(".", 1)[0] + f".{number}"
        change_layer(page, results, heading, number)
        change_pooling(page, results)
        change_colour(page, results)
        back = taken(page, press_block(page, BLOCKS), heading=last, captions=["UMAP · "], redrawn=True)
        results.add(LAYER_AGAIN, back)
        type_sentence(page, results, f"The lamp in window {number} was never lit again.")


def change_layer(page: Page, results: Results, heading: str, number: int) -> None:
    press = press_block(page, number)
    results.add(LAYER, taken(page, press, heading=heading, captions=["UMAP · "], redrawn=True))


def change_pooling(page: Page, results: Results) -> None:
    for row, pooling in ((POOLING, "max"), (POOLING_AGAIN, AS_TRAINED)):
        said = label(pooling, TOKENS)
        press = choose(page, "Pooling", said)
        captions = ["UMAP · ", f"pooled {said.lower()}"]
        results.add(row, taken(page, press, captions=captions, redrawn=True))


def change_colour(page: Page, results: Results) -> None:
    for colour in ("one colour", "label"):
        results.add(COLOUR, taken(page, choose(page, "Colour", colour), redrawn=True))


def type_sentence(page: Page, results: Results, sentence: str) -> None:
    field_ = page.get_by_label("Add a sentence of your own", exact=True)
    field_.fill(sentence)
    captions = [f"Nearest to: “{sentence}”", "UMAP · "]
    results.add(SENTENCE, taken(page, lambda: field_.press("Enter"), captions=captions, redrawn=True))


#: Resolves with the milliseconds from the press of Enter until the page names the sentence and its map marks it.
LANDED = """sentence => { window.embedvizLanded = new Promise(resolve => {
    window.addEventListener("keydown", () => {
        const began = performance.now();
        const look = () => {
            const roots = [...document.querySelectorAll("*")].map(it => it.shadowRoot).filter(Boolean);
            const stages = roots.flatMap(root => [...root.querySelectorAll(".stage")]);
            const marked = stages.some(it => it.getAttribute("aria-label")?.includes(sentence));
            const named = document.body.innerText.includes(`Nearest to “${sentence}”`);
            if (marked && named) resolve(performance.now() - began);
            else requestAnimationFrame(look);
        };
        look();
    }, {once: true, capture: true});
}) }"""


def landings(page: Page, results: Results, repeat: int) -> None:
    """Sentences typed on the Instance page, each timed until it is on the map that is there."""
    page.get_by_role("link", name="Instance", exact=True).click()
    field_ = page.get_by_role("textbox", name="Type a sentence", exact=True)
    field_.wait_for()
    # The maps of all layers are drawn meanwhile; typing is measured after that.
    page.locator(".st-key-progress").wait_for(state="detached")
    settled(page)
    for number in range(repeat):
        sentence = f"Lamp {number} of the old pier was lit."
        field_.fill(sentence)
        page.evaluate(LANDED, sentence)
        field_.press("Enter")
        results.add(LANDING, float(page.evaluate("() => window.embedvizLanded")) / 1000)
        settled(page)


def memory(page: Page, server: Server, results: Results) -> None:
    """What every process holds, each at its largest while a new map is drawn."""
    with largest(server, results.memory):
        choose(page, "Pooling", label("first", TOKENS))()
        wait_shown(page, captions=["UMAP · ", f"pooled {label('first', TOKENS).lower()}"])


def opening(results: Results, repeat: int) -> None:
    """The bundled model, opened in workers of their own."""
    from embedviz.workers.model_worker import Source
    from embedviz.workers.pool import Pool

    pool = Pool()
    pool.start()
    try:
        while not pool.numbers_ready:
            time.sleep(0.05)
        for number in range(repeat + 1):
            owner = f"visitor {number}"
            began = time.perf_counter()
            pool.model(Source("bundled", owner=owner)).open()
            opened = time.perf_counter() - began
            pool.release(owner)
            # The first may have waited for the zygote.
            if number:
                results.add(WORKER, opened)
                results.add(PROCESS, run_code(OPEN))
    finally:
        pool.stop()


def report(results: Results) -> None:
    width = max(map(len, results.seconds))
    print(f"{'what':{width}} {'s':>7} {'least':>7} {'most':>7} {'ratio':>6}  beside")
    for name, values in results.seconds.items():
        middle = statistics.median(values)
        numbers = f"{middle:7.2f} {min(values):7.2f} {max(values):7.2f}"
        base = BESIDE.get(name)
        ratio = f"{middle / statistics.median(results.seconds[base]):6.2f}  {base}" if base else ""
        print(f"{name:{width}} {numbers} {ratio}".rstrip())
    print(f"\n{'process':{width}} {'RSS MB':>7} {'PSS MB':>7} {'USS MB':>7}")
    for name, found in results.memory.items():
        print(f"{name:{width}} " + " ".join(f"{n / 1e6:7.0f}" for n in (found.resident, found.share, found.own)))
    shares = [found.share for name, found in results.memory.items() if name != "streamlit hello"]
    print(f"{'the app, all together':{width}} {'':7} {sum(shares) / 1e6:7.0f}")


def measure(repeat: int, cold: bool) -> Results:
    results = Results()

    def session(page: Page, server: Server) -> None:
        changes(page, results, repeat)
        memory(page, server, results)
        landings(page, results, repeat)

    run_code(WARM)
    with chromium() as browser:
        for number in range(repeat):
            hello_start(browser, results)
            app_start(browser, results, session if number == repeat - 1 else None)
        if cold:
            cold_start(browser, results)
    opening(results, repeat)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--size", choices=["small", "full"], default="full", help="small: everything once")
    parser.add_argument("--cold", action="store_true", help="a start with nothing compiled too: a minute or more")
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    report(measure(1 if given.size == "small" else given.repeat, given.cold))


if __name__ == "__main__":
    main()
