"""One pool of confined workers for all tests of hostile and damaged files: making one costs seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.checkpoints.attempt import Server, small_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with small_server(tmp_path_factory.mktemp("server")) as made:
        yield made
