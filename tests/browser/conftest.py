"""A real Chromium, and Streamlit servers for it to visit."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
OPTIONS = {"server.headless": "true", "server.fileWatcherType": "none", "browser.gatherUsageStats": "false"}
PORTS = range(8710, 8731)


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
    for port in PORTS:
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                free.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"No port of {PORTS} is free.")


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
