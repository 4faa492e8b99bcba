"""Weights into a transformers class: first without memory, on the meta device, then for real, and what was noticed."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedviz.checkpoints.checkpoint import short_count
from embedviz.checkpoints.loading_findings import prefix_taken_off, report, shape_text, sizes_corrected
from embedviz.checkpoints.request import Request
from embedviz.checkpoints.weights import Weights
from embedviz.errors import CheckpointError, first_line
from embedviz.records import Finding

if TYPE_CHECKING:
    from embedviz.architecture.dry_run import DryRun

log = logging.getLogger(__name__)

#: Above this share of random parameters the file is of another model, whatever its name says.
MOSTLY_RANDOM = 0.5
#: A prefix is certain where so many of the file's names are the model's own behind it.
_CERTAIN = 0.9


@dataclass(frozen=True)
class Loaded:
    """A model in eval mode, the parameters that were not in the file, what was noticed, and the prefix taken off."""

    model: Any
    missing: tuple[str, ...]
    findings: tuple[Finding, ...]
    prefix: str = ""


def load(kind: Any, config: Any, weights: Weights, request: Request, *, prefix: str = "") -> Loaded:
    """A ``kind`` of ``config`` with ``weights``; ``prefix`` is taken off their names.

    Raises CheckpointError where most of the model would be random, where shapes do not fit, or where memory is short.
    """
    from embedviz.architecture.dry_run import dry_run

    findings = [prefix_taken_off(prefix, weights)] if prefix else []
    trial = dry_run(config, weights.shapes, prefix=prefix, kind=kind)
    if _sizes_to_correct(config, weights, trial, request, kind):
        findings.append(sizes_corrected(config))
        trial = dry_run(config, weights.shapes, prefix=prefix, kind=kind)
    if trial.missing and trial.random_share > MOSTLY_RANDOM and not prefix:
        prefix = _prefix_to_strip(kind, config, weights, trial, request)
        findings.append(prefix_taken_off(prefix, weights))
        trial = dry_run(config, weights.shapes, prefix=prefix, kind=kind)
    _judge(trial, weights, kind)
    check_memory(trial.parameters, weights.size, request)
    model = _from_pretrained(kind, config, weights, prefix, request)
    findings += report(trial, model)
    missing = {*trial.missing, *(name for name, _, _ in trial.mismatched)}
    return Loaded(model, tuple(sorted(missing)), tuple(findings), prefix)


def _from_pretrained(kind: Any, config: Any, weights: Weights, prefix: str, request: Request) -> Any:
    import torch

    request.say(f"loading {weights.size / 1e6:,.0f} MB of weights")
    try:
        model = kind.from_pretrained(
            None,
            config=config,
            # Not by transformers' own key_mapping: saving the model would put the prefix on again. And names are
            # patterns to transformers, so that a backslash in one is an error of its own.
            state_dict={name.removeprefix(prefix): weights.read(name) for name in weights.shapes if "\\" not in name},
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
        )
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:
        log.info("weights refused", exc_info=True)
        raise CheckpointError(
            f"transformers could not load these weights ({first_line(error)})",
            value=request.name,
            remedy="Save the model again where it was made, or check that all files are of one model.",
            code="weights.refused",
        ) from error
    return model.eval()


def expected(kind: Any, config: Any) -> set[str]:
    """The names of all tensors that a ``kind`` of ``config`` has."""
    import torch

    with torch.device("meta"):
        return set(kind(config).state_dict())


def _prefix_to_strip(kind: Any, config: Any, weights: Weights, trial: DryRun, request: Request) -> str:
    """The prefix that hides the names from the model, where it may be taken off; CheckpointError otherwise."""
    prefix = find_prefix(weights.shapes, expected(kind, config))
    if prefix is None:
        raise _mostly_random(trial, weights, kind)
    if "prefix" in request.options.repair:
        return prefix
    raise CheckpointError(
        f"The names of the tensors in the file begin with {prefix}, so that the model would not find them",
        value=_compared(trial, weights, kind),
        remedy="Take the prefix off.",
        code="weights.prefix",
        why="A loader that goes by names finds nothing, leaves the model random, and mostly says nothing about it.",
        repair="prefix",
    )


def _mostly_random(trial: DryRun, weights: Weights, kind: Any) -> CheckpointError:
    return CheckpointError(
        f"{trial.random_share:.0%} of the model's parameters are not in the file, and would be random",
        value=_compared(trial, weights, kind),
        remedy="Restore the config.json that belongs to these weights, or rename the tensors to match.",
        code="weights.mostly-random",
        why="Random parameters give vectors that look like vectors and mean nothing.",
    )


def _compared(trial: DryRun, weights: Weights, kind: Any) -> str:
    return f"the file has {next(iter(weights.shapes))}, {kind.__name__} wants {trial.missing[0]}"


def find_prefix(names: Iterable[str], wanted: set[str]) -> str | None:
    """The prefix behind which nearly all of ``names`` are ``wanted``; None where there is none."""
    given = list(names)
    counts: Counter[str] = Counter()
    for name in given:
        parts = name.split(".")
        for place in range(1, min(len(parts), 8)):
            if ".".join(parts[place:]) in wanted:
                counts[".".join(parts[:place]) + "."] += 1
    if not counts:
        return None
    prefix, count = counts.most_common(1)[0]
    return prefix if count >= _CERTAIN * min(len(given), len(wanted)) else None


def _sizes_to_correct(config: Any, weights: Weights, trial: DryRun, request: Request, kind: Any) -> bool:
    """Correct vocabulary size and block count of ``config`` by the weights; True where something was corrected."""
    found = _sizes_in(config, weights, trial)
    if not found:
        return False
    told = ", ".join(f"{name}: {getattr(config, name)} in config.json, {value} in the weights" for name, value in found)
    if "sizes" not in request.options.repair:
        raise CheckpointError(
            f"The weights do not fit the config.json ({told})",
            value=kind.__name__,
            remedy="Restore the config.json that belongs to these weights, or let the weights decide.",
            code="weights.mismatched",
            why="Layers that the configuration leaves out are dropped, those it adds are random, and nothing says so.",
            repair="sizes",
        )
    for name, value in found:
        setattr(config, name, value)
    return True


def _sizes_in(config: Any, weights: Weights, trial: DryRun) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    size = _vocabulary(config)
    wrong = [(held, wanted) for _, held, wanted in trial.mismatched if held[1:] == wanted[1:] and wanted[:1] == (size,)]
    rows = {held[0] for held, _ in wrong}
    if len(rows) == 1:
        found.append(("vocab_size", rows.pop()))
    blocks = block_count(weights.shapes)
    claimed = getattr(config, "num_hidden_layers", None)
    others = [name for name in (*trial.missing, *trial.unexpected) if re.search(r"\.\d+\.", name)]
    if blocks and isinstance(claimed, int) and blocks != claimed and others:
        found.append(("num_hidden_layers", blocks))
    return found


def _vocabulary(config: Any) -> int | None:
    size = getattr(config, "vocab_size", None)
    return size if isinstance(size, int) else None


def block_count(names: Iterable[str]) -> int | None:
    """How many numbered blocks the longest numbered list among the names has; None without one that is unbroken."""
    lists: dict[str, set[int]] = {}
    for name in names:
        found = re.match(r"^(.*?)\.(\d{1,6})\.", name)
        if found:
            lists.setdefault(found[1], set()).add(int(found[2]))
    if not lists:
        return None
    longest = max(lists.values(), key=len)
    return len(longest) if longest == set(range(len(longest))) and len(lists) == 1 else None


def _judge(trial: DryRun, weights: Weights, kind: Any) -> None:
    """Raise CheckpointError where so much is missing or misshapen that the model would not be this file's."""
    wrong = [entry for entry in trial.mismatched if not _in_head(entry[0], kind)]
    if wrong:
        name, held, wanted = sorted(wrong)[0]
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise CheckpointError(
            f"The weights do not fit the config.json: {shape_text(held)} in the file, {shape_text(wanted)} expected",
            value=f"{name}{more}",
            remedy="Restore the config.json that belongs to these weights.",
            code="weights.mismatched",
        )
    if trial.missing and trial.random_share > MOSTLY_RANDOM:
        raise _mostly_random(trial, weights, kind)


