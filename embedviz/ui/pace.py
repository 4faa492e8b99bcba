"""How long things took so far, which tells how long they will take."""

from __future__ import annotations

from embedviz.projection import METHODS

#: Seconds an instance, where they were learnt: of a checkpoint by its fingerprint, and of each way to draw a map.
paces: dict[str, float] = {**{name: method.pace for name, method in METHODS.items()}, "aligned": 0.003}


def learn(what: str, count: int, seconds: float) -> None:
    # A few instances say nothing about many; and what was slow may only have waited for others.
    if count >= 20:
        paces[what] = min(paces.get(what, seconds / count), seconds / count)
