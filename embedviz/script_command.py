"""``embedviz script``: Python that makes the vectors of a file of instances again, without embedviz."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from embedviz.errors import ExportError, InstancesError

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint
    from embedviz.records import Instances


def script(given: argparse.Namespace, open_checkpoint: Callable[[argparse.Namespace], Checkpoint]) -> int:
    """Write the script. Returns 0; EmbedvizError for bad input, and for what no plain script can do."""
    from embedviz.checkpoints import bundled_path
    from embedviz.export.script import Source, reproducing_script
    from embedviz.modalities.held import hold

    out, file = given.out, given.instances
    if not out.absolute().parent.is_dir():
        raise ExportError("There is no such folder", value=out.parent, remedy="Make it first.")
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise InstancesError("A script cannot read a pipe again", value=file, remedy="Save the instances in a file.")
    with open_checkpoint(given) as checkpoint:
        column = given.text or ""
        if checkpoint.inputs.modality in ("tensors", "images"):
            instances = hold(file, checkpoint.inputs, 1).instances
        else:
            instances, column = read_texts(file, given.text)
        opened = bundled_path() if given.checkpoint == "bundled" else Path(given.checkpoint)
        text = reproducing_script(
            checkpoint,
            instances,
            checkpoint.recommended.path if given.layer is None else given.layer.removeprefix("."),
            given.pooling or ("mean" if checkpoint.recipe.untold else "as trained"),
            given.postprocessing,
            source=Source(opened, file, column, out.absolute().parent),
            prompt=given.prompt,
            seed=given.seed,
        )
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise ExportError(f"The script cannot be written ({error.strerror})", value=out, remedy="Check it.") from error
    print(f"{len(instances):,} instances, {len(text.splitlines()):,} lines of Python → {out}", file=sys.stderr)
    return 0


def read_texts(file: Path, text: str | None) -> tuple[Instances, str]:
    """The texts of a file with their ids, and the column that they are in."""
    from embedviz.modalities.stream import open_stream
    from embedviz.records import Instances

    stream = open_stream(file, text=text)
    for note in stream.notes:
        print(f"{file.name}: {note}", file=sys.stderr)
    pieces = list(stream)
    items = tuple(item for piece in pieces for item in piece.items)
    ids = tuple(name for piece in pieces for name in piece.ids)
    dropped = sum(piece.dropped for piece in pieces)
    if dropped:
        print(f"{file.name}: {dropped:,} empty rows left out", file=sys.stderr)
    return Instances(items, ids, name=file.name, dropped=dropped), stream.text
