"""One worker process: what it does, how it is stopped, and how its death is told."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import embedviz as ev
from embedviz.errors import Cancelled, EmbedvizError, LayerError, WorkerError
from embedviz.workers import process as processes
from embedviz.workers.pool import Pool
from embedviz.workers.process import Nursery, Process, environment, spawn
from tests.workers.conftest import capture_request, many, running, until

OPEN = {"path": None, "name": "all-MiniLM-L6-v2", "scratch": tempfile.gettempdir(), "options": {}}
linux = pytest.mark.skipif(sys.platform != "linux", reason="forking, /proc and namespaces are Linux")


@pytest.fixture
def forked(workers: Pool) -> Iterator[Process]:
    """A fresh model worker with the bundled model open."""
    if workers._models is None:
        pytest.skip("this system cannot fork")
    process = workers._models.fork()
    process.ask("open", OPEN)
    yield process
    process.kill()


@pytest.fixture(scope="module")
def spawned() -> Iterator[Process]:
    process = spawn("model")
    yield process
    process.kill()


@linux
def test_what_the_library_raises_in_a_worker_is_raised_here(forked: Process) -> None:
    with pytest.raises(LayerError, match=r"encoder\.layer\.99"):
        forked.ask("capture", capture_request(["one"], layers=["encoder.layer.99"]))
    value, arrays = forked.ask("capture", capture_request(["one"]))
    assert value["layers"][0]["layer"] == "encoder.layer.5"
    assert value["ids"] == ["0"]
    assert arrays["0"].shape == (1, 384)


@linux
def test_a_capture_before_a_checkpoint_is_open_says_so(workers: Pool) -> None:
    assert workers._models is not None
    process = workers._models.fork()
    with pytest.raises(WorkerError, match="No checkpoint is open"):
        process.ask("capture", capture_request(["one"]))
    process.kill()
    assert until(lambda: not running(process.pid))


@linux
def test_progress_counts_up_to_the_whole(forked: Process) -> None:
    heard: list[tuple[str, int, int]] = []
    texts = many(100)
    forked.ask("capture", capture_request(texts), progress=lambda *told: heard.append(told))
    counts = [done for phase, done, total in heard if phase == "capturing" and total == len(texts)]
    assert counts == sorted(counts)
    assert len(set(counts)) > 1
    assert counts[-1] == len(texts)


@linux
def test_cancel_between_batches_ends_the_work_and_not_the_process(forked: Process) -> None:
    done = threading.Event()

    def note(_phase: str, count: int, _total: int) -> None:
        if count:
            done.set()

    value, arrays = forked.ask("capture", capture_request(many()), progress=note, stopped=done.is_set)
    assert 0 < len(value["ids"]) == len(arrays["0"]) < len(many()), "What was done is sent."
    with pytest.raises(Cancelled):
        forked.ask("capture", capture_request(many()), stopped=lambda: True)
    assert forked.alive
    assert running(forked.pid)
    _, arrays = forked.ask("capture", capture_request(["It still answers."]))
    assert np.isfinite(arrays["0"]).all()


@linux
def test_a_worker_that_does_not_listen_is_killed_after_its_grace(forked: Process) -> None:
    os.kill(forked.pid, signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(Cancelled):
        forked.ask("capture", capture_request(["one"]), stopped=lambda: True)
    assert time.monotonic() - start < processes.GRACE + 0.5
    assert not forked.alive
    assert until(lambda: not running(forked.pid))


@linux
def test_a_deadline_ends_the_process_with_the_reason(forked: Process) -> None:
    start = time.monotonic()
    with pytest.raises(WorkerError, match=r"longer than .* and was ended"):
        forked.ask("capture", capture_request(many()), deadline=0.5)
    assert time.monotonic() - start < 3
    assert until(lambda: not running(forked.pid))


@linux
def test_processor_time_is_bounded_too(forked: Process) -> None:
    """A worker whose server has forgotten it cannot go on for ever."""
    request = {"id": 99, "operation": "capture", "arguments": capture_request(many()), "deadline": 0.1}
    forked._send(request)
    assert until(lambda: not running(forked.pid), 20)
    with pytest.raises(WorkerError, match="it used up its processor time"):
        raise forked.death()


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_death_by_signal_is_told_by_its_name(forked: Process, number: signal.Signals) -> None:
    def strike(*_: object) -> None:
        if forked.alive:
            os.kill(forked.pid, number)

    with pytest.raises(WorkerError, match=f"ended by signal {number.name}") as raised:
        forked.ask("capture", capture_request(many()), progress=strike)
    assert raised.value.remedy
    assert not forked.alive


@linux
def test_asking_a_dead_process_is_an_error_and_not_a_wait(forked: Process) -> None:
    os.kill(forked.pid, signal.SIGKILL)
    assert until(lambda: not forked.alive)
    with pytest.raises(WorkerError, match="SIGKILL"):
        forked.ask("capture", capture_request(["one"]))


@pytest.mark.long
@linux
@pytest.mark.slow
def test_too_little_memory_is_said_in_so_many_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDVIZ_WORKER_MEMORY_GB", "0.12")
    nursery = Nursery("model")
    try:
        process = nursery.fork()
        # How much of it the libraries take decides whether the model is refused beforehand or fails while it loads.
        said = r"not enough memory for this \(the limit is 0\.12 GiB\)|does not fit into memory: .* need 87 MiB"
        with pytest.raises(EmbedvizError, match=said) as raised:
            process.ask("open", OPEN)
    finally:
        nursery.stop()
    assert re.search("smaller (checkpoint|model)", raised.value.remedy)


# Workers where there is no fork


@pytest.mark.long
@pytest.mark.slow
def test_a_spawned_worker_does_the_same(spawned: Process, bundled: ev.Checkpoint, texts: list[str]) -> None:
    summary, _ = spawned.ask("open", OPEN)
    assert summary["name"] == bundled.name
    assert summary["fingerprint"] == bundled.fingerprint
    _, arrays = spawned.ask("capture", capture_request(texts))
    here = ev.capture(bundled, texts, ["encoder.layer.5"], "mean")["encoder.layer.5"]
    np.testing.assert_allclose(arrays["0"], here.vectors, atol=2e-6)
    with pytest.raises(LayerError):
        spawned.ask("capture", capture_request(texts, layers=["nowhere"]))


@pytest.mark.long
@pytest.mark.slow
def test_a_spawned_workers_death_is_told_as_well(spawned: Process) -> None:
    spawned.kill()
    with pytest.raises(WorkerError, match="gone"):
        spawned.ask("capture", capture_request(["one"]))


def test_a_spawned_worker_for_numbers_needs_no_zygote() -> None:
    process = spawn("numbers")
    try:
        vectors = np.eye(4, dtype=np.float32)
        value, arrays = process.ask("similarity", {"postprocessing": "none", "k": 2}, {"vectors": vectors})
        assert value["crowding"] == pytest.approx(0)
        assert arrays["indices"].shape == (4, 2)
    finally:
        process.kill()
    assert until(lambda: not process.alive)


# What comes from a worker is not believed


def impostor(frames: bytes) -> Process:
    """A process whose answers are these bytes."""
    return Process(io.BytesIO(frames), io.BytesIO(), pid=0, kill=lambda: None, ended=lambda: None)


def answer(**message: Any) -> bytes:
    data = json.dumps({"id": 1, "arrays": [], **message}).encode()
    return struct.pack("<I", len(data)) + data


@pytest.mark.parametrize(
    "frames",
    [b"\xff" * 80, struct.pack("<I", 40) + b"{", answer(arrays=[["x", "float32", [0, 10**30]]]),
     answer(arrays=[["x", "object", [1]]]), struct.pack("<I", 100_000) + b"[" * 100_000, b""],
)  # fmt: skip
def test_nonsense_from_a_worker_ends_the_asking(frames: bytes) -> None:
    start = time.monotonic()
    with pytest.raises(WorkerError):
        impostor(frames).ask("open", {}, deadline=5)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    "message",
    [{}, {"event": "result"}, {"event": "progress"}, {"event": "progress", "phase": 1, "done": "x", "total": None},
     {"event": "error"}, {"event": "error", "kind": "WorkerError", "what": None}, {"event": ["result"]}],
)  # fmt: skip
def test_a_message_with_parts_missing_is_one_of_our_errors(message: dict[str, Any]) -> None:
    def heard(phase: str, done: int, total: int) -> None:
        assert isinstance(phase, str)
        assert isinstance(done, int)
        assert isinstance(total, int)

    with pytest.raises(ev.EmbedvizError):
        impostor(answer(**message)).ask("open", {}, progress=heard, deadline=5)


def test_answers_to_earlier_questions_are_passed_over() -> None:
    late = answer(id=7, event="result", value="late")
    value, _ = impostor(late + answer(event="result", value="right")).ask("open", {})
    assert value == "right"


# No network, no orphans


@linux
def test_a_process_that_left_the_network_reaches_nothing() -> None:
    script = """
        import socket, sys
        from embedviz.workers import limits
        port = int(sys.argv[1])
        socket.create_connection(("127.0.0.1", port), 2).close()
        if not limits.leave_network():
            print("kept")
            raise SystemExit
        try:
            socket.create_connection(("127.0.0.1", port), 2)
        except OSError:
            print("left")
        else:
            print("reached")
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = _python(script, str(listener.getsockname()[1]))
    if done == "kept":
        pytest.skip("this kernel lets no process leave the network")
    assert done == "left"


