"""What capturing costs beside a bare forward pass: ``python -m tests.benchmarks.capture [--size N] [--repeat R]``.

The bundled model, N texts of mixed lengths. All ways take turns in one process, so that whatever else this machine
does meets them alike; the memory each needs at its peak is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import os
import random
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embedviz.resources import asset
from tests.benchmarks.peers import peers

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint
    from embedviz.modalities.text import Tokenised
    from embedviz.records import FloatArray

ROOT = Path(__file__).parents[2]
POOLINGS = ["as trained", "mean", "first", "last", "max"]
#: How many glosses make one text: mostly one or two, some a page. In tokens: mean 33, a tenth above 60, at most 256.
GLOSSES = (*[1] * 13, 2, 2, 2, 4, 4, 6, 18)
FORWARD, WHOLE, SEVEN = "forward only", "tokenise, pad, forward", "7 layers, mean"
FIVE, LAST, KEPT = "7 layers, 5 poolings", "last layer, mean", "output_hidden_states, all kept"
PEER = "sentence-transformers, batches of 32"
HEADED, BEFORE_HEAD = "a quarter of them, with an LM head", "its last block, before the head"
#: The ways whose peak of memory is measured.
MEASURED = (FORWARD, LAST, SEVEN, FIVE, KEPT, PEER)


@dataclass(frozen=True)
class Way:
    """One way to run the model. ``share`` is the part of a bare forward that it should take at best."""

    run: Callable[[], object]
    share: float | None = None


@dataclass
class Times:
    """Seconds of each run: on the clock, and of the processor on all its cores."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def add(self, work: Callable[[], object]) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        work()
        self.wall.append(time.perf_counter() - wall)
        self.processor.append(time.process_time() - processor)

    @property
    def medians(self) -> tuple[float, float]:
        return statistics.median(self.wall), statistics.median(self.processor)


def texts(n: int) -> list[str]:
    """``n`` different texts of one to eighteen WordNet glosses, the same ones each time."""
    with asset("samples/wordnet-glosses.csv").open(encoding="utf-8", newline="") as file:
        glosses = [row["text"] for row in csv.DictReader(file)]
    draw = random.Random(0)
    return [f"{number}. " + "; ".join(draw.sample(glosses, draw.choice(GLOSSES))) for number in range(n)]


def tokenised(checkpoint: Checkpoint, items: list[str]) -> tuple[Tokenised, list[dict[str, torch.Tensor]]]:
    """The texts' tokens, and the very batches that capture makes of them."""
    from embedviz.modalities import text

    tokens = text.tokenise(checkpoint, items)
    return tokens, [text.pad(tokens, rows, checkpoint) for rows in text.batches(tokens)]


def forward(checkpoint: Checkpoint, batches: list[dict[str, torch.Tensor]]) -> None:
    import torch

    with torch.inference_mode():
        for batch in batches:
            checkpoint.model(**batch)


def hidden_states(checkpoint: Checkpoint, batches: list[dict[str, torch.Tensor]], *, keep: bool) -> list[FloatArray]:
    """All layers' means by the model's own switch: pooled a batch at a time, or at the end as most scripts do."""
    import torch

    from embedviz.pooling import mean

    def pooled(states: tuple[torch.Tensor, ...], batch: dict[str, torch.Tensor]) -> FloatArray:
        mask = batch["attention_mask"].bool()
        means: FloatArray = torch.stack([mean(state, mask) for state in states], dim=1).numpy()
        return means

    with torch.inference_mode():
        made = (checkpoint.model(**batch, output_hidden_states=True).hidden_states for batch in batches)
        return [pooled(*pair) for pair in zip(list(made) if keep else made, batches, strict=True)]


def states(checkpoint: Checkpoint) -> list[str]:
    """The embeddings and every block."""
    base = "bert.embeddings" if "bert" in dict(checkpoint.model.named_children()) else "embeddings"
    return [base, *(layer.path for layer in checkpoint.layers if layer.role == "block" and not layer.part)]


