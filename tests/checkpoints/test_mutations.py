"""Checkpoints damaged by chance, with fixed seeds: each opens or is refused in words; nothing else ever happens.

``EMBEDVIZ_MUTATIONS`` sets how many are tried.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.checkpoints.attempt import LEAKS, Server, attempt
from tests.checkpoints.mutations import FORMATS, LIMIT, made, tried

COUNT = int(os.environ.get("EMBEDVIZ_MUTATIONS", "320"))


@pytest.mark.long
@pytest.mark.slow
def test_a_damaged_checkpoint_opens_or_is_refused_in_words(tmp_path: Path) -> None:
    def half(first: int, last: int) -> list[dict[str, Any]]:
        (folder := tmp_path / str(first)).mkdir()
        return list(tried(folder, first, last))

    with ThreadPoolExecutor(2) as threads:
        parts = threads.map(half, (0, COUNT // 2), (COUNT // 2, COUNT))
    results = [outcome for part in parts for outcome in part]
    assert len(results) == COUNT
    assert [outcome for outcome in results if outcome["trace"] or outcome["seconds"] > LIMIT] == []
    counted = Counter(outcome["outcome"] for outcome in results)
    assert counted["opened"] > COUNT / 10
    assert len(counted) > 10


@pytest.mark.skipif(sys.platform != "linux", reason="forking and /proc are Linux")
@pytest.mark.parametrize("kind", FORMATS)
def test_a_worker_says_the_same(kind: str, server: Server, tmp_path: Path) -> None:
    number = sorted(FORMATS).index(kind) + 5 * len(FORMATS)
    whole = {name: FORMATS[name]() if name == kind else {} for name in FORMATS}
    outcome = attempt(server, f"{kind} {number}", lambda folder, _: made(number, whole, folder)[1], tmp_path)
    assert outcome.error is None or outcome.error.code
    assert not LEAKS.search(outcome.told)
