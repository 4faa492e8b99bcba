"""``embedviz embed``: the vectors of a file of instances, of any length, in a file."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz.errors import EmbedvizError, InstancesError

if TYPE_CHECKING:
    from embedviz.bulk import Done, Run, Written
    from embedviz.checkpoints import Checkpoint
    from embedviz.export.output import Output
    from embedviz.export.store import Store
    from embedviz.modalities.held import HeldInstances
    from embedviz.modalities.stream import InstanceStream
    from embedviz.records import Reads


def embed(given: argparse.Namespace, open_checkpoint: Callable[[argparse.Namespace], Checkpoint]) -> int:
    """Returns 0, or 130 after Ctrl-C; what was computed until then is kept. EmbedvizError for bad input."""
    from embedviz.bulk import Run, check_postprocessing
    from embedviz.export.formats import check_layers
    from embedviz.export.output import Output

    # What is wrong with the words themselves is said before anything is read.
    output = Output.of(given.out)
    check_layers(output.path.suffix, len(set(given.layer or [""])))
    check_postprocessing(given.postprocessing)
    with _regular(given.instances) as file, open_checkpoint(given) as checkpoint:
        stream = _stream(file, given, checkpoint.inputs)
        asked = given.layer or [checkpoint.recommended.path]
        layers = [layer.removeprefix(".") for layer in asked]
        pooling = given.pooling or ("mean" if checkpoint.recipe.untold else "as trained")
        run = Run(checkpoint, stream, output, layers, pooling, given.postprocessing, given.insist, given.prompt)
        if given.estimate:
            return _estimate(run)
        with run.store(restart=given.restart) as store:
            written = _write(run, store)
    if written is None:
        return 130
    if written.dropped and checkpoint.inputs.modality == "text":
        _say(f"{stream.name}: {written.dropped:,} empty rows left out")
    _report(written, given.postprocessing, output)
    return 0


def _estimate(run: Run) -> int:
    """Say what the run would take, by its first piece, and run nothing."""
    from embedviz.cost import estimate_cost
    from embedviz.layers import find

    first = next(piece for piece in run.stream if len(piece))
    cost = estimate_cost(run.checkpoint, first, run.layers)
    seconds = cost.seconds * run.stream.total / len(first)
    size = 4 * run.stream.total * sum(find(run.checkpoint.layers, path, insist=True).width for path in run.layers)
    print(f"{run.stream.total:,} instances: about {seconds:,.0f} s, and {size / 1e6:,.0f} MB of vectors")
    return 0


def _write(run: Run, store: Store) -> Written | None:
    """Write with a bar, or None after Ctrl-C."""
    total = run.stream.total
    if store.kept:
        _say(f"continuing after {store.kept:,} of {total:,}")
    if store.damaged:
        parts = "1 part was" if len(store.damaged) == 1 else f"{len(store.damaged)} parts were"
        _say(f"{parts} damaged and will be computed again")
    try:
        with _bar(total) as done:
            return run.write(store, done)
    except KeyboardInterrupt:
        kept = f"{store.kept:,} of {total:,} are kept in {store.folder}; the same command goes on from there"
        _say(f"embedviz: stopped; {kept if store.kept else 'nothing was kept yet'}")
        return None


def _report(written: Written, postprocessing: str, output: Output) -> None:
    for told in written.vectors.values():
        layer = told["layer"] or "the whole model"
        what = f"{written.rows} × {told['width']} from {layer}, {told['pooling']}, {postprocessing}"
        _say(f"{what} → {written.files[-1] if len(written.files) > 1 else output.path}")
    if written.cut:
        _say(f"{written.cut} texts were longer than the model takes and were cut")
    for note in written.notes:
        _say(note)


def _stream(file: Path, given: argparse.Namespace, reads: Reads) -> InstanceStream | HeldInstances:
    from embedviz.modalities.held import hold
    from embedviz.modalities.stream import CHUNK, open_stream

    chunk = CHUNK if given.chunk is None else given.chunk
    if chunk < 1:
        raise EmbedvizError("A chunk has at least one row", value=chunk, remedy=f"As in --chunk {CHUNK}.")
    name = given.instances.name
    if reads.modality in ("tensors", "images"):
        stream: InstanceStream | HeldInstances = hold(file, reads, chunk, name)
    else:
        stream = open_stream(file, text=given.text, chunk=chunk, name=name)
    for note in stream.notes:
        _say(f"{name}: {note}")
    return stream


@contextmanager
def _regular(path: Path) -> Iterator[Path]:
    """The file, or a copy of what a pipe gives, for it is read more than once."""
    if path.is_file() or path.is_dir() or not path.exists():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="embedviz-") as folder:
        copy = Path(folder) / "instances"
        try:
            with path.open("rb") as pipe, copy.open("wb") as file:
                shutil.copyfileobj(pipe, file)
        except OSError as error:
            raise InstancesError(
                f"The instances cannot be read ({error.strerror})", value=path, remedy="Check the path."
            ) from error
        yield copy


class _bar:
    """A progress bar on stderr: how many, how fast, how long yet."""

    def __init__(self, total: int) -> None:
        from tqdm import tqdm

        # A log is no terminal: a line every ten seconds is enough there.
        pause = 0.1 if sys.stderr.isatty() else 10.0
        self._bar: Any = tqdm(total=total, unit=" instances", file=sys.stderr, leave=False, mininterval=pause)

    def __enter__(self) -> Done:
        return self._done

    def _done(self, rows: int, earlier: bool) -> None:
        more = rows - self._bar.n
        if earlier:
            # What an earlier run did says nothing about how fast this one is.
            self._bar.initial += more
            self._bar.n = rows
        else:
            self._bar.update(more)

    def __exit__(self, *_: object) -> None:
        self._bar.close()


def _say(line: str) -> None:
    print(line, file=sys.stderr)
