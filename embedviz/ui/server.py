"""The server around the pages: warms the workers up before anybody comes, and ends them with it."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from embedviz.errors import unexpected
from embedviz.modalities.samples import SAMPLES, load_sample
from embedviz.pooling import AS_TRAINED
from embedviz.ui.jobs import Job, start
from embedviz.ui.opened import open_checkpoint, opened
from embedviz.ui.picture import draw
from embedviz.ui.settings import Settings
from embedviz.workers.pool import pool

log = logging.getLogger(__name__)
_OWNER = "server"


#: The script behind every page.
PAGES = Path(__file__).with_name("main.py")


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """Warm up while Streamlit starts; end every worker when it stops."""
    _log()
    # A browser needs a second or two to load its scripts, in which the page's own imports can be done.
    threading.Thread(target=_import_page, name="imports", daemon=True).start()
    pool()
    start("first picture", _first_picture, _OWNER)
    yield {}
    pool().stop()


def _import_page() -> None:
    """Import what the first page needs, and draw one point: plotly prepares itself on its first figure."""
    import numpy as np

    from embedviz.figures import scatter
    from embedviz.records import Instances, Projection

    importlib.import_module("embedviz.ui.explore")
    scatter(Projection(np.zeros((1, 2), dtype=np.float32), "point", {}, 0), Instances(("",), ("1",)))


def _first_picture(job: Job) -> None:
    """What everybody sees first is made before the first of them comes; pages join the work where it stands."""
    from embedviz.ui.state import BUNDLED

    opening = start(("open", BUNDLED), lambda each: open_checkpoint(BUNDLED, each), _OWNER)
    while not opening.wait(0.1):
        job.progress("opening", 0, 0)
    checkpoint = opened(BUNDLED)
    if checkpoint is None:
        return
    settings = Settings(checkpoint, checkpoint.recommended, AS_TRAINED, "l2", load_sample(next(iter(SAMPLES))))
    start(("draw", settings.map_key), lambda each: draw(settings, each), _OWNER)


def _log() -> None:
    """Send the package's log to standard error, like Streamlit's own."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logger = logging.getLogger("embedviz")
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        logger.addHandler(handler)


def show_error(error: Exception) -> bool:
    """Show a short reference in place of an error nobody expected; the log has it whole."""
    st.error(str(unexpected(error)), icon=":material/error:")
    return True
