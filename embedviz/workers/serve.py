"""The worker's side: takes requests one by one, answers with progress and a result, and can be told to stop."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

from embedviz.errors import EmbedvizError, WorkerError, unexpected, want_of_memory
from embedviz.workers import limits, model_operations, numbers_operations
from embedviz.workers.operation import Context, Operations
from embedviz.workers.wire import Arrays, error_message, receive, send

log = logging.getLogger("embedviz.worker")

KINDS: dict[str, Callable[[], Operations]] = {
    "model": model_operations.operations,
    "numbers": numbers_operations.operations,
}


def serve(kind: str, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests from ``source`` on ``sink`` until it ends, which ends the process."""
    operations = KINDS[kind]()
    requests: queue.Queue[tuple[dict[str, Any], Arrays]] = queue.Queue()
    cancelled: set[int] = set()
    threading.Thread(target=_listen, args=(source, requests, cancelled), daemon=True).start()
    writing = threading.Lock()

    def say(message: dict[str, Any], arrays: Arrays | None = None) -> None:
        with writing:
            send(sink, message, arrays)

    while True:
        message, arrays = requests.get()
        number = int(message["id"])
        context = Context(
            say=lambda phase, done, total, number=number: say(  # type: ignore[misc]
                {"id": number, "event": "progress", "phase": phase, "done": done, "total": total}
            ),
            stopped=lambda number=number: number in cancelled,  # type: ignore[misc]
        )
        limits.bound_cpu(float(message.get("deadline", 3600)))
        _answer(operations, message, arrays, context, say)


def _listen(source: BinaryIO, requests: queue.Queue[Any], cancelled: set[int]) -> None:
    try:
        while (frame := receive(source)) is not None:
            if "cancel" in frame[0]:
                cancelled.add(int(frame[0]["cancel"]))
            else:
                requests.put(frame)
    except (OSError, EmbedvizError):
        log.info("the server is gone", exc_info=True)
    finally:
        # Nobody is left to take a result, so what is being worked on is of no use.
        os._exit(0)


def _answer(
    operations: Operations,
    message: dict[str, Any],
    arrays: Arrays,
    context: Context,
    say: Callable[..., None],
) -> None:
    number = message["id"]
    try:
        value, results = operations[message["operation"]](message["arguments"], arrays, context)
    except EmbedvizError as error:
        told = _explained(error) if want_of_memory(error) else error
        say({"id": number, "event": "error", **error_message(told)})
    except BaseException as error:  # libraries below panic with exceptions of their own; a worker must say so
        if isinstance(error, SystemExit | KeyboardInterrupt):
            raise
        say({"id": number, "event": "error", **error_message(_explained(error))})
    else:
        say({"id": number, "event": "result", "value": value}, results)


def _explained(error: BaseException) -> EmbedvizError:
    if want_of_memory(error):
        return WorkerError(
            f"There is not enough memory for this (the limit is {limits.memory_budget() / 2**30:.2g} GiB)",
            remedy="Take fewer or shorter instances, fewer layers, or a smaller checkpoint.",
        )
    return unexpected(error)


def main() -> None:
    """A worker on standard input and output, for systems that cannot fork and for work before a zygote is warm."""
    sink = sys.stdout.buffer
    # A library that prints must not break the frames.
    sys.stdout = sys.stderr
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s")
    limits.give_way()
    limits.leave_network()
    limits.confine()
    serve(sys.argv[1], sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()
