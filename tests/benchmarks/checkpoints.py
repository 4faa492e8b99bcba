"""How long recognising and trying a checkpoint take, and what hostile and damaged files cost.

``python -m tests.benchmarks.checkpoints`` prints tables; ``--size tiny`` tries a few of everything. Times are wall
clock on this machine; memory is the most that a worker held, of which a worker that does nothing holds the first row.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
#: Llama 3's sizes.
EIGHT_BILLION = {
    "vocab_size": 128_256,
    "hidden_size": 4_096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
}


def milliseconds(work: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Of the first run, and the shortest of ``repeat`` further ones."""
    took = []
    for _ in range(repeat + 1):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return took[0], min(took[1:])


def recognition(repeat: int) -> None:
    import torch
    import transformers

    from embedviz.architecture.dry_run import dry_run
    from embedviz.checkpoints import bundled_path, safetensors_file
    from embedviz.checkpoints.places.place import locate
    from embedviz.checkpoints.places.sniff import kind_of

    folder = bundled_path()
    weights = folder / "model.safetensors"
    small = transformers.AutoConfig.from_pretrained(folder)
    large = transformers.LlamaConfig(**EIGHT_BILLION)
    with torch.device("meta"):
        shapes = {name: tuple(each.shape) for name, each in transformers.LlamaModel(large).state_dict().items()}
    with tempfile.TemporaryDirectory() as empty:
        steps: dict[str, Callable[[], object]] = {
            "kind of model.safetensors": lambda: kind_of(weights),
            "locate the folder": lambda: locate(folder, Path(empty)),
            "header of model.safetensors": lambda: safetensors_file.header(weights),
            "dry run of MiniLM": lambda: dry_run(small, safetensors_file.read([weights]).shapes),
            f"dry run of Llama 8B, {len(shapes)} tensors": lambda: dry_run(large, shapes),
        }
        print(f"{'recognition':40} {'first, ms':>10} {'then, ms':>10}")
        for name, step in steps.items():
            first, then = milliseconds(step, repeat)
            print(f"{name:40} {first:10.2f} {then:10.2f}")


def hostile(every: int) -> None:
    from tests.checkpoints.attempt import Outcome, attempt, small_server
    from tests.checkpoints.hostile import HOSTILE
    from tests.checkpoints.tiny import model

    print(f"\n{'hostile file':44} {'it ends in':36} {'s':>6} {'MB':>6}")
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        (own := Path(folder) / "server").mkdir()
        with small_server(own) as server:
            makers = {"(the model as it is)": lambda folder, marker: model(folder / "model")}
            makers |= {name: HOSTILE[name] for name in list(HOSTILE)[::every]}
            for number, (name, make) in enumerate(makers.items()):
                (place := Path(folder) / str(number)).mkdir()
                outcomes.append(outcome := attempt(server, name, make, place))
                seconds = sum(outcome.seconds.values())
                print(f"{name[:44]:44} {outcome.code:36} {seconds:6.2f} {outcome.peak / 1e6:6.0f}")
    tried = outcomes[1:]
    slowest, largest = max(tried, key=lambda each: each.longest), max(tried, key=lambda each: each.peak)
    print(f"{'tried':12} {len(tried)}")
    print(f"{'refused':12} {sum(each.error is not None for each in tried)}")
    print(f"{'ran':12} {sum(each.ran for each in tried)}")
    print(f"{'slowest':12} {slowest.longest:.2f} s in one step: {slowest.name}")
    print(f"{'largest':12} {largest.peak / 1e6:.0f} MB: {largest.name}")


def mutations(count: int) -> None:
    from tests.checkpoints.mutations import FORMATS, tried

    def half(folder: Path, first: int, last: int) -> list[dict[str, Any]]:
        folder.mkdir()
        return list(tried(folder, first, last))

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as threads:
        ends = (0, count // 2, count)
        parts = [threads.submit(half, Path(folder) / f"{n}", ends[n], ends[n + 1]) for n in (0, 1)]
        results = [result for part in parts for result in part.result()]
    print(f"\n{'damaged by chance':28} {'tried':>6} {'opened':>7} {'refused':>8} {'failed':>7} {'slowest, s':>11}")
    for kind in [*FORMATS, ""]:
        mine = [each for each in results if not kind or each["how"].startswith(f"{kind}:")]
        opened = sum(each["outcome"] == "opened" for each in mine)
        failed = sum(bool(each["trace"]) for each in mine)
        slowest = max((each["seconds"] for each in mine), default=0.0)
        row = f"{len(mine):6} {opened:7} {len(mine) - opened - failed:8} {failed:7} {slowest:11.2f}"
        print(f"{kind or 'all of them':28} {row}")
    told = Counter(each["outcome"] for each in results if not each["trace"] and each["outcome"] != "opened")
    print("most often:", ", ".join(f"{code} {number}" for code, number in told.most_common(8)))
    for each in [each for each in results if each["trace"]][:20]:
        print(f"\nnumber {each['number']}, {each['how']}: {each['outcome']}\n{each['trace']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=["tiny", "full"], default="full", help="tiny tries a few of everything")
    parser.add_argument("--mutations", type=int, help="how many damaged files to try")
    given = parser.parse_args()
    tiny = given.size == "tiny"
    recognition(1 if tiny else 5)
    hostile(50 if tiny else 1)
    mutations(given.mutations or (32 if tiny else 2_000))


if __name__ == "__main__":
    main()
