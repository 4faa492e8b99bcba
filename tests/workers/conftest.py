"""One pool of real workers for all tests of this folder and of the app: making one costs seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from embedviz.workers.items import pack
from embedviz.workers.pool import Pool
from embedviz.workers.pool import pool as shared_pool


@pytest.fixture(scope="session")
def workers() -> Pool:
    return shared_pool()


@pytest.fixture
def own(workers: Pool) -> Iterator[str]:
    """A session's name; what belongs to it is ended after the test."""
    yield "a session"
    workers.release("a session")


def capture_request(texts: list[str], **changes: Any) -> dict[str, Any]:
    ids = [str(number) for number in range(len(texts))]
    request = {"items": pack(texts, "text")[0], "ids": ids, "layers": ["encoder.layer.5"], "poolings": ["mean"]}
    return request | changes


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether the condition came true within so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def running(pid: int) -> bool:
    """Whether the process lives; one that nobody has buried yet does not. ``os.kill`` could not tell."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def many(count: int = 4000) -> list[str]:
    """Texts that keep a worker busy for some seconds; no two alike, since repeated ones are computed once."""
    return [
        f"number {number} of many sentences that are long enough to take the model a while" for number in range(count)
    ]


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, 9)
