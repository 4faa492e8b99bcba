"""Run by the tests in a process of its own: warms, forks children that draw at once, prints what each of them drew."""

import hashlib
import json
import os
import sys
import threading
import time

import numpy as np

from embedviz.projection import METHODS, project
from embedviz.projection.warm import warm


def drawn() -> dict[str, list[object]]:
    """What each method makes of the same vectors: a hash of the coordinates and how faithful they are."""
    generator = np.random.default_rng(5)
    centres = generator.normal(size=(6, 32))
    vectors = (centres[np.arange(300) % 6] + 0.6 * generator.normal(size=(300, 32))).astype(np.float32)
    results: dict[str, list[object]] = {}
    for method in METHODS:
        made = project(vectors, method, seed=3)
        results[method] = [hashlib.sha256(made.coordinates.tobytes()).hexdigest(), made.trust, made.kept]
    return results


def main(children: int) -> None:
    began = time.perf_counter()
    warm()
    seconds = time.perf_counter() - began
    threads = [thread.name for thread in threading.enumerate()]
    pipes = []
    for _ in range(children):
        read, write = os.pipe()
        if os.fork() == 0:
            os.close(read)
            with os.fdopen(write, "w") as pipe:
                json.dump(drawn(), pipe)
            os._exit(0)
        os.close(write)
        pipes.append(read)
    results = [json.loads(os.fdopen(pipe).read() or "null") for pipe in pipes]
    codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in pipes]
    print(json.dumps({"warm": seconds, "threads": threads, "codes": codes, "children": results, "here": drawn()}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
