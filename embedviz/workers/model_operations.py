"""What a model worker does: open one checkpoint, then capture its layers."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz.errors import Cancelled, WorkerError
from embedviz.records import Embeddings, Instances
from embedviz.workers.items import unpack
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
    held = _Held()
    return {
        "open": held.open,
        "capture": held.capture,
        "examine": held.examine,
        "save": held.save,
        "script": held.script,
        "tokens": held.tokens,
        "compare_tokenizers": held.compare_tokenizers,
    }


class _Held:
    """The checkpoint that a worker opened, and what can be done with it.

    ``path`` is what was opened, None for the bundled model; ``scratch`` the folder for what is written on the way.
    """

    def __init__(self) -> None:
        self.opened: Checkpoint | None = None
        self.path: Path | None = None
        self.scratch = Path()

    @property
    def checkpoint(self) -> Checkpoint:
        if self.opened is None:
            raise WorkerError("No checkpoint is open in this worker", remedy="Open the checkpoint again.")
        return self.opened

    def open(self, arguments: dict[str, Any], _arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
        from embedviz.checkpoints import Options, bundled_checkpoint, open_checkpoint

        started = time.perf_counter()

        def say(phase: str) -> None:
            context.progress(phase)(0, 0)

        path = arguments.get("path")
        self.path, self.scratch = Path(path) if path else None, Path(arguments["scratch"])
        options = Options.from_json(arguments["options"])
        if self.path is not None:
            checkpoint = open_checkpoint(
                self.path, name=arguments["name"], options=options, say=say, scratch=self.scratch
            )
        else:
            checkpoint = bundled_checkpoint(options=options, say=say, scratch=self.scratch)
        self.opened = checkpoint
        say("reading the module tree")
        told = summary(checkpoint)
        return {**told, "pace": _pace(checkpoint), "seconds": time.perf_counter() - started}, {}

    def capture(self, arguments: dict[str, Any], given: Arrays, context: Context) -> tuple[Any, Arrays]:
        from embedviz.capture import capture_all

        told = arguments["items"]
        instances = Instances(unpack(told, given), tuple(arguments["ids"]), modality=told["modality"])
        try:
            caught = capture_all(
                self.checkpoint,
                instances,
                arguments["layers"],
                arguments["poolings"],
                insist=bool(arguments.get("insist")),
                progress=context.progress("capturing"),
                prompt=arguments.get("prompt"),
                device="cpu",
            )
        except Cancelled as error:
            if error.kept is None:
                raise
            # What is done is worth keeping: the next run begins there.
            caught = error.kept
        keys = list(caught)
        arrays: Arrays = {f"{number}": caught[key].vectors for number, key in enumerate(keys)}
        some = caught[keys[0]]
        if some.tokens is not None and some.cut is not None:
            arrays |= {"tokens": some.tokens, "cut": some.cut}
        described = [
            {"layer": layer, "asked": asked, "pooling": found.pooling, "notes": found.notes}
            for (layer, asked), found in caught.items()
        ]
        return {"ids": some.ids, "layers": described}, arrays

    def examine(self, arguments: dict[str, Any], _arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
        from embedviz.doctor import examine

        report = examine(self.checkpoint, arguments["items"] or None, progress=context.progress("examining"))
        return report.as_json(), {}

    def save(self, _arguments: dict[str, Any], _arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
        from embedviz.checkpoints.saving import save

        context.progress("saving a copy")(0, 0)
        folder = self.scratch / "copy"
        shutil.rmtree(folder, ignore_errors=True)
        names = save(self.checkpoint, folder)
        shutil.make_archive(str(folder), "zip", folder)
        shutil.rmtree(folder)
        return names, {}

    def script(self, arguments: dict[str, Any], given: Arrays, _context: Context) -> tuple[Any, Arrays]:
        from embedviz.checkpoints import bundled_path
        from embedviz.export.script import Source, reproducing_script

        told, ids = arguments["items"], tuple(arguments["ids"])
        instances = Instances(unpack(told, given), ids, modality=told["modality"])
        layer, pooling = arguments["layer"], arguments["pooling"]
        embeddings = Embeddings(
            given["vectors"],
            ids,
            layer=layer,
            pooling=pooling,
            checkpoint=self.checkpoint.fingerprint,
            tokens=given.get("tokens"),
            cut=given.get("cut"),
        )
        text = reproducing_script(
            self.checkpoint,
            instances,
            layer,
            pooling,
            arguments["postprocessing"],
            # A path of the server's says nothing to the person: the script looks beside itself.
            source=Source(self.path or bundled_path()),
            prompt=arguments["prompt"],
            seed=arguments["seed"],
            embeddings=embeddings,
        )
        return {"text": text}, {}

    def tokens(self, arguments: dict[str, Any], given: Arrays, _context: Context) -> tuple[Any, Arrays]:
        from embedviz.workers.token_operations import tokens

        return tokens(self.checkpoint, arguments, given)

    def compare_tokenizers(self, arguments: dict[str, Any], _arrays: Arrays, context: Context) -> tuple[Any, Arrays]:
        from embedviz.workers.tokenizer_operations import compare_tokenizers

        return compare_tokenizers(self.checkpoint, arguments, context, self.scratch)


def _pace(checkpoint: Checkpoint) -> float:
    """Seconds a token of a pass; 0 where the model cannot be run."""
    from embedviz.cost import pace

    return pace(checkpoint) if any(layer.capturable for layer in checkpoint.layers) else 0.0


def summary(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the app shows of a checkpoint, as JSON values."""
    from embedviz.checkpoints.checkpoint import unreadable

    return {
        "name": checkpoint.name,
        "format": checkpoint.format,
        "text": checkpoint.text,
        "family": checkpoint.family,
        "fingerprint": checkpoint.fingerprint,
        "max_tokens": checkpoint.max_tokens,
        "recipe": "" if checkpoint.recipe.untold else checkpoint.recipe.text,
        "untold": checkpoint.recipe.untold,
        "recommended": checkpoint.recommended.path
        if any(layer.capturable and not layer.part for layer in checkpoint.layers)
        else "",
        "unreadable": unreadable(checkpoint),
        "reads": asdict(checkpoint.inputs),
        "prompt": checkpoint.recipe.prompt,
        "prompts": dict(checkpoint.recipe.prompts),
        "towers": any(finding.code == "configuration.tower" for finding in checkpoint.findings),
        "assumptions": [asdict(assumption) for assumption in checkpoint.assumptions],
        "layers": [asdict(layer) for layer in checkpoint.layers],
        "findings": [asdict(finding) for finding in checkpoint.findings],
    }