def _in_head(name: str, kind: Any) -> bool:
    """Whether a parameter stands outside the base model: a head of another size harms no embedding."""
    base = getattr(kind, "base_model_prefix", "")
    return bool(base) and not kind.__name__.endswith("Model") and not name.startswith(f"{base}.")


def check_memory(parameters: int, size: int, request: Request) -> None:
    """Refuse what would not fit into memory, and ask about what is large, before anything large is read.

    ``size`` is in bytes on disk.
    """
    needed, free = 4 * parameters, free_memory()
    cost = f"{short_count(parameters)} parameters need {_bytes_text(needed)} as float32"
    if free and needed > 0.9 * free:
        raise CheckpointError(
            f"This model does not fit into memory: {cost}, and {_bytes_text(free)} are free",
            value=request.name,
            remedy="Use a machine with more memory, or a smaller model of the same family.",
            code="weights.too-large",
        )
    limit = request.options.ask_above
    if limit and needed > limit and "load-large" not in request.options.repair:
        seconds = size / 0.5e9 + 2
        raise CheckpointError(
            f"This is a large model: {cost}, and loading takes about {seconds:,.0f} s",
            value=request.name,
            remedy="Load it all the same, or open a smaller one.",
            code="weights.large",
            repair="load-large",
        )


def _bytes_text(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.0f} MiB"


def free_memory() -> int:
    """Bytes that can still be had: what the system has free, and what the worker's limit leaves; 0 where unknown."""
    from embedviz.workers.limits import memory_left

    return memory_left()
