"""All workers of a server: who shares which, what comes back after a death, and who goes when."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import embedviz as ev
from embedviz.errors import Cancelled, CheckpointError, ProjectionError, WorkerError
from embedviz.workers import pool as pools
from embedviz.workers.model_worker import ModelWorker, Source
from embedviz.workers.pool import Pool
from tests.conftest import Save
from tests.workers.conftest import capture_request, kill, many, running, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forking and /proc are Linux")
BUNDLED = Source("all-MiniLM-L6-v2")


@pytest.fixture
def shared(workers: Pool) -> ModelWorker:
    worker = workers.model(BUNDLED)
    worker.open()
    return worker


def test_the_summary_tells_what_the_checkpoint_is(shared: ModelWorker, bundled: ev.Checkpoint) -> None:
    summary = shared.open()
    assert summary["fingerprint"] == bundled.fingerprint
    assert summary["recommended"] == bundled.recommended.path
    assert [layer["path"] for layer in summary["layers"]] == [layer.path for layer in bundled.layers]
    assert summary["text"] == bundled.text


def test_a_worker_captures_what_the_library_captures(
    shared: ModelWorker, bundled: ev.Checkpoint, texts: list[str]
) -> None:
    layers, poolings = ["encoder.layer.1", "encoder.layer.5"], ["mean", "first", "as trained"]
    value, arrays = shared.capture(capture_request(texts, layers=layers, poolings=poolings))
    described = value["layers"]
    assert [(entry["layer"], entry["asked"]) for entry in described] == [
        (layer, pooling) for layer in layers for pooling in poolings
    ]
    for number, entry in enumerate(described):
        here = ev.capture(bundled, texts, [entry["layer"]], entry["asked"])[entry["layer"]]
        assert arrays[str(number)].dtype == np.float32
        np.testing.assert_allclose(arrays[str(number)], here.vectors, atol=2e-6)
        np.testing.assert_array_equal(arrays["tokens"], here.tokens)


def test_one_source_is_one_worker(workers: Pool, shared: ModelWorker) -> None:
    assert workers.model(Source("all-MiniLM-L6-v2")) is shared
    pid = shared.pid
    shared.open()
    assert shared.pid == pid


def test_a_worker_killed_at_work_names_the_signal_and_opens_again_by_itself(
    workers: Pool, shared: ModelWorker, own: str, save: Save
) -> None:
    other = workers.model(Source("tiny", save("Bert"), own))
    other.open()
    other_pid, first_pid = other.pid, shared.pid

    def strike(_phase: str, done: int, _total: int) -> None:
        if done and shared.pid == first_pid:
            kill(first_pid)

    with pytest.raises(WorkerError, match="SIGKILL") as raised:
        shared.capture(capture_request(many()), progress=strike)
    assert "Start it again" in raised.value.remedy
    _, arrays = other.capture(capture_request(["untouched"], layers=["encoder.layer.2"]))
    assert arrays["0"].shape == (1, 32)
    assert other.pid == other_pid
    _, arrays = shared.capture(capture_request(["again"]))
    assert arrays["0"].shape == (1, 384)
    assert shared.pid != first_pid


def test_a_worker_killed_while_idle_is_not_missed(shared: ModelWorker) -> None:
    pid = shared.pid
    kill(pid)
    assert until(lambda: shared.pid is None)
    _, arrays = shared.capture(capture_request(["one"]))
    assert arrays["0"].shape == (1, 384)
    assert shared.pid not in (None, pid)


@pytest.mark.long
@pytest.mark.slow
def test_the_parent_of_all_workers_may_die(workers: Pool, shared: ModelWorker) -> None:
    assert workers._models is not None
    assert workers._models._child is not None
    zygote, worker = workers._models._child.pid, shared.pid
    kill(zygote)
    assert worker is not None
    assert until(lambda: not running(worker)), "A worker dies with the process that forked it."
    assert until(lambda: shared.pid is None)
    _, arrays = shared.capture(capture_request(["one"]))
    assert arrays["0"].shape == (1, 384)
    assert workers._models._child.pid != zygote


@pytest.mark.long
@pytest.mark.slow
def test_the_parent_of_numerical_work_may_die(workers: Pool) -> None:
    assert workers._numbers is not None
    vectors = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    workers._numbers.ready.wait(120)
    assert workers._numbers._child is not None
    kill(workers._numbers._child.pid)
    assert until(lambda: workers._numbers._child.poll() is not None)
    _, arrays = workers.numbers("project", drawing("pca"), {"vectors": vectors})
    assert arrays["coordinates"].shape == (40, 2)
    assert workers._numbers.ready.wait(120), "It warms up again."


def test_cancel_returns_soon_and_keeps_the_model_open(shared: ModelWorker) -> None:
    pid, begun = shared.pid, threading.Event()
    times: list[float] = []

    def note(_phase: str, done: int, _total: int) -> None:
        if done and not begun.is_set():
            times.append(time.monotonic())
            begun.set()

    value, arrays = shared.capture(capture_request(many()), progress=note, stopped=begun.is_set)
    assert 0 < len(value["ids"]) == len(arrays["0"]) < len(many()), "What is done is kept."
    assert time.monotonic() - times[0] < 3.5
    assert not shared.busy
    assert shared.pid == pid


def test_who_waits_for_a_busy_model_is_told_so_and_can_stop(shared: ModelWorker) -> None:
    ended, begun, told = threading.Event(), threading.Event(), []
    outcomes: list[object] = []

    def occupy() -> None:
        try:
            outcomes.append(
                shared.capture(capture_request(many()), progress=lambda *_: begun.set(), stopped=ended.is_set)
            )
        except Cancelled as error:
            outcomes.append(error)

    holder = threading.Thread(target=occupy)
    holder.start()
    try:
        assert begun.wait(20)
        with pytest.raises(Cancelled):
            shared.capture(
                capture_request(["one"]),
                progress=lambda phase, *_: told.append(phase),
                stopped=lambda: len(told) > 1,
            )
        assert set(told) == {"waiting for others who use this model"}
    finally:
        ended.set()
        holder.join(20)
    assert len(outcomes) == 1


def test_a_session_takes_its_workers_with_it(workers: Pool, shared: ModelWorker) -> None:
    mine, theirs = Source("same", owner="me"), Source("same", owner="them")
    pids = {}
    for source in (mine, theirs):
        workers.model(source).open()
        pids[source] = workers.model(source).pid
    assert pids[mine] != pids[theirs]
    workers.release("me")
    assert until(lambda: not running(int(pids[mine] or 0)))
    assert running(int(pids[theirs] or 0))
    workers.release("")
    assert shared.pid is not None, "What belongs to everybody is nobody's to end."
    workers.release("them")
    assert until(lambda: not running(int(pids[theirs] or 0)))


def test_the_longest_idle_worker_goes_first(workers: Pool, own: str, save: Save, monkeypatch: Any) -> None:
    folder = save("Bert")
    first, second, third = (Source(name, folder, own) for name in ("first", "second", "third"))
    for source in (first, second):
        workers.model(source).open()
    monkeypatch.setattr(pools, "MAX_OPEN", len(workers._workers))
    # Whatever earlier tests opened was used before these; the first is used again, so the second is idle for longer.
    for source in [source for source in workers._workers if source not in (first, second)]:
        workers.model(source).open()
    workers.model(first).open()
    pid = workers.model(second).pid
    workers.model(third).open()
    assert second not in workers._workers
    assert until(lambda: not running(int(pid or 0)))
    assert first in workers._workers
    assert workers.model(first).pid is not None


def test_what_cannot_be_opened_leaves_no_process(workers: Pool, own: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    worker = workers.model(Source("broken", tmp_path, own))
    with pytest.raises(CheckpointError):
        worker.open()
    assert worker.pid is None
    assert not worker.busy


def test_a_zip_leaves_no_files_behind_when_its_session_ends(
    workers: Pool, own: str, save: Save, tmp_path: Path
) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "tiny"), "zip", save("Bert")))

    def unpacked() -> set[Path]:
        return {path.parent for path in Path(tempfile.gettempdir()).glob("embedviz-*/**/config.json")}

    before = unpacked()
    worker = workers.model(Source("tiny.zip", packed, own))
    worker.open()
    assert unpacked() > before
    workers.release(own)
    assert until(lambda: unpacked() <= before, 3), "Unpacked files outlive the worker that unpacked them."


def drawing(method: str, **changes: Any) -> dict[str, Any]:
    given = {"postprocessing": "none", "method": method, "dimensions": 2, "seed": 0, "parameters": {}}
    return given | changes


@pytest.mark.parametrize("method", ["pca", "umap", "tsne"])
def test_maps_are_drawn_as_in_the_library(workers: Pool, method: str) -> None:
    vectors = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    value, arrays = workers.numbers("project", drawing(method), {"vectors": vectors})
    assert value["method"] == method
    assert value["seed"] == 0
    assert arrays["coordinates"].shape == (60, 2)
    again = workers.numbers("project", drawing(method), {"vectors": vectors})[1]["coordinates"]
    np.testing.assert_array_equal(arrays["coordinates"], again)
    if method == "pca":
        here = ev.project(ev.Embeddings(vectors, tuple(map(str, range(60)))), "pca").coordinates
        np.testing.assert_allclose(arrays["coordinates"], here, atol=1e-5)


def test_what_cannot_be_drawn_is_the_librarys_own_error(workers: Pool) -> None:
    vectors = np.full((20, 3), np.nan, np.float32)
    with pytest.raises(ProjectionError):
        workers.numbers("project", drawing("pca"), {"vectors": vectors})


def test_numerical_work_stops_at_once_and_leaves_no_process(workers: Pool) -> None:
    vectors = np.random.default_rng(0).normal(size=(3000, 64)).astype(np.float32)
    workers.numbers("similarity", {"postprocessing": "none", "k": 3}, {"vectors": vectors[:50]})
    assert workers._numbers is not None
    assert workers._numbers._child is not None
    children = Path(f"/proc/{workers._numbers._child.pid}/task/{workers._numbers._child.pid}/children")
    # All tests share these workers, and what an earlier one began may be going on.
    others = set(children.read_text().split())
    start, begun = time.monotonic(), threading.Event()
    with pytest.raises(Cancelled):
        workers.numbers("project", drawing("tsne"), {"vectors": vectors}, lambda *_: begun.set(), begun.is_set)
    assert time.monotonic() - start < 10
    assert until(lambda: not any(running(int(pid)) for pid in set(children.read_text().split()) - others))


def test_pieces_of_numerical_work_do_not_wait_for_each_other(workers: Pool) -> None:
    vectors = np.random.default_rng(0).normal(size=(3000, 64)).astype(np.float32)
    ended, begun = threading.Event(), threading.Event()

    def long() -> None:
        with pytest.raises(Cancelled):
            workers.numbers("project", drawing("tsne"), {"vectors": vectors}, lambda *_: begun.set(), ended.is_set)

    thread = threading.Thread(target=long)
    thread.start()
    try:
        assert begun.wait(20)
        workers.numbers("similarity", {"postprocessing": "none", "k": 3}, {"vectors": vectors[:50]})
        assert thread.is_alive()
    finally:
        ended.set()
        thread.join(20)
