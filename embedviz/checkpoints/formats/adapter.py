"""A PEFT adapter (LoRA) on a base that the person opens: the changes it makes are added to the base's weights."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from embedviz.checkpoints import weights
from embedviz.checkpoints.checkpoint import Checkpoint
from embedviz.checkpoints.json_file import read_json
from embedviz.checkpoints.loading_findings import some
from embedviz.checkpoints.request import Options, Request
from embedviz.checkpoints.weights import Weights
from embedviz.errors import CheckpointError, first_line
from embedviz.records import Finding

BUNDLED = "bundled"
_FILES = ("adapter_model.safetensors", "adapter_model.bin")
_LORA = re.compile(r"\.lora_(A|B|embedding_A|embedding_B|magnitude_vector)(\.|$)")


def recognises(request: Request) -> bool:
    return request.place.file is None and (request.place.folder / "adapter_config.json").is_file()


def open_place(request: Request) -> Checkpoint:
    """Open the base named in ``options.base`` and merge the adapter into it."""
    folder = request.place.folder
    settings = read_json(folder / "adapter_config.json")
    if not isinstance(settings, dict) or str(settings.get("peft_type")).upper() != "LORA":
        kind = settings.get("peft_type") if isinstance(settings, dict) else "none"
        raise CheckpointError(
            "Of adapters only LoRA can be merged here",
            value=f"peft_type = {kind}",
            remedy="Merge it where it was trained: `model.merge_and_unload().save_pretrained('merged')`.",
            code="configuration.adapter-kind",
        )
    if not request.options.base:
        raise CheckpointError(
            "This is an adapter: small changes to another model, which has to be opened with it",
            value=f"made for {str(settings.get('base_model_name_or_path') or 'a base it does not name')[:120]}",
            remedy="Choose the base it was trained on.",
            code="configuration.adapter-base",
            why="The adapter alone holds none of the model's own weights.",
        )
    file = next((folder / name for name in _FILES if (folder / name).is_file()), folder / _FILES[0])
    found = weights.of_files([file])
    request.say("opening the base")
    base = _base(request)
    request.say("merging the adapter")
    count = merge(base.model, settings, found)
    base.name, base.format = request.name, "LoRA adapter"
    base.fingerprint = hashlib.sha256(f"{base.fingerprint}{_content(folder)}".encode()).hexdigest()
    base.findings = (*base.findings, _merged(count, settings))
    return base


def _content(folder: Path) -> str:
    from embedviz.checkpoints.fingerprint import sha256

    return "".join(sha256(folder / name) for name in ("adapter_config.json", *_FILES) if (folder / name).is_file())


def _base(request: Request) -> Checkpoint:
    from embedviz.checkpoints import bundled_checkpoint, open_checkpoint

    if request.options.base == BUNDLED:
        return bundled_checkpoint(say=request.say, scratch=request.scratch)
    options = Options(repair=request.options.repair, ask_above=request.options.ask_above)
    return open_checkpoint(request.options.base, options=options, say=request.say, scratch=request.scratch)


def merge(model: Any, settings: dict[str, Any], found: Weights) -> int:
    """Add the adapter's changes to ``model`` in place; how many modules were changed.

    Which modules and of which rank is told by the tensors, never by patterns out of the file's settings.
    """
    import peft

    targets = _targets(model, found)
    config = peft.LoraConfig(
        r=1,
        lora_alpha=1,
        target_modules=[target for target, _ in targets.values()],
        rank_pattern={_exactly(target): rank for target, rank in targets.values()},
        alpha_pattern={_exactly(target): _alpha(settings, rank) for target, rank in targets.values()},
        use_rslora=settings.get("use_rslora") is True,
        use_dora=settings.get("use_dora") is True,
        fan_in_fan_out=settings.get("fan_in_fan_out") is True,
    )
    try:
        wrapped = peft.get_peft_model(model, config)
        renamed = {_renamed(name, targets): found.read(name) for name in found.shapes if _LORA.search(name)}
        result: Any = peft.set_peft_model_state_dict(wrapped, renamed)
    except (RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise _misfit(first_line(error)) from error
    if result.unexpected_keys:
        raise _misfit(some(result.unexpected_keys))
    wrapped.merge_and_unload()
    return len(targets)


def _targets(model: Any, found: Weights) -> dict[str, tuple[str, int]]:
    """Module path in the file → (module path in the model, rank)."""
    modules = {name for name, module in model.named_modules() if name and not any(True for _ in module.children())}
    ranks = {_LORA.split(name)[0]: min(shape) for name, shape in found.shapes.items() if _LORA.search(name) and shape}
    targets = {}
    for path, rank in ranks.items():
        parts = path.split(".")
        ends = (".".join(parts[place:]) for place in range(len(parts)))
        target = next((end for end in ends if end in modules), None)
        if target is None:
            raise _misfit(path)
        targets[path] = (target, rank)
    if not targets:
        raise _misfit("it holds no LoRA tensors")
    return targets


def _renamed(name: str, targets: dict[str, tuple[str, int]]) -> str:
    path = _LORA.split(name)[0]
    return f"base_model.model.{targets[path][0]}{name[len(path) :]}"


def _exactly(path: str) -> str:
    return f"^{re.escape(path)}$"


def _alpha(settings: dict[str, Any], rank: int) -> float:
    value = settings.get("lora_alpha")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float(rank)


def _misfit(value: str) -> CheckpointError:
    return CheckpointError(
        "The adapter does not fit this base",
        value=value,
        remedy="Choose the base it was trained on.",
        code="configuration.adapter-mismatch",
        why="An adapter changes modules by their names and sizes; another base has none of them.",
    )


def _merged(count: int, settings: dict[str, Any]) -> Finding:
    named = str(settings.get("base_model_name_or_path") or "no base")[:120]
    return Finding(
        code="weights.adapter-merged",
        severity="info",
        title="The adapter was added to its base",
        evidence=f"{count} modules changed; it names {named} as its base",
        why="If the base is not the one it was trained on, the sum of the two was never trained.",
        remedy="Check that the base is the one it names.",
    )
