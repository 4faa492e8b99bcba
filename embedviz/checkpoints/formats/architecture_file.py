"""Weights with a Python file that defines their architecture by ``build()``. It is code, so it must be allowed."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

from embedviz.checkpoints import weights as weights_
from embedviz.checkpoints.checkpoint import Checkpoint
from embedviz.checkpoints.configuration import reads
from embedviz.checkpoints.fingerprint import fingerprint
from embedviz.checkpoints.loading import MOSTLY_RANDOM, find_prefix
from embedviz.checkpoints.loading_findings import missing_parameters, some
from embedviz.checkpoints.request import Request
from embedviz.checkpoints.tokenizer import find_tokenizer, max_tokens
from embedviz.checkpoints.weights import Weights
from embedviz.errors import CheckpointError, first_line
from embedviz.records import Finding


def recognises(request: Request) -> bool:
    return request.architecture is not None and request.place.file is not None


def open_place(request: Request) -> Checkpoint:
    """Run the file, build its module, and put the weights into it."""
    request.require_code("An architecture file")
    assert request.place.file is not None
    assert request.architecture is not None
    found = weights_.of_files([request.place.file], request.options.part)
    request.say("building the module")
    model = build(request.architecture)
    missing, findings = put(model, found)
    config = getattr(model, "config", None)
    read = reads(model) if config is not None and hasattr(model, "main_input_name") else "unknown inputs"
    tokenizer, told = find_tokenizer(request.folders, config, request.options) if read == "text" else (None, [])
    return Checkpoint(
        name=request.name,
        format="weights with an architecture file",
        model=model.eval(),
        tokenizer=tokenizer,
        max_tokens=max_tokens(tokenizer, config),
        fingerprint=fingerprint(request),
        size=found.size,
        dtype=found.dtype,
        reads=read,
        findings=(*found.findings, *findings, *told),
        untrained=frozenset(missing),
    )


def build(file: Path) -> Any:
    """The ``nn.Module`` that ``build()`` in ``file`` returns. CheckpointError says what the file did instead."""
    import torch

    module = types.ModuleType("architecture")
    module.__file__ = str(file)
    try:
        exec(compile(file.read_text("utf-8"), str(file), "exec"), module.__dict__)
        maker = getattr(module, "build", None)
        made = maker() if callable(maker) else None
    except Exception as error:
        raise CheckpointError(
            f"The architecture file failed ({type(error).__name__}: {first_line(error)})",
            value=file.name,
            remedy="Run it by itself: `python -c 'import architecture; architecture.build()'`.",
            code="configuration.architecture-file",
        ) from error
    if not isinstance(made, torch.nn.Module):
        found = "defines no build()" if made is None else f"returns {type(made).__name__}"
        raise CheckpointError(
            f"The architecture file {found}",
            value=file.name,
            remedy="Define `def build():` that returns the torch.nn.Module, ready for its weights.",
            code="configuration.architecture-file",
        )
    return made


def put(model: Any, found: Weights) -> tuple[list[str], list[Finding]]:
    """Copy the weights into ``model``; the parameters that were not in the file, and what was noticed."""
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    prefix = find_prefix(found.shapes, set(wanted)) or ""
    given = {name.removeprefix(prefix): name for name in found.shapes}
    wrong = [name for name in given if name in wanted and wanted[name] != found.shapes[given[name]]]
    if wrong:
        raise CheckpointError(
            f"The weights do not fit the architecture: {found.shapes[given[wrong[0]]]} in the file, "
            f"{wanted[wrong[0]]} expected",
            value=some(wrong),
            remedy="Give the architecture file that belongs to these weights.",
            code="weights.mismatched",
        )
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    missing = sorted(set(sizes) - set(given))
    share = sum(sizes[name] for name in missing) / max(1, sum(sizes.values()))
    if share > MOSTLY_RANDOM:
        raise CheckpointError(
            f"{share:.0%} of the model's parameters are not in the file: it would be random "
            f"(the file has {next(iter(found.shapes))}, the model wants {missing[0]})",
            value=type(model).__name__,
            remedy="Give the architecture file that belongs to these weights.",
            code="weights.mostly-random",
        )
    model.load_state_dict({name: found.read(old) for name, old in given.items() if name in wanted}, strict=False)
    return missing, _noticed(missing, sorted(set(given) - set(wanted)), sizes)


def _noticed(missing: list[str], unexpected: list[str], sizes: dict[str, int]) -> list[Finding]:
    findings = [missing_parameters(missing, sizes)] if missing else []
    if unexpected:
        findings.append(
            Finding(
                code="weights.unexpected",
                severity="warning",
                title="Some tensors of the file have no place in the model and were left out",
                evidence=f"{some(unexpected)} ({len(unexpected)} in all)",
                why="The architecture file may be of another version of the model.",
                remedy="Compare the architecture file with the code the model was trained by.",
            )
        )
    return findings
