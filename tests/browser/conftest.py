"""A real Chromium, and Streamlit servers for it to visit."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect, sync_playwright

from tests.browser.visit import LATE, SOON, Visit

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
OPTIONS = {"server.headless": "true", "server.fileWatcherType": "none", "browser.gatherUsageStats": "false"}


@contextmanager
def serving(script: Path, *words: str, log: Path | None = None, **environment: str) -> Iterator[tuple[str, int]]:
    """A Streamlit server for ``script``: its address and process id."""
    options = OPTIONS | {"server.address": "127.0.0.1", "server.port": str(_free_port())}
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [f"--{name}={value}" for name, value in options.items()]
    with (log or Path(os.devnull)).open("wb") as out:
        server = subprocess.Popen(
            [*command, *words], cwd=ROOT, stdout=out, stderr=out, env={**os.environ, **environment}
        )
    try:
        address = f"http://127.0.0.1:{options['server.port']}"
        _wait_for(address, server)
        yield address, server.pid
    finally:
        server.terminate()
        server.wait(20)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert server.poll() is None, "The server ended."
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
            return
        except (URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError(f"No answer from {address}.")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The app's address and process id, in a home and with temporary files of its own."""
    home = tmp_path_factory.mktemp("home")
    # A Unix socket's or a cache's path may not be too long, so temporary files are not in pytest's deep folders.
    with (
        tempfile.TemporaryDirectory(prefix="app-") as temporary,
        serving(ROOT / "app.py", "--", "--allow-code", log=home / "server.log", HOME=str(home), TMPDIR=temporary) as (
            address,
            pid,
        ),
    ):
        yield address, pid


#: Opens the app in a new browser context: ``enter(theme, width, height)``.
Enter = Callable[..., Visit]


@pytest.fixture
def enter(chromium: Browser, served: tuple[str, int], request: pytest.FixtureRequest) -> Iterator[Enter]:
    """Open the app in a new browser context; what goes wrong in any of them fails the test."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def go(theme: Any = "light", width: int = 1280, height: int = 900) -> Visit:
        view = ViewportSize(width=width, height=height)
        context = chromium.new_context(color_scheme=theme, viewport=view, reduced_motion="reduce")
        contexts.append(context)
        context.set_default_timeout(SOON)
        visit = Visit(context.new_page())
        visits.append(visit)
        visit.page.goto(served[0])
        # On a slow machine the first picture waits for a press of Run.
        run = visit.page.locator("[data-testid=stMain]").get_by_role("button", name="Run", exact=True)
        expect(visit.map.or_(run).first).to_be_visible(timeout=LATE)
        if run.count():
            run.first.click()
        expect(visit.map).to_be_visible(timeout=LATE)
        return visit.settle()

    yield go
    for number, visit in enumerate(visits):
        visit.photograph(f"{re.sub(r'[^a-z0-9]+', '-', request.node.name)}-{number}")
    errors = [error for visit in visits for error in visit.errors]
    for context in contexts:
        context.close()
    assert errors == []
