"""A folder written by ``save_pretrained``: config.json, safetensors, and a tokenizer."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz.checkpoints import weights
from embedviz.checkpoints.checkpoint import Checkpoint, Recipe, Say
from embedviz.checkpoints.fingerprint import fingerprint
from embedviz.checkpoints.folder import read_json
from embedviz.errors import CheckpointError
from embedviz.records import Finding

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

#: A model may say nothing about its longest input (relative positions); more than this is asked for on purpose only.
DEFAULT_MAX_TOKENS = 512
MAX_TOKENS = 8_192
_TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)
#: Above this share of random parameters the file is of another model, whatever its name says.
_MOSTLY_RANDOM = 0.5


def recognises(folder: Path) -> bool:
    return (folder / "config.json").is_file()


def open_folder(folder: Path, name: str, say: Say) -> Checkpoint:
    """Open ``folder``. CheckpointError says what is missing or does not fit."""
    say("reading the configuration")
    return open_transformer(folder, name, say, format="Hugging Face folder", bare=False)


def open_transformer(folder: Path, name: str, say: Say, *, format: str, bare: bool) -> Checkpoint:
    """Load config, weights and tokenizer. ``bare`` leaves a head (classifier, language model) out of the model."""
    config = _config(folder)
    header = weights.inspect(folder)
    kind = _model_class(config, bare)
    _check_size(config, kind, header)
    say(f"loading {header.size / 1e6:,.0f} MB of weights")
    model, missing = _load(folder, config, kind, header)
    say("reading the tokenizer")
    tokenizer = _tokenizer(folder, model)
    return Checkpoint(
        name=name,
        format=format,
        model=model,
        tokenizer=tokenizer,
        max_tokens=_max_tokens(tokenizer, config),
        fingerprint=fingerprint(folder),
        size=header.size,
        dtype=header.dtype,
        recipe=Recipe(),
        findings=_missing_finding(missing, model),
        untrained=frozenset(missing),
    )


def _config(folder: Path) -> Any:
    import transformers

    raw = read_json(folder / "config.json")
    if not isinstance(raw, dict) or "model_type" not in raw:
        raise CheckpointError(
            "The config.json names no model_type, so the architecture is unknown",
            value=folder.name,
            remedy='Add the line "model_type": "bert" (or whichever it is) to config.json.',
        )
    kernels = [raw.get(key) for key in ("attn_implementation", "_attn_implementation")]
    if any("/" in str(kernel) for kernel in kernels):
        raise CheckpointError(
            "The config.json asks to download program code for its attention",
            value=next(kernel for kernel in kernels if "/" in str(kernel)),
            remedy="Remove the line from config.json.",
        )
    try:
        return transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        log.info("config refused", exc_info=True)
        if "auto_map" in raw:
            raise CheckpointError(
                "This model is defined by program code of its own, which embedviz does not run",
                value=raw["model_type"],
                remedy="Use a model whose architecture is part of transformers.",
            ) from error
        raise CheckpointError(
            f"transformers cannot use this config.json ({_first_line(error)})",
            value=raw["model_type"],
            remedy="Check the values it names; a newer architecture needs a newer transformers.",
        ) from error


def _model_class(config: Any, bare: bool) -> type[torch.nn.Module]:
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING

    kind: Any = None
    if config.is_encoder_decoder and type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING:
        kind = MODEL_FOR_TEXT_ENCODING_MAPPING[type(config)]
    elif not bare and config.architectures:
        kind = getattr(transformers, str(config.architectures[0]), None)
        if not (isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel)):
            kind = None
    if kind is None and type(config) in MODEL_MAPPING:
        kind = MODEL_MAPPING[type(config)]
        kind = kind[0] if isinstance(kind, tuple) else kind
    if kind is None:
        raise CheckpointError(
            "transformers has no model for this configuration",
            value=config.model_type,
            remedy="Check model_type in config.json; a newer architecture needs a newer transformers.",
        )
    if getattr(kind, "main_input_name", "input_ids") != "input_ids":
        raise CheckpointError(
            f"This model reads {kind.main_input_name.replace('_', ' ')}, not text",
            value=kind.__name__,
            remedy="Open a text model.",
        )
    return kind  # type: ignore[no-any-return]


def _check_size(config: Any, kind: Any, header: weights.Weights) -> None:
    """Refuse a configuration that claims far more than its weights hold, before anything is allocated."""
    import torch

    layers = getattr(config, "num_hidden_layers", 0) or 0
    if layers > len(header.shapes):
        raise CheckpointError(
            f"The config.json claims {layers:,} blocks, but the weights hold only {len(header.shapes):,} tensors",
            value=f"num_hidden_layers = {layers}",
            remedy="Restore the config.json that belongs to these weights.",
        )
    try:
        with torch.device("meta"):
            empty = kind(config)
    except Exception as error:
        raise CheckpointError(
            f"The numbers in config.json do not fit together ({_first_line(error)})",
            value=config.model_type,
            remedy="Restore the config.json that belongs to these weights.",
        ) from error
    claimed = sum(parameter.numel() for parameter in empty.parameters())
    held = sum(_numel(shape) for shape in header.shapes.values())
    if claimed > 4 * held + 50e6:
        raise CheckpointError(
            f"The config.json describes {claimed:,} parameters, but the weights hold {held:,}",
            value=config.model_type,
            remedy="Restore the config.json that belongs to these weights.",
        )


def _numel(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _load(folder: Path, config: Any, kind: Any, header: weights.Weights) -> tuple[Any, list[str]]:
    import torch

    try:
        model, report = kind.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except Exception as error:
        log.info("weights refused", exc_info=True)
        raise CheckpointError(
            f"transformers could not load these weights ({_first_line(error)})",
            value=folder.name,
            remedy="Save the model again where it was made, or check that all files are of one model.",
        ) from error
    _check_mismatched(report["mismatched_keys"])
    missing = sorted(report["missing_keys"])
    _check_missing(model, missing, header)
    return model.eval(), missing


def _check_mismatched(mismatched: Any) -> None:
    if not mismatched:
        return
    name, held, wanted = sorted(mismatched)[0]
    more = f" and {len(mismatched) - 1} more" if len(mismatched) > 1 else ""
    raise CheckpointError(
        f"The weights do not fit the config.json: {_shape(held)} in the file, {_shape(wanted)} expected",
        value=f"{name}{more}",
        remedy="Restore the config.json that belongs to these weights.",
    )


def _shape(shape: Any) -> str:
    return " × ".join(str(size) for size in shape)


def _check_missing(model: Any, missing: list[str], header: weights.Weights) -> None:
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    share = sum(sizes.get(name, 0) for name in missing) / max(1, sum(sizes.values()))
    if share > _MOSTLY_RANDOM:
        raise CheckpointError(
            f"{share:.0%} of the model's parameters are not in the file: it would be random "
            f"(the file has {next(iter(header.shapes))}, the model wants {missing[0]})",
            value=type(model).__name__,
            remedy="Restore the config.json that belongs to these weights, or rename the tensors to match.",
        )


def _missing_finding(missing: list[str], model: Any) -> tuple[Finding, ...]:
    if not missing:
        return ()
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    count = sum(sizes.get(name, 0) for name in missing)
    shown = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
    return (
        Finding(
            code="weights.missing",
            severity="warning",
            title="Some parameters were not in the file and hold random values",
            evidence=f"{shown}: {count:,} of {sum(sizes.values()):,} parameters",
            why="A layer with random parameters says nothing about what the model learned.",
            remedy="Choose a layer that is not marked as untrained.",
        ),
    )


def _tokenizer(folder: Path, model: Any) -> Any:
    import transformers

    if not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        raise CheckpointError(
            "This folder has no tokenizer, so text cannot be turned into the model's numbers",
            value=folder.name,
            remedy=f"Copy its files ({', '.join(_TOKENIZER_FILES[:3])}, …) into the folder: "
            "`tokenizer.save_pretrained(folder)`.",
        )
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except BaseException as error:
        # The tokenizer library panics on some files with an exception that is not an Exception.
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise CheckpointError(
            f"The tokenizer cannot be read ({_first_line(error)})",
            value=folder.name,
            remedy="Save it again: `tokenizer.save_pretrained(folder)`.",
        ) from error
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) < min(256, rows):
        raise CheckpointError(
            f"The tokenizer knows only {len(tokenizer)} tokens, but the model has {rows:,}",
            value=folder.name,
            remedy="Its vocabulary files are missing or of another kind: `tokenizer.save_pretrained(folder)`.",
        )
    return tokenizer


def _max_tokens(tokenizer: Any, config: Any) -> int:
    positions = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    if positions and config.model_type in _OFFSET_POSITIONS:
        # These count positions from the padding id on, so that two of them are never reached.
        positions -= (config.pad_token_id or 0) + 1
    limits = [limit for limit in (positions, tokenizer.model_max_length) if limit and 0 < limit < 10**6]
    return min([*limits, MAX_TOKENS]) if limits else DEFAULT_MAX_TOKENS


_OFFSET_POSITIONS = {
    "camembert",
    "data2vec-text",
    "longformer",
    "mpnet",
    "roberta",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
}


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:200].rstrip(".")
