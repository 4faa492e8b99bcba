"""The whole product against a hostile uploader: files of every kind, given to real workers as the app gives them."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedviz.errors import CheckpointError
from embedviz.workers.pool import Pool, Source
from tests.checkpoints.attempt import LEAKS, TEXTS, attempt
from tests.checkpoints.attempt import small_pool as small
from tests.checkpoints.hostile import HOSTILE, LIMITED, OPENED
from tests.checkpoints.tiny import model, settings
from tests.workers.conftest import running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forking and /proc are Linux")
#: Seconds that a step may take once a worker runs. A busy machine takes twice what a quiet one does.
PATIENCE = 10.0
#: Tested by themselves where they are read; here only some, to see that nothing of it changes in a worker.
_REPEATED = ("archive:", "pickle in torch:", "pickle in legacy torch:")
_CHOSEN = [name for name in HOSTILE if not name.startswith(_REPEATED)]
_CHOSEN += [name for name in HOSTILE if name.startswith(_REPEATED)][::8]


@dataclass
class Watched:
    """A pool, where its workers may write, and the process that forks them."""

    pool: Pool
    own: Path
    zygote: int


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("server")
    with small(folder) as pool:
        pool.model(Source("all-MiniLM-L6-v2")).open()
        assert pool._models is not None
        assert pool._models._child is not None
        yield Watched(pool, folder, pool._models._child.pid)


@pytest.mark.parametrize("name", _CHOSEN)
def test_a_hostile_file_does_no_harm(name: str, server: Watched, tmp_path: Path) -> None:
    outcome = attempt(server.pool, name, HOSTILE[name], tmp_path, server.own)
    assert not outcome.ran, "its program ran"
    assert outcome.left == []
    assert not (found := LEAKS.search(outcome.told)), found
    outcome.told.encode()  # or no page could show it
    if name in LIMITED:
        assert outcome.code in LIMITED[name], outcome.error
    else:
        assert (outcome.error is None) == (name in OPENED), outcome.error or "it was opened"
        assert outcome.longest < PATIENCE
        assert outcome.peak < 1.5 * 2**30
    if outcome.error is not None:
        assert outcome.error.what
        assert outcome.error.remedy
        assert outcome.error.code or name in LIMITED
    others_are_not_touched(server)


def others_are_not_touched(server: Watched) -> None:
    assert running(server.zygote)
    shared = server.pool.model(Source("all-MiniLM-L6-v2"))
    asked = {"items": TEXTS[:1], "ids": ["0"], "layers": [shared.open()["recommended"]], "poolings": ["mean"]}
    assert shared.capture(asked)[1]["0"].shape == (1, 384)


def test_after_all_of_them_a_model_opens(server: Watched, tmp_path: Path) -> None:
    worker = server.pool.model(Source("tiny", model(tmp_path / "model"), "another"))
    try:
        assert worker.open()["layers"]
    finally:
        server.pool.release("another")


def test_what_ends_its_worker_is_told_in_words(server: Watched, tmp_path: Path) -> None:
    name = next(name for name, codes in LIMITED.items() if "files.ends-its-worker" in codes)
    outcome = attempt(server.pool, name, HOSTILE[name], tmp_path, server.own)
    assert isinstance(outcome.error, CheckpointError)
    assert "SIG" in outcome.error.what


# That the files are as hostile as they say: what opening them the usual way does.

_LOADED = """
import sys, torch
how, path = sys.argv[1:]
if how == "torch.load":
    torch.load(path, weights_only=False)
elif how == "torch.jit.load":
    torch.jit.load(path)(torch.ones(1))
elif how == "torch.export.load":
    torch.export.load(path)
else:
    import pickle
    pickle.load(open(path, "rb"))
"""
RUN = {
    "torch: exec": "torch.load",
    "torch, legacy: system": "torch.load",
    "torch: module with programs": "torch.load",
    "torch: Lightning with a program": "torch.load",
    "pickle 4: exec": "pickle.load",
    "torchscript: writes a file": "torch.jit.load",
    "exported: runs": "torch.export.load",
}


@pytest.mark.parametrize("name", RUN)
def test_loaders_without_guard_would_run_it(name: str, tmp_path: Path) -> None:
    path = HOSTILE[name](tmp_path / "upload", tmp_path / "marker")
    subprocess.run([sys.executable, "-c", _LOADED, RUN[name], str(path)], check=False, capture_output=True, timeout=120)
    assert (tmp_path / "marker").exists()


def test_the_metadata_of_a_distributed_checkpoint_would_run(tmp_path: Path) -> None:
    path = HOSTILE["pickle: distributed"](tmp_path / "upload", tmp_path / "marker")
    pickle.loads((path / ".metadata").read_bytes())
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("key", ["vocab", "init_inputs"])
def test_a_tokenizer_would_read_any_file(key: str, tmp_path: Path) -> None:
    import transformers

    path = HOSTILE[f"settings: {key} elsewhere"](tmp_path / "upload", tmp_path / "marker")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stolen = transformers.AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    assert "the secret of the host" in stolen.get_vocab()


def test_its_makers_change_one_thing() -> None:
    """The tiny model opens as it is, so that a refusal is because of what was changed."""
    assert settings("config.json")["model_type"] == "bert"
    assert "config: its name is a host path" in OPENED
