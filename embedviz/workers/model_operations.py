"""What a model worker does: open one checkpoint, then capture its layers."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz.errors import WorkerError
from embedviz.records import Instances
from embedviz.workers.operation import Context, Operations
from embedviz.workers.wire import Arrays

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint


def warm() -> None:
    """Import, before any fork, all that opening and capturing needs."""
    import torch  # noqa: F401
    from transformers import AutoConfig, AutoTokenizer  # noqa: F401
    from transformers.models.auto import modeling_auto  # noqa: F401
    from transformers.models.bert import modeling_bert, tokenization_bert  # noqa: F401
    from transformers.utils import logging

    import embedviz.capture
    import embedviz.checkpoints
    import embedviz.layers  # noqa: F401

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def operations() -> Operations:
    """The operations of one worker, which hold the one checkpoint it opened."""
    opened: list[Checkpoint] = []

    def open_(arguments: dict[str, Any], _arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
        from embedviz.checkpoints import bundled_checkpoint, open_checkpoint

        started = time.perf_counter()

        def say(phase: str) -> None:
            context.progress(phase)(0, 0)

        path = arguments.get("path")
        if path:
            checkpoint = open_checkpoint(
                Path(path), name=arguments["name"], say=say, scratch=Path(arguments["scratch"])
            )
        else:
            checkpoint = bundled_checkpoint(say=say)
        opened[:] = [checkpoint]
        say("reading the module tree")
        return {**summary(checkpoint), "seconds": time.perf_counter() - started}, {}

    def capture(arguments: dict[str, Any], _arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
        from embedviz.capture import capture_all

        if not opened:
            raise WorkerError("No checkpoint is open in this worker", remedy="Open the checkpoint again.")
        items = tuple(arguments["items"])
        instances = Instances(items, tuple(arguments["ids"]))
        caught = capture_all(
            opened[0],
            instances,
            arguments["layers"],
            arguments["poolings"],
            progress=context.progress("capturing"),
        )
        keys = list(caught)
        arrays: Arrays = {f"{number}": caught[key].vectors for number, key in enumerate(keys)}
        some = caught[keys[0]]
        if some.tokens is not None and some.cut is not None:
            arrays |= {"tokens": some.tokens, "cut": some.cut}
        described = [
            {"layer": layer, "asked": asked, "pooling": found.pooling, "notes": found.notes}
            for (layer, asked), found in caught.items()
        ]
        return described, arrays

    return {"open": open_, "capture": capture}


def summary(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the app shows of a checkpoint, as JSON values."""
    return {
        "name": checkpoint.name,
        "format": checkpoint.format,
        "text": checkpoint.text,
        "family": checkpoint.family,
        "fingerprint": checkpoint.fingerprint,
        "max_tokens": checkpoint.max_tokens,
        "recipe": "" if checkpoint.recipe.untold else checkpoint.recipe.text,
        "untold": checkpoint.recipe.untold,
        "recommended": checkpoint.recommended.path,
        "layers": [asdict(layer) for layer in checkpoint.layers],
        "findings": [asdict(finding) for finding in checkpoint.findings],
    }
