"""One architecture as a function from settings to tensor shapes, built on the meta device."""

from __future__ import annotations

import dataclasses
import logging
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from embedviz.architecture.catalogue import SETTINGS, Family, default_config, empty_model, names_of, pattern

log = logging.getLogger(__name__)

#: A place in a configuration: ("hidden_size",), ("text_config", "hidden_size") or ("depths", 2).
Path = tuple[str | int, ...]
Shapes = dict[str, tuple[int, ...]]

_MAX_BUILDS, _MAX_SECONDS = 600, 30.0
#: Whole numbers in a configuration that are no sizes.
_NO_SIZE = re.compile(
    r"(_id|_ids|_token|_index|_idx|_seed|_start|_end|_length|_indices|_indexes|_interval|_version|_top_k|top_k|_freq)$"
    r"|^(chunk_size_feed_forward|pretraining_tp|num_return_sequences|num_labels|num_beams|num_beam_groups|max_length"
    r"|min_length|transformers_weights|best_of|_.*|initializer_.*|use_.*|output_.*|is_.*|no_.*|begin_.*|mask_.*)$"
)
_SIZE_AFTER_ALL = re.compile(r"(^max_length|max_source_length|max_target_length|sequence_length|context_length)$")
#: Numbers with a fraction that are sizes all the same.
_RATIO = re.compile(r"ratio|multiplier|expansion|factor")


class Blueprint:
    """The shapes that a family's model has for any settings, in the form (on disk or in memory) that the file uses.

    Settings are by path; what is not set stands at the family's default. Every different one is built once, and
    after half a minute or some hundreds of them nothing more is built (a file may be made to be slow).
    """

    def __init__(self, family: Family, form: int) -> None:
        self.family, self.form = family, form
        self.default = default_config(family.model_type)
        self._until = time.monotonic() + _MAX_SECONDS
        self._built: dict[tuple[tuple[Path, Any], ...], Shapes | None] = {}

    def shapes(self, settings: Mapping[Path, Any]) -> Shapes | None:
        """Shape by name, or None where transformers refuses such a configuration."""
        key = tuple(sorted(((path, _frozen(value)) for path, value in settings.items()), key=repr))
        if key not in self._built:
            if len(self._built) >= _MAX_BUILDS or time.monotonic() > self._until:
                return None
            self._built[key] = self._build(settings)
        return self._built[key]

    def _build(self, settings: Mapping[Path, Any]) -> Shapes | None:
        try:
            return names_of(empty_model(self.family.kind, self.config(settings)), saved=not self.memory)
        except Exception:
            # Whatever a configuration's code raises means that these settings do not go together.
            log.debug("refused: %s", settings, exc_info=True)
            return None

    @property
    def memory(self) -> bool:
        """Whether the file uses the names that the model has in memory."""
        return self.family.forms[self.form] == self.family.names

    def config(self, settings: Mapping[Path, Any]) -> Any:
        """A transformers configuration with these settings. Raises what transformers raises."""
        return default_config(self.family.model_type, **self.keywords(settings))

    def keywords(self, settings: Mapping[Path, Any]) -> dict[str, Any]:
        """The settings as the configuration class takes them, parts of lists and of inner configurations put in."""
        keywords: dict[str, Any] = {}
        for path, value in settings.items():
            _put(keywords, self.default, path, value)
        keywords = {**SETTINGS.get(self.family.model_type, {}), **keywords}
        words = keywords.get("vocab_size")
        if isinstance(words, int) and (attribute(self.default, "pad_token_id") or 0) >= words:
            keywords.setdefault("pad_token_id", 0)
        return keywords

    def value(self, path: Path, settings: Mapping[Path, Any]) -> Any:
        """What a field stands at under these settings."""
        if path in settings:
            return settings[path]
        try:
            return _get(self.config(settings), path)
        except Exception:  # noqa: BLE001 - as in _build
            return _get(self.default, path)

    def fields(self) -> list[Path]:
        """Every whole number of the configuration that may be a size."""
        found = list(_fields(self.default, ()))
        further = [(name,) for name, value in SETTINGS.get(self.family.model_type, {}).items() if type(value) is int]
        return found + [path for path in further if path not in found and not _NO_SIZE.search(path[0])]

    def switches(self) -> Iterator[tuple[Path, Any]]:
        """Every (path, other value) of an option that may add or remove tensors."""
        yield from _switches(self.default, ())

    def choices(self) -> list[tuple[Path, Any]]:
        """Those of the switches that are words; they may change shapes and leave the names."""
        return [(path, value) for path, value in self.switches() if isinstance(value, str)]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _get(config: Any, path: Path) -> Any:
    for part in path:
        config = config[part] if isinstance(part, int) else attribute(config, part)
    return config


def attribute(config: Any, name: str) -> Any:
    """A field, or None: some configurations refuse to say what differs from layer to layer."""
    try:
        return getattr(config, name, None)
    except Exception:
        log.debug("no %s", name, exc_info=True)
        return None


def _put(keywords: dict[str, Any], config: Any, path: Path, value: Any) -> None:
    head, rest = str(path[0]), path[1:]
    if not rest:
        keywords[head] = value
    elif isinstance(rest[0], int):
        keywords.setdefault(head, list(getattr(config, head)))[rest[0]] = value
    else:
        inner = getattr(config, head)
        _put(keywords.setdefault(head, {"model_type": inner.model_type}), inner, rest, value)


def _names(config: Any) -> list[str]:
    names = [field.name for field in dataclasses.fields(config)] if dataclasses.is_dataclass(config) else []
    return [name for name in names if not _NO_SIZE.search(name) or _SIZE_AFTER_ALL.search(name)]


def _fields(config: Any, path: Path) -> Iterator[Path]:
    from transformers import PreTrainedConfig

    for name in _names(config):
        value = attribute(config, name)
        if isinstance(value, PreTrainedConfig):
            if len(path) < 2:
                yield from _fields(value, (*path, name))
        elif isinstance(value, bool):
            continue
        elif isinstance(value, int) or (isinstance(value, float) and _RATIO.search(name)):
            yield (*path, name)
        elif isinstance(value, list | tuple) and 0 < len(value) <= 12 and all(type(item) is int for item in value):
            yield from ((*path, name, number) for number in range(len(value)))


#: Options by name whose other values change which tensors there are.
_CHOICES: dict[str, tuple[Any, ...]] = {
    "position_embedding_type": ("absolute", "rotary", "relative_key"),
    "feed_forward_proj": ("relu", "gated-gelu"),
    "layer_type": ("bottleneck", "basic"),
    "feat_extract_norm": ("group", "layer"),
    "norm_layer_type": ("batch_norm", "layer_norm"),
}
_SWITCH = re.compile(
    r"bias|norm|embed|position|token|stable|gate|glu|pool|share|scale|project|qkv|head_weights|swiglu|rms|tie|pre|post|use_"
)


def _switches(config: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    from transformers import PreTrainedConfig

    for field in dataclasses.fields(config) if dataclasses.is_dataclass(config) else ():
        value = attribute(config, field.name)
        if isinstance(value, bool) and _SWITCH.search(field.name):
            yield (*path, field.name), not value
        elif field.name in _CHOICES:
            yield from (((*path, field.name), other) for other in _CHOICES[field.name] if other != value)
        elif isinstance(value, PreTrainedConfig) and not path:
            yield from _switches(value, (field.name,))


def form_of(family: Family, body: Mapping[str, Any]) -> int:
    """Which of the family's forms these names (without prefix) are written in."""
    present = {pattern(key) for key in body}
    return max(range(len(family.forms)), key=lambda number: len(family.forms[number] & present))
