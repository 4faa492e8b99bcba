"""Loading without loading: transformers matches names and shapes on the meta device, and nothing is allocated.

Its report is the proof that a configuration belongs to a file, and the cost of the real load is known before it.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from embedviz.architecture.catalogue import default_config
from embedviz.errors import CheckpointError

log = logging.getLogger(__name__)

#: Far above what exists (the longest published context is ten million tokens), far below what hangs.
_LARGEST_NUMBER = 20_000_000
_MOST_LAYERS = 2_000
_MOST_PARTS = 4_096
_LAYERS = re.compile(
    r"(^|_)(num_.*layers|n_layers?|.*encoder_layers|.*decoder_layers|num_layers|layers|depth|num_.*blocks)$"
)
_PARTS = re.compile(r"experts|stages|blocks|groups|codebooks|quantizers|depths|repeats")
_SIZES = re.compile(
    r"size|dim|width|heads|layers|hidden|d_model|d_ff|d_kv|n_embd|positions|position_embeddings|channels|"
    + _PARTS.pattern
)
_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int8": 1, "uint8": 1}


@dataclass(frozen=True)
class DryRun:
    """What a real load would find.

    ``missing`` tensors of the model are not in the file (they would be random), ``unexpected`` ones of the file are
    not in the model (they would be dropped), ``mismatched`` are (name, shape in the file, shape in the model).
    ``random_share`` is the share of ``parameters`` that would be random.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    parameters: int
    random_share: float
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether everything of the model comes from the file, a pooler apart."""
        return not self.mismatched and all("pooler" in name for name in self.missing)


def dry_run(
    model_type_or_config: Any,
    shapes: Mapping[str, tuple[int, ...]],
    *,
    prefix: str = "",
    kind: str | type | None = None,
) -> DryRun:
    """Let transformers fit ``shapes`` (by tensor name, below ``prefix``) to a configuration.

    Give a transformers configuration, or a model type for that family's defaults; ``kind`` is the model's class or
    its name (None: the family's base model). Takes some 10 ms for a small model and half a second for one of eight
    billion parameters. CheckpointError where the configuration is absurd or transformers refuses it.
    """
    import torch

    started = time.perf_counter()
    config = model_type_or_config
    if isinstance(config, str):
        config = default_config(config)
    check_sizes(config, len(shapes))
    model_class = model_class_of(config, kind)
    # transformers takes names for patterns, in which a backslash means something; no model has one in its names.
    odd = {name for name in shapes if "\\" in name}
    state = {name: torch.empty(shape, device="meta") for name, shape in shapes.items() if name not in odd}
    try:
        with _quiet():
            model, report = model_class.from_pretrained(
                None,
                config=config,
                state_dict=state,
                device_map="meta",
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                key_mapping=key_mapping(prefix),
            )
    except Exception as error:
        log.info("dry run refused", exc_info=True)
        raise _refused(config, error) from error
    sizes = {name: value.numel() for name, value in model.named_parameters()}
    missing = sorted(report["missing_keys"])
    mismatched = sorted((str(name), tuple(held), tuple(wanted)) for name, held, wanted in report["mismatched_keys"])
    total = sum(sizes.values())
    random = sum(sizes.get(name, 0) for name in {*missing, *(name for name, _, _ in mismatched)})
    return DryRun(
        missing=tuple(missing),
        unexpected=tuple(sorted({*report["unexpected_keys"], *odd})),
        mismatched=tuple(mismatched),
        parameters=total,
        random_share=random / max(1, total),
        seconds=time.perf_counter() - started,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's own report and progress bar: this report is returned."""
    from transformers.utils import logging as library

    verbosity, bar = library.get_verbosity(), library.is_progress_bar_enabled()
    library.set_verbosity_error()
    library.disable_progress_bar()
    try:
        yield
    finally:
        library.set_verbosity(verbosity)
        if bar:
            library.enable_progress_bar()


def memory(parameters: int, dtype: str = "float32") -> int:
    """Bytes that so many parameters take: the least that loading them needs."""
    return parameters * _BYTES.get(dtype, 4)


def key_mapping(prefix: str) -> dict[str, str] | None:
    """What ``from_pretrained(key_mapping=…)`` takes to strip a prefix.

    transformers reads meaning of its own into some escaped signs: any sign but letters, digits and dots may be any.
    """
    letters = (sign if sign.isalnum() or sign == "_" else r"\." if sign == "." else "." for sign in prefix)
    return {f"^{''.join(letters)}": ""} if prefix else None


def model_class_of(config: Any, kind: str | type | None = None) -> Any:
    """The transformers class for a configuration: the one named, or the family's base model."""
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    if isinstance(kind, str):
        found = getattr(transformers, kind, None)
        if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
            return found
        raise CheckpointError(
            "transformers has no model of this name",
            value=kind[:80],
            remedy="Check `architectures` in config.json; a newer architecture needs a newer transformers.",
            code="configuration.unknown-class",
        )
    if kind is not None:
        return kind
    if type(config) not in MODEL_MAPPING:
        raise CheckpointError(
            "transformers has no model for this configuration",
            value=getattr(config, "model_type", type(config).__name__),
            remedy="Check model_type in config.json; a newer architecture needs a newer transformers.",
            code="configuration.unknown-class",
        )
    found = MODEL_MAPPING[type(config)]
    return found[0] if isinstance(found, tuple | list) else found


def check_sizes(config: Any, tensors: int) -> None:
    """Refuse numbers that no model has, before anything is built: each would take time or memory.

    A model has at least one tensor a layer, so ``tensors`` in the file bound its layers.
    """
    for name, value in _numbers(config):
        check_number(name, value, tensors)


def check_number(name: str, value: int, tensors: int) -> None:
    """Refuse one size, by its dotted name in a configuration."""
    last = name.rpartition(".")[2]
    if value < (-1 if "relative" in name else 0) or (value == 0 and "attention_heads" in name):
        raise _absurd(name, value, "is not a size")
    if _LAYERS.search(last) and value > min(_MOST_LAYERS, max(tensors, 1)):
        raise _absurd(name, value, f"is more layers than the file has tensors ({tensors:,})")
    if value > (_MOST_PARTS if _PARTS.search(last) else _LARGEST_NUMBER):
        raise _absurd(name, value, "is larger than any model has")


def _numbers(config: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, int]]:
    """The whole numbers of a configuration that stand for sizes, with dotted names."""
    for name, value in vars(config).items():
        where = f"{path}{name}"
        if hasattr(value, "to_dict") and depth < 4:
            yield from _numbers(value, f"{where}.", depth + 1)
        elif not _SIZES.search(name) or isinstance(value, bool):
            continue
        elif isinstance(value, int):
            yield where, value
        elif isinstance(value, list | tuple):
            yield from ((where, item) for item in value[:1000] if isinstance(item, int) and not isinstance(item, bool))


def _absurd(name: str, value: int, why: str) -> CheckpointError:
    return CheckpointError(
        f"The configuration's {name} {why}",
        value=f"{name} = {value}",
        remedy="Restore the config.json that belongs to these weights.",
        code="configuration.absurd-size",
    )


def _refused(config: Any, error: Exception) -> CheckpointError:
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return CheckpointError(
        f"transformers cannot build this configuration ({first[:200].rstrip('.')})",
        value=getattr(config, "model_type", type(config).__name__),
        remedy="Restore the config.json that belongs to these weights.",
        code="configuration.does-not-fit",
    )
