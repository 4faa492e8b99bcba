"""What a stopped capture has done is kept, and the next one begins there."""

from __future__ import annotations

import numpy as np
import pytest

import embedviz as ev
from embedviz.errors import Cancelled
from embedviz.records import Instances
from embedviz.ui.captures import capture, unseen
from embedviz.ui.opened import open_checkpoint, opened
from embedviz.ui.settings import Settings
from embedviz.ui.state import BUNDLED
from embedviz.ui.store import store
from tests.workers.conftest import many


class Asked:
    """A job that somebody stops once so many instances are done; it notes how many it was asked for."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after, self.total, self.over = stop_after, 0, False

    def progress(self, phase: str, done: int, total: int) -> None:
        if phase != "capturing":
            return
        self.total = total
        if self.stop_after is not None and done >= self.stop_after:
            self.over = True
            raise Cancelled("Stopped, as you asked")

    def stopped(self) -> bool:
        return self.over


def test_what_is_done_is_kept_when_it_is_stopped(bundled: ev.Checkpoint) -> None:
    open_checkpoint(BUNDLED, Asked())  # type: ignore[arg-type]
    checkpoint = opened(BUNDLED)
    assert checkpoint is not None
    items = tuple(f"{text} (kept)" for text in many(1_500))
    instances = Instances(items, tuple(map(str, range(len(items)))))
    settings = Settings(checkpoint, "encoder.layer.0", "mean", "none", instances)
    with pytest.raises(Cancelled, match=r"of 1,500 instances are done and kept"):
        capture(settings, Asked(stop_after=100))  # type: ignore[arg-type]
    left = unseen(settings)
    assert 0 < len(left) <= 1_400
    again = Asked()
    capture(settings, again)  # type: ignore[arg-type]
    assert again.total == len(left)
    found = store.get(settings.vectors_key)
    some = [0, 1, 749, 1_499]
    whole = ev.capture(bundled, [items[place] for place in some], ["encoder.layer.0"])["encoder.layer.0"]
    np.testing.assert_allclose(found.vectors[some], whole.vectors, atol=2e-6)
    assert found.ids == instances.ids
