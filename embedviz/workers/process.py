"""The server's side of a worker: start it, ask it, watch it, end it."""

from __future__ import annotations

import itertools
import json
import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import embedviz
from embedviz.errors import Cancelled, EmbedvizError, WorkerError
from embedviz.workers.wire import Arrays, error_from, receive, send

log = logging.getLogger(__name__)

#: Called with (phase, done, total); total is 0 where it is not known.
Progress = Callable[[str, int, int], None]
#: How long a worker may take to stop by itself before it is killed.
GRACE = 3.0
_POLL = 0.05
_WARM_UP_LIMIT = 300.0


def can_fork() -> bool:
    return sys.platform == "linux"


class Process:
    """One worker process and its channel. Ask it one thing at a time."""

    def __init__(
        self, source: BinaryIO, sink: BinaryIO, pid: int, kill: Callable[[], None], ended: Callable[[], int | None]
    ) -> None:
        self.pid = pid
        self._sink = sink
        self._kill, self._ended = kill, ended
        self._numbers = itertools.count(1)
        self._frames: queue.Queue[Any] = queue.Queue()
        self.alive = True
        threading.Thread(target=self._listen, args=(source,), name=f"worker-{pid}", daemon=True).start()

    def _listen(self, source: BinaryIO) -> None:
        try:
            while (frame := receive(source)) is not None:
                self._frames.put(frame)
        except (OSError, ValueError, EmbedvizError) as error:
            log.warning("worker %d: %s", self.pid, error)
        finally:
            # Whatever ended this thread, whoever asks must not wait for answers that nobody takes in.
            self.alive = False
            self._frames.put(None)

    def ask(
        self,
        operation: str,
        arguments: dict[str, Any],
        arrays: Arrays | None = None,
        *,
        progress: Progress | None = None,
        stopped: Callable[[], bool] = lambda: False,
        deadline: float = 3600.0,
    ) -> tuple[Any, Arrays]:
        """The result. Raises what the operation raised, Cancelled once ``stopped()``, WorkerError on death or delay."""
        number = next(self._numbers)
        until = time.monotonic() + deadline
        self._send({"id": number, "operation": operation, "arguments": arguments, "deadline": deadline}, arrays)
        asked_to_stop, unwanted = 0.0, False
        while True:
            frame = self._next()
            if frame is not None:
                message, results = frame
                if message.get("id") != number:
                    continue
                event = message.get("event")
                if event == "result" and "value" in message:
                    return message["value"], results
                if event == "error":
                    raise error_from(message)
                if event != "progress" or not _tells(message):
                    self.kill()
                    raise WorkerError("A worker sent a damaged message", remedy="Open the checkpoint again.")
                if progress is not None and not unwanted:
                    try:
                        progress(message["phase"], message["done"], message["total"])
                    except Cancelled:
                        # The worker is told, and may still send what is done so far.
                        unwanted = True
            if (unwanted or stopped()) and not asked_to_stop:
                asked_to_stop = time.monotonic()
                self._send({"cancel": number})
            if asked_to_stop and time.monotonic() > asked_to_stop + GRACE:
                self.kill()
                raise Cancelled("Stopped, as you asked")
            if time.monotonic() > until:
                self.kill()
                raise WorkerError(
                    f"This took longer than {deadline / 60:.0f} minutes and was ended",
                    remedy="Take fewer or shorter instances, or fewer layers.",
                )

    def _next(self) -> Any:
        try:
            frame = self._frames.get(timeout=_POLL)
        except queue.Empty:
            return None
        if frame is None:
            raise self.death()
        return frame

    def _send(self, message: dict[str, Any], arrays: Arrays | None = None) -> None:
        try:
            send(self._sink, message, arrays)
        except (OSError, ValueError) as error:
            raise self.death() from error

    def death(self) -> WorkerError:
        """The error that says how the process ended."""
        self.alive = False
        code = self._ended()
        how = f"it ended with code {code}"
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in signal.valid_signals() else str(-code)
            how = f"it was ended by signal {name}" + (", often for want of memory" if -code == signal.SIGKILL else "")
        if code == -getattr(signal, "SIGXCPU", 0):
            how = "it used up its processor time"
        log.warning("worker %d is gone: %s", self.pid, how)
        return WorkerError(
            "The process that held this model is gone" if code is None else f"A worker process is gone: {how}",
            remedy="Start it again; what you chose and typed is kept.",
        )

    def kill(self) -> None:
        self.alive = False
        self._kill()