@linux
def test_workers_have_no_network_where_the_kernel_allows_it(forked: Process) -> None:
    if _python("from embedviz.workers import limits; print(limits.leave_network())") != "True":
        pytest.skip("this kernel lets no process leave the network")
    assert os.readlink(f"/proc/{forked.pid}/ns/net") != os.readlink("/proc/self/ns/net")


@linux
def test_a_worker_never_sees_the_apps_script(forked: Process) -> None:
    assert b"embedviz.workers.zygote" in Path(f"/proc/{forked.pid}/cmdline").read_bytes()


@linux
def test_a_worker_is_bounded_in_files_and_leaves_no_core(forked: Process) -> None:
    text = Path(f"/proc/{forked.pid}/limits").read_text()
    bounds = {line[:26].strip(): line[26:].split() for line in text.splitlines()}
    assert bounds["Max core file size"][0] == "0"
    assert int(bounds["Max open files"][0]) <= 512
    assert bounds["Max address space"][0] != "unlimited"


SERVER = """
    import os, signal, sys, time
    from embedviz.workers.items import pack
    from embedviz.workers.model_worker import Source
    from embedviz.workers.pool import Pool
    pool = Pool()
    pool.start()
    worker = pool.model(Source("all-MiniLM-L6-v2"))
    worker.open()
    pool._numbers.ready.wait(120)
    numbers = pool._numbers.fork()
    print(pool._models._child.pid, pool._numbers._child.pid, worker.pid, numbers.pid, flush=True)
    if sys.argv[1] == "exit":
        os._exit(0)
    if sys.argv[1] == "busy":
        texts = [f"{number} sentence of very many" for number in range(100_000)]
        request = {"items": pack(texts, "text")[0], "ids": texts, "layers": ["encoder.layer.5"], "poolings": ["mean"]}
        worker.capture(request, None, lambda phase, done, total: done and os.kill(os.getpid(), signal.SIGKILL))
    time.sleep(600)
"""


@linux
@pytest.mark.slow
@pytest.mark.parametrize("how", ["exit", "SIGTERM", pytest.param("busy", marks=pytest.mark.long)])
def test_no_worker_outlives_its_server(how: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(SERVER), how]
    server = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        pids = [int(word) for word in server.stdout.readline().split()]
        assert len(pids) == 4
        if how.startswith("SIG"):
            server.send_signal(signal.Signals[how])
        server.wait(60)
        assert until(lambda: not any(map(running, pids)), 10), [pid for pid in pids if running(pid)]
    finally:
        server.kill()
        server.wait(10)
        server.stdout.close()


@pytest.mark.long
@linux
@pytest.mark.slow
def test_a_server_that_dies_while_workers_warm_up_leaves_nothing() -> None:
    script = """
        import os
        from embedviz.workers.pool import Pool
        pool = Pool()
        pool.start()
        print(pool._models._child.pid, pool._numbers._child.pid, flush=True)
        os._exit(0)
    """
    pids = [int(word) for word in _python(script).split()]
    assert len(pids) == 2
    assert until(lambda: not any(map(running, pids)), 40)


def _python(script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