def has_peer() -> bool:
    return importlib.util.find_spec("sentence_transformers") is not None


def peer() -> Any:
    """The bundled model as sentence-transformers opens it."""
    from sentence_transformers import SentenceTransformer

    from embedviz.checkpoints import bundled_path

    return SentenceTransformer(str(bundled_path()), device="cpu")


def ways(checkpoint: Checkpoint, items: list[str], names: tuple[str, ...] = ()) -> dict[str, Way]:
    """Everything that is compared; of sentence-transformers only where ``names`` ask for it, or for all."""
    from embedviz.capture import capture, capture_all

    _, batches = tokenised(checkpoint, items)
    layers = states(checkpoint)
    found = {
        FORWARD: Way(lambda: forward(checkpoint, batches), 1.0),
        WHOLE: Way(lambda: forward(checkpoint, tokenised(checkpoint, items)[1])),
        SEVEN: Way(lambda: capture(checkpoint, items, layers)),
        FIVE: Way(lambda: capture_all(checkpoint, items, layers, POOLINGS)),
        "output_hidden_states, pooled by batch": Way(lambda: hidden_states(checkpoint, batches, keep=False)),
        KEPT: Way(lambda: hidden_states(checkpoint, batches, keep=True)),
        LAST: Way(lambda: capture(checkpoint, items, layers[-1:]), 1.0),
    }
    blocks = len(layers) - 1
    for depth, path in enumerate(layers[:-1]):
        found[f"stopped after {path}"] = Way(lambda path=path: capture(checkpoint, items, [path]), depth / blocks)  # type: ignore[misc]
    if not names:
        found |= {name: Way(run) for name, run in peers(checkpoint, batches, layers).items()}
    found |= headed(checkpoint, items) if not names else {}
    if has_peer() and (not names or PEER in names):
        model = peer()
        model.encode(items[:1])
        found[PEER] = Way(lambda: model.encode(items, batch_size=32, show_progress_bar=False))
    return {name: way for name, way in found.items() if not names or name in names}


def headed(checkpoint: Checkpoint, items: list[str]) -> dict[str, Way]:
    """A model of the same size with a language model's head: its whole pass, and its last block, before the head."""
    import transformers

    import embedviz as ev

    model = transformers.BertForMaskedLM(checkpoint.model.config).eval()
    other = ev.open_module(model, checkpoint.tokenizer)
    other.max_tokens = checkpoint.max_tokens
    some = items[: max(2, len(items) // 4)]
    _, batches = tokenised(other, some)
    last = states(other)[-1]
    return {
        HEADED: Way(lambda: forward(other, batches)),
        BEFORE_HEAD: Way(lambda: ev.capture(other, some, [last])),
    }


def measured(found: dict[str, Way], repeat: int) -> dict[str, Times]:
    """Every way ``repeat`` times, in turns that begin with another one each round."""
    times = {name: Times() for name in found}
    names = list(found)
    for round_ in range(repeat):
        start = round_ * 5 % len(names)
        for name in names[start:] + names[:start]:
            times[name].add(found[name].run)
    return times


def peak_bytes() -> int:
    """The most memory this process has held since ``forget_peak``, or since its start where that does nothing."""
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0])
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def forget_peak() -> None:
    """Let ``peak_bytes`` count from now on (Linux)."""
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5")


def print_peak(name: str, size: int, times: int) -> None:
    """In a process of its own: bytes that one way needs beyond an opened model that has run once."""
    import embedviz as ev

    with ev.bundled_checkpoint() as checkpoint:
        way = ways(checkpoint, [" ".join([item] * times) for item in texts(size)], (name,))[name]
        ways(checkpoint, texts(2), (FORWARD,))[FORWARD].run()
        forget_peak()
        before = peak_bytes()
        way.run()
        print(peak_bytes() - before)


