"""A server in a process of its own, the Chromium in front of it, and the memory they hold."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
PORTS = range(8740, 8751)
PATIENCE = 90.0


@dataclass
class Server:
    """A Streamlit server: ``started`` is the moment its process was asked for."""

    process: subprocess.Popen[bytes]
    address: str
    started: float

    def seconds(self) -> float:
        return time.perf_counter() - self.started


def free_port() -> int:
    for port in PORTS:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)):
                return port
    raise OSError(f"Ports {PORTS[0]} to {PORTS[-1]} are all taken.")


@contextmanager
def served(arguments: Sequence[str], folder: Path = ROOT, **environment: str) -> Iterator[Server]:
    """``streamlit ARGUMENTS`` in ``folder`` on a port of its own until the block ends."""
    port = free_port()
    options = {"headless": "true", "port": port, "address": "127.0.0.1"}
    command = [sys.executable, "-m", "streamlit", *arguments, "--browser.gatherUsageStats=false"]
    command += [f"--server.{name}={value}" for name, value in options.items()]
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=os.environ | environment, stdout=log, stderr=log)
        try:
            yield Server(process, f"http://127.0.0.1:{port}", started)
        except Exception:
            log.seek(0)
            print(log.read().decode(errors="replace")[-4_000:], file=sys.stderr)
            raise
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def answering(server: Server) -> None:
    """Return as soon as the server answers."""
    while server.seconds() < PATIENCE:
        try:
            urllib.request.urlopen(f"{server.address}/_stcore/health", timeout=5).close()
            return
        except OSError:
            if server.process.poll() is not None:
                break
            time.sleep(0.02)
    raise TimeoutError(f"No answer from {server.address}.")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or Playwright's own, that has shown an empty page already."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        with visit(browser, "about:blank"):
            pass
        yield browser
        browser.close()


@contextmanager
def visit(browser: Browser, address: str) -> Iterator[Page]:
    """A page in a context of its own, which has nothing in its cache."""
    context = browser.new_context(viewport=ViewportSize(width=1280, height=1400))
    try:
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(address, wait_until="commit")
        yield page
    finally:
        context.close()


#: ``embedviz.watch(wanted)`` begins with the next press of the pointer or of Enter, and keeps the milliseconds until
#: the page first shows what is wanted: a heading, parts of captions, another figure than the one that is there now.
WATCH = """() => {
    const figure = () => JSON.stringify(document.querySelector(".js-plotly-plot")?.data ?? null);
    const texts = selector => [...document.querySelectorAll(selector)].map(it => it.innerText);
    const shown = ({heading, captions, other}) => {
        if (heading && !texts("[data-testid=stMain] h1").includes(heading)) return false;
        const told = texts("[data-testid=stMain] [data-testid=stCaptionContainer]");
        if (!(captions ?? []).every(part => told.some(text => text.includes(part)))) return false;
        const now = figure();
        return now !== "null" && now !== other;
    };
    const watch = wanted => {
        const other = wanted.redrawn ? figure() : undefined;
        window.embedviz.taken = new Promise((resolve, reject) => {
            const begin = event => {
                if (event.type === "keydown" && event.key !== "Enter") return;
                for (const name of ["pointerdown", "keydown"]) window.removeEventListener(name, begin, true);
                const began = performance.now();
                const look = () => {
                    const taken = performance.now() - began;
                    if (shown({...wanted, other})) resolve(taken);
                    else if (taken > wanted.patience) reject(new Error(`never shown: ${JSON.stringify(wanted)}`));
                    else requestAnimationFrame(look);
                };
                look();
            };
            for (const name of ["pointerdown", "keydown"]) window.addEventListener(name, begin, true);
        });
    };
    window.embedviz = {watch, shown};
}"""


def watching(page: Page) -> None:
    page.evaluate(WATCH)


def wait_shown(page: Page, **wanted: Any) -> None:
    """Return as soon as the page shows this (see ``WATCH``)."""
    page.wait_for_function("wanted => window.embedviz.shown(wanted)", arg=wanted, polling="raf")


def settled(page: Page) -> None:
    """Return once no script runs any more."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def taken(page: Page, act: Callable[[], None], **wanted: Any) -> float:
    """Seconds from the press in ``act`` to the first frame that shows what is wanted."""
    page.evaluate("wanted => window.embedviz.watch(wanted)", {**wanted, "patience": 1000 * PATIENCE})
    act()
    return float(page.evaluate("() => window.embedviz.taken")) / 1000


@dataclass(frozen=True)
class Memory:
    """Bytes of a process: all it maps, its share of what is mapped by several, and what is its alone."""

    resident: int
    share: int
    own: int


def held(process: psutil.Process) -> Memory:
    info = process.memory_full_info()
    return Memory(info.rss, getattr(info, "pss", 0), info.uss)


def processes(server: Server) -> dict[str, psutil.Process]:
    """The server and all it started, by what they are; of several workers of a kind, one."""
    found = {"server": psutil.Process(server.process.pid)}
    for child in found["server"].children():
        # A process may end meanwhile, or have ended and not be collected yet.
        with suppress(psutil.NoSuchProcess):
            words = child.cmdline()
            if "embedviz.workers.zygote" not in words:
                continue
            kind = words[words.index("embedviz.workers.zygote") + 1]
            found[f"zygote of {kind} workers"] = child
            found |= {f"{kind} worker": worker for worker in child.children()}
    return found


@contextmanager
def largest(server: Server, found: dict[str, Memory]) -> Iterator[None]:
    """Adds to ``found`` the most that each process held while the block ran."""
    over = Event()

    def sample() -> None:
        while not over.wait(0.02):
            for name, memory in snapshot(server).items():
                found[name] = max(found.get(name, memory), memory, key=lambda each: each.own)

    sampler = Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield
    finally:
        over.set()
        sampler.join()


def snapshot(server: Server) -> Mapping[str, Memory]:
    """What each process holds now; one that ends meanwhile is left out."""
    memories: dict[str, Memory] = {}
    for name, process in processes(server).items():
        with suppress(psutil.NoSuchProcess):
            memories[name] = held(process)
    return memories
