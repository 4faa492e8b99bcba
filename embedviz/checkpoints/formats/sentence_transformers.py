"""A sentence-transformers folder: a transformer and, beside it, how its vectors are pooled and normalised."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz.checkpoints import weights
from embedviz.checkpoints.checkpoint import TRAINED_MODES, Checkpoint, Recipe
from embedviz.checkpoints.formats.hugging_face import open_folder
from embedviz.checkpoints.json_file import read_json
from embedviz.checkpoints.request import Request
from embedviz.errors import CheckpointError

if TYPE_CHECKING:
    import torch

#: More parts than any model has, and a longer prompt.
_MAX_PARTS, _MAX_PROMPT = 50, 20_000
_ACTIVATIONS = {"Tanh", "ReLU", "GELU", "Identity", "Sigmoid", "SiLU", "ELU", "LeakyReLU"}


def recognises(request: Request) -> bool:
    return request.place.file is None and (request.place.folder / "modules.json").is_file()


def open_place(request: Request) -> Checkpoint:
    """Open the transformer inside and keep the folder's own pooling as its recipe ("as trained")."""
    folder = request.place.folder
    modules = _modules(folder)
    transformer = _inside(folder, modules[0][1])
    checkpoint = open_folder(transformer, request, format="sentence-transformers folder", bare=True)
    settings = _optional(transformer / "sentence_bert_config.json")
    longest = settings.get("max_seq_length")
    if isinstance(longest, int) and longest > 0:
        checkpoint.max_tokens = min(longest, checkpoint.max_tokens)
    checkpoint.origin, checkpoint.inside = folder, modules[0][1]
    recipe = _recipe(folder, modules[1:])
    checkpoint.recipe = replace(recipe, lower_case=bool(settings.get("do_lower_case")))
    return checkpoint


def _modules(folder: Path) -> list[tuple[str, str]]:
    """The parts in their order as (class name, path)."""
    listed = read_json(folder / "modules.json")
    try:
        parts = [(str(entry["type"]).rsplit(".", 1)[-1], str(entry["path"])) for entry in listed]
        if len(parts) > _MAX_PARTS:
            raise ValueError(f"{len(parts):,} parts")
    except (TypeError, KeyError, ValueError) as error:
        raise CheckpointError(
            "modules.json does not list the parts of a sentence-transformers model",
            value=folder.name,
            remedy="Restore it from where it was saved.",
            code="configuration.modules",
        ) from error
    if not parts or parts[0][0] != "Transformer":
        raise CheckpointError(
            "This sentence-transformers model does not begin with a transformer",
            value=parts[0][0] if parts else "an empty list",
            remedy="Open a model whose first part is a Transformer.",
            code="configuration.modules",
        )
    return parts


def _inside(folder: Path, part: str) -> Path:
    try:
        path = (folder / part).resolve()
    except (ValueError, OSError):
        path = Path("/")  # a name that no file can have
    if not path.is_relative_to(folder.resolve()):
        raise CheckpointError(
            "modules.json points outside its folder",
            value=part,
            remedy="Do not trust its sender.",
            code="files.index-escapes",
        )
    return path


def _optional(file: Path, *, needed: bool = False) -> dict[str, Any]:
    parsed = read_json(file) if needed or file.is_file() else {}
    return parsed if isinstance(parsed, dict) else {}


def _prompts(folder: Path) -> tuple[str, dict[str, str]]:
    """What the folder puts before every text unless told otherwise ("" for nothing), and all that it names."""
    told = _optional(folder / "config_sentence_transformers.json")
    prompts, name = told.get("prompts"), told.get("default_prompt_name")
    if not isinstance(prompts, dict):
        return "", {}
    default = str(prompts.get(name) or "") if isinstance(name, str) else ""
    named = {str(key)[:60]: str(text) for key, text in list(prompts.items())[:_MAX_PARTS] if text}
    return default, {key: text for key, text in named.items() if len(text) <= _MAX_PROMPT}


def _recipe(folder: Path, parts: list[tuple[str, str]]) -> Recipe:
    modes: tuple[str, ...] = ()
    dense: list[torch.nn.Module] = []
    normalise = False
    prompt, prompts = _prompts(folder)
    if len(prompt) > _MAX_PROMPT:
        return Recipe(untold="The prompt that it puts before every text is longer than a model reads")
    for kind, path in parts:
        if kind == "Pooling" and not modes:
            settings = _optional(_inside(folder, path) / "config.json", needed=True)
            modes = _modes(settings)
            if prompt and not settings.get("include_prompt", True):
                return Recipe(untold="It leaves the prompt's tokens out of its pooling, which is not supported")
        elif kind == "Dense" and modes:
            dense.append(_dense(_inside(folder, path)))
        elif kind == "Normalize":
            normalise = True
        elif kind != "Dropout":
            return Recipe(untold=f"It ends in a part that is not supported ({kind})")
    if not modes:
        return Recipe(untold="It has no pooling part")
    return Recipe(modes, tuple(dense), normalise, prompt, prompts, untold="")


def _modes(settings: dict[str, Any]) -> tuple[str, ...]:
    if "pooling_mode" in settings:
        listed = settings["pooling_mode"]
        modes = listed if isinstance(listed, list) else [listed]
        chosen = tuple(mode for mode in TRAINED_MODES if mode in modes)
        known = len(chosen) == len(modes)
    else:
        chosen = tuple(mode for mode in TRAINED_MODES if any(settings.get(key) for key in _keys(mode)))
        known = bool(chosen)
    if not known:
        raise CheckpointError(
            "The pooling part names no pooling that is known",
            value=settings,
            remedy="Restore 1_Pooling/config.json.",
            code="configuration.pooling",
        )
    return chosen


def _keys(mode: str) -> tuple[str, ...]:
    return (f"pooling_mode_{mode}", f"pooling_mode_{mode}_tokens", f"pooling_mode_{mode}_token")


def _dense(folder: Path) -> torch.nn.Module:
    import torch

    settings = _optional(folder / "config.json", needed=True)
    tensors = weights.of_folder(folder).load()
    weight = tensors.get("linear.weight")
    if weight is None or weight.ndim != 2:
        raise CheckpointError(
            "A dense part has no linear.weight",
            value=folder.name,
            remedy="Restore it from where it was saved.",
            code="weights.dense",
        )
    linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias="linear.bias" in tensors)
    linear.load_state_dict({name.removeprefix("linear."): tensor for name, tensor in tensors.items()})
    activation = str(settings.get("activation_function", "torch.nn.modules.linear.Identity")).rsplit(".", 1)[-1]
    if activation not in _ACTIVATIONS:
        raise CheckpointError(
            "A dense part asks for an activation that is not known",
            value=activation,
            remedy="Check its config.json.",
            code="configuration.activation",
        )
    return torch.nn.Sequential(linear, getattr(torch.nn, activation)()).eval()
