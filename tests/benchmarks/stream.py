"""What a long run costs: ``python -m tests.benchmarks.stream [--size N] [--chunk C]``.

N texts of mixed lengths go from a CSV through the bundled model into Parquet, and a quarter of them, each in a process
of its own: the rate, and the memory at its peak beyond an opened model that has run once, which must not grow with N.
Then the run goes on from where all chunks but the last are there: the share of the whole run that this takes is what
starting again costs. What reading and writing take is told apart from the model by running that alone, too.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.benchmarks.capture import forget_peak, peak_bytes, texts

CHUNK = 1_024
KINDS = (".parquet", ".csv", ".npy", ".safetensors")
QUARTER, WHOLE, RESUMED, MODEL = "a quarter", "all", "all, but the last chunk was there", "the model alone"


def write_table(path: Path, size: int) -> Path:
    """``size`` texts as CSV, with an id and a number each."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "length"])
        writer.writerows([f"x{number}", text, len(text)] for number, text in enumerate(texts(size)))
    return path


@dataclass(frozen=True)
class Measured:
    """What one run took: seconds on the clock and of the processor, and bytes at the peak beyond an opened model."""

    rows: int
    computed: int
    seconds: float
    processor: float
    peak: int


class Meter:
    """Measures from where it is made."""

    def __init__(self) -> None:
        forget_peak()
        self.before, self.begin, self.processor = peak_bytes(), time.perf_counter(), time.process_time()

    def read(self, rows: int, computed: int) -> Measured:
        seconds, processor = time.perf_counter() - self.begin, time.process_time() - self.processor
        return Measured(rows, computed, seconds, processor, peak_bytes() - self.before)


def run_here(model: str, table: Path, out: Path, chunk: int, keep: str = "") -> Measured:
    """Run in this process. ``keep``: copy the parts to there before they are joined."""
    import pandas as pd  # noqa: F401 (imported before memory is measured)
    import pyarrow.parquet as pq  # noqa: F401

    import embedviz as ev
    from embedviz.bulk import Run
    from embedviz.export.output import Output
    from embedviz.modalities.stream import open_stream

    class Keeping(Output):
        def write(self, joined: Any, store: Any) -> list[Path]:
            if keep:
                shutil.copytree(store.folder, keep)
            return super().write(joined, store)

    with ev.bundled_checkpoint() if model == "bundled" else ev.open_checkpoint(model) as checkpoint:
        layer = checkpoint.recommended.path
        pooling = "mean" if checkpoint.recipe.untold else "as trained"
        ev.capture(checkpoint, texts(2), [layer], pooling)
        meter = Meter()
        stream = open_stream(table, chunk=chunk)
        run = Run(checkpoint, stream, Keeping(out), [layer], pooling)
        with run.store() as store:
            written = run.write(store)
        return meter.read(written.rows, written.computed)


def model_alone(table: Path) -> Measured:
    """The same texts, all in memory, through the model: neither chunks nor files."""
    import embedviz as ev

    with table.open(encoding="utf-8", newline="") as file:
        items = [row["text"] for row in csv.DictReader(file)]
    with ev.bundled_checkpoint() as checkpoint:
        ev.capture(checkpoint, items[:2], pooling="as trained")
        meter = Meter()
        ev.capture(checkpoint, items, pooling="as trained")
        return meter.read(len(items), len(items))


def run(table: Path, out: Path, chunk: int = CHUNK, *, model: str = "bundled", keep: str = "") -> Measured:
    """As ``run_here``, in a process of its own."""
    return _apart(run_here, model, table, out, chunk, keep)


def _apart(measure: Callable[..., Measured], *arguments: Any) -> Measured:
    """Measure in a forked process, which begins with all that is imported here and with nothing that has run."""
    import transformers.models.bert.modeling_bert  # noqa: F401

    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as process:
        return process.submit(measure, *arguments).result()


def resumed(table: Path, out: Path, kept: Path, chunk: int) -> Measured:
    """Go on from the ``kept`` parts without the last of them."""
    sorted(kept.glob("part-*.parquet"))[-1].unlink()
    kept.rename(out.with_name(f"{out.name}.partial"))
    return run(table, out, chunk)


def compare(size: int, chunk: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table, out, kept = write_table(folder / "all.csv", size), folder / "all.parquet", folder / "kept"
        quarter = write_table(folder / "quarter.csv", size // 4)
        rows = {QUARTER: run(quarter, folder / "quarter.parquet", chunk)}
        rows[WHOLE] = run(table, out, chunk, keep=str(kept))
        parts = {kind: shutil.copytree(kept, folder / f"all{kind}.kept") for kind in KINDS[1:]}
        size_of = {".parquet": out.stat().st_size}
        again = folder / "again.parquet"
        rows[RESUMED] = resumed(table, again, kept, chunk)
        same = again.read_bytes() == out.read_bytes()
        rows[MODEL] = _apart(model_alone, table)
        joining = {}
        for kind, whole in parts.items():
            target = folder / f"joined{kind}"
            whole.rename(target.with_name(f"{target.name}.partial"))
            joining[kind] = run(table, target, chunk)
            size_of[kind] = target.stat().st_size
    report(rows, joining, size_of, size)
    wall, processor = (getattr(rows[RESUMED], name) / getattr(rows[WHOLE], name) for name in ("seconds", "processor"))
    print(f"resumed in {wall:.3f} of the time, {processor:.3f} of the processor's, to the same bytes: {same}")
    print(f"peak of all / of a quarter: {rows[WHOLE].peak / max(1, rows[QUARTER].peak):.2f}")


def report(rows: dict[str, Measured], joining: dict[str, Measured], size_of: dict[str, int], size: int) -> None:
    joined = {f"all parts there, {kind}": measured for kind, measured in joining.items()}
    width = max(map(len, [*rows, *joined]))
    print(f"{'run':{width}} {'texts':>8} {'computed':>9} {'s':>8} {'CPU s':>8} {'texts/s':>8} {'peak MB':>8}")
    for name, one in {**rows, **joined}.items():
        rate = f"{one.computed / one.seconds:8.1f}" if one.computed else f"{'–':>8}"
        took = f"{one.seconds:8.2f} {one.processor:8.2f} {rate}"
        print(f"{name:{width}} {one.rows:8} {one.computed:9} {took} {one.peak / 1e6:8.1f}")
    print("\nbytes a text: " + ", ".join(f"{kind} {count / size:,.0f}" for kind, count in size_of.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=8_000, help="how many texts (8,000)")
    parser.add_argument("--chunk", type=int, default=CHUNK, help=f"texts a chunk ({CHUNK:,})")
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    warnings.filterwarnings("ignore")
    from transformers.utils import logging

    logging.disable_progress_bar()
    compare(given.size, given.chunk)


if __name__ == "__main__":
    main()
