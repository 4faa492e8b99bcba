"""What loading a model left out, made up or corrected, as findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from embedviz.checkpoints.weights import Weights
from embedviz.records import Finding

if TYPE_CHECKING:
    from embedviz.architecture.dry_run import DryRun


def report(trial: DryRun, model: Any) -> list[Finding]:
    """What the loading left out, made up or dropped, as findings."""
    findings = []
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    missing = [name for name in trial.missing if name in sizes]
    mismatched = {name: (held, wanted) for name, held, wanted in trial.mismatched}
    if missing:
        findings.append(missing_parameters(missing, sizes))
    if mismatched:
        name, (held, wanted) = next(iter(sorted(mismatched.items())))
        findings.append(
            Finding(
                code="weights.head-replaced",
                severity="warning",
                title="The head in the file is of another size and was left out",
                evidence=f"{name}: {shape_text(held)} in the file, {shape_text(wanted)} in the config.json",
                why="Its parameters are random now, so its scores mean nothing. The layers below it are not touched.",
                remedy="Choose a layer below the head.",
            )
        )
    if trial.unexpected:
        findings.append(_unexpected_tensors(trial.unexpected))
    return findings


def missing_parameters(missing: list[str], sizes: Mapping[str, int]) -> Finding:
    """``sizes`` are those of all parameters of the model, by name."""
    count = sum(sizes[name] for name in missing)
    return Finding(
        code="weights.missing",
        severity="warning",
        title="Some parameters were not in the file and hold random values",
        evidence=f"{some(missing)}: {count:,} of {sum(sizes.values()):,} parameters "
        f"({count / max(1, sum(sizes.values())):.1%})",
        why="A layer with random parameters says nothing about what the model learned.",
        remedy="Choose a layer that is not marked as untrained.",
    )


def _unexpected_tensors(unexpected: Iterable[str]) -> Finding:
    names = sorted(unexpected)
    return Finding(
        code="weights.unexpected",
        severity="info",
        title="Some tensors of the file have no place in the model and were left out",
        evidence=f"{some(names)} ({len(names)} in all)",
        why="Usually they are a head that this use of the model does not need (a language-model or classifier head).",
        remedy="Nothing to do, unless a layer that you expect is not in the module tree.",
    )


def prefix_taken_off(prefix: str, weights: Weights) -> Finding:
    count = sum(name.startswith(prefix) for name in weights.shapes)
    return Finding(
        code="weights.prefix",
        severity="info",
        title="A prefix was taken off the names of the tensors",
        evidence=f"{prefix} from {count} of {len(weights.shapes)} names",
        why="Training code wraps a model (DataParallel, a Lightning module, …) and saves the wrapper's names.",
        remedy="Nothing to do. A repaired copy has the names that other programs look for.",
    )


def sizes_corrected(config: Any) -> Finding:
    return Finding(
        code="weights.mismatched",
        severity="info",
        title="The configuration was corrected by the weights",
        evidence=f"vocab_size = {getattr(config, 'vocab_size', '?')}, "
        f"num_hidden_layers = {getattr(config, 'num_hidden_layers', '?')}",
        why="The numbers in config.json were of another model; the shapes of the tensors tell the right ones.",
        remedy="Nothing to do. A repaired copy has the right config.json.",
    )


def some(names: Iterable[str], count: int = 4) -> str:
    """The first few of many names."""
    listed = list(names)
    return ", ".join(listed[:count]) + (f" and {len(listed) - count} more" if len(listed) > count else "")


def shape_text(shape: Iterable[int]) -> str:
    return " × ".join(str(size) for size in shape)