def _tells(message: dict[str, Any]) -> bool:
    """Whether a message of progress has all its parts."""
    counts = (message.get("done"), message.get("total"))
    return isinstance(message.get("phase"), str) and all(isinstance(count, int) for count in counts)


def spawn(kind: str) -> Process:
    """A worker started the slow way: a new interpreter that imports what it needs."""
    command = [sys.executable, "-m", "embedviz.workers.serve", kind]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    assert child.stdin is not None
    assert child.stdout is not None

    def ended() -> int | None:
        try:
            return child.wait(2)
        except subprocess.TimeoutExpired:
            return None

    return Process(child.stdout, child.stdin, child.pid, child.kill, ended)  # type: ignore[arg-type]


def environment() -> dict[str, str]:
    """The workers' environment: this package importable, no network hub, no thread pools that a fork would break."""
    here = str(Path(embedviz.__file__).resolve().parent.parent)
    paths = [here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "NUMBA_THREADING_LAYER": "workqueue",
    }


class Nursery:
    """The server's handle on a zygote: starts it, and has it fork workers once it is warm."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.ready = threading.Event()
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._answered = threading.Condition()
        self._gone = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the zygote unless it runs; it warms up while the caller goes on."""
        with self._lock:
            if self._child is not None and self._child.poll() is None:
                return
            self.ready.clear()
            self._gone = threading.Event()
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            command = [sys.executable, "-m", "embedviz.workers.zygote", self.kind, str(theirs.fileno())]
            self._child = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env=environment(), stdin=subprocess.DEVNULL
            )
            theirs.close()
            self._control = ours
            threading.Thread(
                target=self._listen, args=(ours, self._gone), name=f"zygote-{self.kind}", daemon=True
            ).start()

    def _listen(self, control: socket.socket, gone: threading.Event) -> None:
        while True:
            try:
                data = control.recv(65536)
            except OSError:
                data = b""
            with self._answered:
                if data:
                    message = json.loads(data)
                    if message.get("ready"):
                        self.ready.set()
                    else:
                        self._answers[message["id"]] = message
                else:
                    gone.set()
                    self.ready.clear()
                self._answered.notify_all()
            if not data:
                return

    def fork(self, stopped: Callable[[], bool] = lambda: False) -> Process:
        """A new worker. Waits while the zygote warms up; starts it anew where it has died."""
        gone = self._gone
        try:
            return self._fork(stopped)
        except WorkerError:
            # It may have died just before it was asked; once more, with a new one.
            if not (gone or self._gone).is_set():
                raise
            return self._fork(stopped)

    def _fork(self, stopped: Callable[[], bool]) -> Process:
        self.start()
        ours, theirs = socket.socketpair()
        number = self._order("fork", theirs)
        theirs.close()
        answer = self._await(number, _WARM_UP_LIMIT, stopped)
        pid = int(answer["pid"])
        return Process(
            ours.makefile("rb"),  # type: ignore[arg-type]
            ours.makefile("wb"),  # type: ignore[arg-type]
            pid,
            kill=lambda: self._kill(ours, pid),
            ended=lambda: self._status(pid),
        )

    def _order(self, order: str, passed: socket.socket | None = None, **values: Any) -> int:
        number = next(self._numbers)
        message = json.dumps({"id": number, "order": order, **values}).encode()
        with self._lock:
            assert self._control is not None
            try:
                socket.send_fds(self._control, [message], [passed.fileno()] if passed else [])
            except OSError as error:
                raise WorkerError("The workers' parent process is gone", remedy="Try again.") from error
        return number

    def _await(self, number: int, limit: float, stopped: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        until, gone = time.monotonic() + limit, self._gone
        with self._answered:
            while number not in self._answers:
                if gone.is_set() or time.monotonic() > until:
                    raise WorkerError("The workers' parent process is gone", remedy="Try again; see the server's log.")
                if stopped():
                    raise Cancelled("Stopped, as you asked")
                self._answered.wait(_POLL)
            return self._answers.pop(number)

    def _kill(self, channel: socket.socket, pid: int) -> None:
        try:
            self._order("kill", pid=pid)
        except WorkerError:
            log.info("worker %d ended with its parent", pid)
        try:
            channel.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("worker %d had closed its channel", pid)

    def _status(self, pid: int) -> int | None:
        try:
            return self._await(self._order("status", pid=pid), 3.0).get("exit")
        except WorkerError:
            return None

    def stop(self) -> None:
        """End the zygote and every worker it forked."""
        with self._lock:
            if self._child is None:
                return
            if self._control is not None:
                self._control.close()
            self._child.terminate()
            try:
                self._child.wait(5)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait(5)
            self._child = None
