"""A process that has imported everything heavy and forks a ready worker in milliseconds.

Run as ``python -m embedviz.workers.zygote KIND FD``: a main module of its own, so that no worker ever imports the
app's script. It obeys the server over the socket FD and ends, with all its workers, when the server does.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import socket
import sys
import time
from typing import Any

from embedviz.workers import limits, model_operations, numbers_operations
from embedviz.workers.serve import serve

log = logging.getLogger("embedviz.zygote")
WARM = {"model": model_operations.warm, "numbers": numbers_operations.warm}


def main() -> None:
    kind, control = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.INFO)
    # A Ctrl+C in the terminal is for the server, which then ends its workers in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # While both warm up, the model has the longer way to the first picture.
    limits.give_way(0 if kind == "model" else 5)
    alone = limits.leave_network()
    started = time.perf_counter()
    WARM[kind]()
    took = time.perf_counter() - started
    log.info("%s workers are ready after %.1f s, network %s", kind, took, "off" if alone else "on")
    control.send(json.dumps({"ready": True}).encode())
    _obey(kind, control)


def _obey(kind: str, control: socket.socket) -> None:
    ended: dict[int, int] = {}
    running: set[int] = set()
    while True:
        readable, _, _ = select.select([control], [], [], 0.5)
        _bury(running, ended)
        if not readable:
            continue
        data, fds, _, _ = socket.recv_fds(control, 65536, 1)
        if not data:
            break
        message = json.loads(data)
        if message["order"] == "fork":
            _fork(kind, control, message, fds[0], running)
        elif message["order"] == "kill" and message["pid"] in running:
            # Only the parent can be sure that the number still belongs to this worker.
            os.kill(message["pid"], signal.SIGKILL)
        elif message["order"] == "status":
            _answer_status(control, message, running, ended)
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _fork(kind: str, control: socket.socket, message: dict[str, Any], fd: int, running: set[int]) -> None:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            control.close()
            limits.die_with_parent()
            limits.confine()
            with socket.socket(fileno=fd) as channel, channel.makefile("rb") as source, channel.makefile("wb") as sink:
                serve(kind, source, sink)  # type: ignore[arg-type]
            status = 0
        except BaseException:
            log.exception("a %s worker failed", kind)
        finally:
            # Without the interpreter's farewell, which would run the zygote's own clean-up a second time.
            os._exit(status)
    os.close(fd)
    running.add(pid)
    control.send(json.dumps({"id": message["id"], "pid": pid}).encode())


def _bury(running: set[int], ended: dict[int, int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        running.discard(pid)
        ended[pid] = os.waitstatus_to_exitcode(status)
        while len(ended) > 1000:
            del ended[next(iter(ended))]


def _answer_status(control: socket.socket, message: dict[str, Any], running: set[int], ended: dict[int, int]) -> None:
    deadline = time.monotonic() + 2
    while message["pid"] in running and time.monotonic() < deadline:
        time.sleep(0.01)
        _bury(running, ended)
    control.send(json.dumps({"id": message["id"], "exit": ended.get(message["pid"])}).encode())


if __name__ == "__main__":
    main()
