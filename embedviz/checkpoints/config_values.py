"""The values of a config.json without what reaches beyond the model: code, other files, programs to download."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from embedviz.errors import CheckpointError

#: Settings of how a model is run (not of what it is); with a slash in them transformers downloads a program.
_RUNNING = re.compile(r"_?(attn|experts)_implementation(_internal)?|hidden_act\w*|activation\w*")
_IMPLEMENTATION = re.compile(r"_?(attn|experts)_implementation(_internal)?")
#: Left out: names of code, of files elsewhere, and what only says where it was.
_LEFT_OUT = {
    *("auto_map", "trust_remote_code", "custom_pipelines", "transformers_weights", "gguf_file", "name_or_path"),
    *("use_kernels", "kernel_config", "tp_plan", "distributed_config"),
}
#: More values than any config.json holds (one with labels for every word holds some hundred thousand), and deeper.
_MAX_VALUES, _MAX_DEPTH, _MAX_LABELS = 300_000, 32, 100_000
_MAX_TEXT = 10_000


def safe_values(raw: Mapping[str, Any]) -> dict[str, Any]:
    """``raw`` without what is left out, at every depth. CheckpointError where it is absurd or asks for a program."""
    left = [_MAX_VALUES]
    safe: dict[str, Any] = _safe(raw, left, _MAX_DEPTH)
    return safe


def _safe(value: Any, left: list[int], depth: int) -> Any:
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        raise _absurd("holds more values than any model's" if left[0] < 0 else "is nested deeper than any model's", "")
    if isinstance(value, list | tuple):
        return [_safe(item, left, depth - 1) for item in value]
    if not isinstance(value, Mapping):
        return value
    kept = {}
    for name, item in value.items():
        _check(str(name), item)
        if not (str(name).startswith("_") or name in _LEFT_OUT or _IMPLEMENTATION.fullmatch(str(name))):
            kept[name] = _safe(item, left, depth - 1)
    return kept


def _check(name: str, value: Any) -> None:
    if _RUNNING.fullmatch(name) and "/" in str(value)[:_MAX_TEXT]:
        raise CheckpointError(
            "The config.json asks to download program code for its attention or activation",
            value=f"{name} = {str(value)[:200]}",
            remedy="Remove the line from config.json.",
            code="configuration.kernel-code",
            why="Such code would run on the server.",
        )
    labels = value if name == "num_labels" else len(value) if name in ("id2label", "label2id") and _sized(value) else 0
    if isinstance(labels, int | float) and labels > _MAX_LABELS:
        raise _absurd(f"has more than {_MAX_LABELS:,} labels", f"{name}: {labels:,}")


def _sized(value: Any) -> bool:
    return isinstance(value, Mapping | list)


def _absurd(what: str, value: str) -> CheckpointError:
    return CheckpointError(
        f"The config.json {what}",
        value=value or None,
        remedy="Restore the config.json that belongs to these weights.",
        code="configuration.absurd-size",
    )