def peak(name: str, size: int, times: int = 1) -> int:
    """``times``: how often each text is repeated within itself."""
    command = [sys.executable, "-m", "tests.benchmarks.capture", "--peak", name, "--size", str(size)]
    command += ["--times", str(times)]
    return int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def report(found: dict[str, Way], times: dict[str, Times], peaks: dict[str, int]) -> None:
    base_wall, base_processor = times[FORWARD].medians
    width = max(map(len, found))
    print(f"{'way':{width}} {'s':>8} {'CPU s':>8} {'× forward':>10} {'× CPU':>7} {'at best':>8} {'peak MB':>8}")
    for name, way in found.items():
        wall, processor = times[name].medians
        best = f"{way.share:8.2f}" if way.share is not None else f"{'–':>8}"
        most = f"{peaks[name] / 1e6:8.1f}" if name in peaks else f"{'–':>8}"
        ratios = f"{wall / base_wall:10.2f} {processor / base_processor:7.2f}"
        print(f"{name:{width}} {wall:8.3f} {processor:8.3f} {ratios} {best} {most}")
    if HEADED in times:
        share = times[BEFORE_HEAD].medians[1] / times[HEADED].medians[1]
        print(f"\n{BEFORE_HEAD} / {HEADED}: {share:.2f} of the processor's time")
    if PEER in times:
        ours, theirs = times[LAST].medians, times[PEER].medians
        line = f"{theirs[0] / ours[0]:.2f} of the time, {theirs[1] / ours[1]:.2f} of the processor's"
        print(f"\nsentence-transformers / {LAST}: {line}")
        seven = times[SEVEN].medians
        line = f"{seven[0] / theirs[0]:.2f} of the time, {seven[1] / theirs[1]:.2f} of the processor's"
        print(f"of these, {SEVEN} / {PEER}: {line}")


def difference(checkpoint: Checkpoint, items: list[str]) -> float:
    """The largest difference of any number between our vectors as trained and sentence-transformers'."""
    from embedviz.capture import capture

    ours = next(iter(capture(checkpoint, items, pooling="as trained").values())).vectors
    return float(np.abs(ours - peer().encode(items, batch_size=32, show_progress_bar=False)).max())


def describe(tokens: Tokenised, batches: list[dict[str, torch.Tensor]], repeat: int) -> None:
    import torch

    lengths = tokens.lengths
    total = int(lengths.sum())
    print(f"{len(lengths):,} texts of {lengths.min()} to {lengths.max()} tokens, {total:,} in {len(batches)} batches,")
    padding = sum(batch["input_ids"].numel() for batch in batches) / total - 1
    print(f"{padding:.1%} padding, {torch.get_num_threads()} threads, the median of {repeat}\n")


def compare(size: int, repeat: int, peaks: bool) -> None:
    import embedviz as ev

    items = texts(size)
    with ev.bundled_checkpoint() as checkpoint:
        describe(*tokenised(checkpoint, items), repeat)
        for way in ways(checkpoint, items[:2]).values():
            way.run()
        found = ways(checkpoint, items)
        times = measured(found, repeat)
        apart = difference(checkpoint, items[:32]) if has_peer() else None
    report(found, times, {name: peak(name, size) for name in MEASURED if peaks and name in found})
    if peaks:
        for times_ in (1, 4):
            extra = peak(SEVEN, size, times_) - peak(FORWARD, size, times_)
            print(f"beyond a bare forward, {SEVEN}, texts {times_} × as long: {extra / 1e6:.1f} MB")
    if apart is None:
        print("\nsentence-transformers is not installed, so it is not among them")
    else:
        print(f"largest difference between the two in any number: {apart:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000, help="how many texts (1,000)")
    parser.add_argument("--repeat", type=int, default=3, help="how often each way is measured (3)")
    parser.add_argument("--no-peaks", dest="peaks", action="store_false", help="leave the peaks of memory out")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    parser.add_argument("--times", type=int, default=1, help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    warnings.filterwarnings("ignore")
    from transformers.utils import logging

    logging.disable_progress_bar()
    if given.peak:
        print_peak(given.peak, given.size, given.times)
    else:
        compare(given.size, given.repeat, given.peaks)


if __name__ == "__main__":
    main()
