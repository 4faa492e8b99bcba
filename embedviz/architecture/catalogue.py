"""The tensor names of every architecture that transformers knows, kept in a file beside this one.

``python -m embedviz.architecture.catalogue`` builds each of them on the meta device (no memory, no download) and
writes the file again; a test says when that is due. Layer numbers are written ``*``.
"""

from __future__ import annotations

import gzip
import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

FILE = Path(__file__).with_name("families.json.gz")

#: Settings for the few families that cannot be built from their configuration's defaults.
SETTINGS: dict[str, dict[str, Any]] = {
    "autoformer": {"prediction_length": 8},
    # ESM-2 and DeBERTa as they are published; the library's defaults are none of them.
    "esm": {"vocab_size": 33, "pad_token_id": 1, "mask_token_id": 32, "position_embedding_type": "rotary"},
    "deberta": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": False},
    "deberta-v2": {
        **{"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False},
        **{"share_att_key": True, "norm_rel_ebd": "layer_norm", "position_buckets": 256},
    },
    "hunyuan_v1_dense": {"head_dim": 128},
    "hunyuan_v1_moe": {"head_dim": 128},
    "informer": {"prediction_length": 8},
    "ministral": {"head_dim": 128},
    "nemotron": {"num_key_value_heads": 48},
    "time_series_transformer": {"prediction_length": 8},
    **{
        name: {"use_timm_backbone": False, "backbone_config": {"model_type": "resnet", "out_features": ["stage4"]}}
        for name in ("conditional_detr", "detr", "table-transformer")
    },
}
#: Tensors that a model may be saved without: they are computed, or it works without them.
_OPTIONAL = re.compile(
    r"(^|\.)(pooler|num_batches_tracked|relative_position_index|position_ids|token_type_ids|inv_freq"
    r"|masked_bias|mask_token|pos_embed_buffer)(\.|$)"
)
_NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")


@dataclass(frozen=True)
class Family:
    """One architecture: ``kind`` is its class, ``names`` the patterns it has in memory and ``saved`` those on disk.

    ``optional`` patterns may be absent from a file: poolers, tied weights and computed buffers.
    """

    model_type: str
    kind: str
    base_prefix: str
    main_input: str
    names: frozenset[str]
    saved: frozenset[str]
    optional: frozenset[str]

    @property
    def forms(self) -> tuple[frozenset[str], ...]:
        return (self.saved,) if self.saved == self.names else (self.saved, self.names)

    def as_json(self) -> dict[str, Any]:
        record = {
            "base_model_prefix": self.base_prefix,
            "main_input_name": self.main_input,
            "names": sorted(self.names),
            "optional": sorted(self.optional),
        }
        return record if self.saved == self.names else record | {"saved": sorted(self.saved)}


@dataclass(frozen=True)
class Catalogue:
    """Everything in the file. ``families`` is by (model_type, class name); ``failed`` has reasons."""

    transformers: str
    families: Mapping[tuple[str, str], Family]
    failed: Mapping[str, str]

    @cached_property
    def index(self) -> dict[str, list[tuple[Family, int]]]:
        """For each pattern the families that have it, with the number of the form (0 on disk, 1 in memory)."""
        found: dict[str, list[tuple[Family, int]]] = {}
        for family in self.families.values():
            for number, form in enumerate(family.forms):
                for pattern in form:
                    found.setdefault(pattern, []).append((family, number))
        return found


def pattern(key: str) -> str:
    """``encoder.layer.11.output`` → ``encoder.layer.*.output``; digits inside a word stay."""
    return _NUMBER.sub("*", key)


@lru_cache(maxsize=1)
def load() -> Catalogue:
    """Read the catalogue file (some 40 ms, then kept)."""
    data = json.loads(gzip.decompress(FILE.read_bytes()))
    families = {}
    for key, record in data["families"].items():
        model_type, kind = key.split("/")
        names = frozenset(record["names"])
        families[model_type, kind] = Family(
            model_type=model_type,
            kind=kind,
            base_prefix=record["base_model_prefix"],
            main_input=record["main_input_name"],
            names=names,
            saved=frozenset(record["saved"]) if "saved" in record else names,
            optional=frozenset(record["optional"]),
        )
    return Catalogue(data["transformers"], families, data["failed"])


def kinds() -> list[tuple[str, str]]:
    """Every (model_type, class name) to try: the base models, and the encoders that stand alone."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES, MODEL_MAPPING_NAMES

    found = []
    for model_type, names in [*MODEL_MAPPING_NAMES.items(), *MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES.items()]:
        found += [(model_type, name) for name in ([names] if isinstance(names, str) else names)]
    return list(dict.fromkeys(found))


def empty_model(kind: str, config: Any) -> Any:
    """The model of class ``kind`` on the meta device: names and shapes, no memory. Raises what transformers raises."""
    import torch
    import transformers
    from transformers.initialization import no_init_weights

    with torch.device("meta"), no_init_weights():
        return getattr(transformers, kind)(config)


def names_of(model: Any, *, saved: bool = False) -> dict[str, tuple[int, ...]]:
    """Shapes by tensor name as in memory, or as ``save_pretrained`` writes them (older names, experts apart)."""
    from transformers.core_model_loading import revert_weight_conversion

    state = model.state_dict()
    named = revert_weight_conversion(model, state) if saved else state
    return {name: tuple(value.shape) for name, value in named.items()}


def default_config(model_type: str, **settings: Any) -> Any:
    """The family's configuration with its own defaults and ``settings`` on top."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    return CONFIG_MAPPING[model_type](**{**SETTINGS.get(model_type, {}), **settings})


def describe(model_type: str, kind: str) -> Family:
    """Build one family and read its names. Raises what transformers raises where it cannot be built."""
    model = empty_model(kind, default_config(model_type))
    names, saved = ({pattern(key) for key in names_of(model, saved=form)} for form in (False, True))
    tied = {pattern(key) for key in getattr(model, "all_tied_weights_keys", {})}
    optional = {name for name in names | saved if name in tied or _OPTIONAL.search(name)}
    return Family(
        model_type=model_type,
        kind=kind,
        base_prefix=model.base_model_prefix,
        main_input=model.main_input_name,
        names=frozenset(names),
        saved=frozenset(saved),
        optional=frozenset(optional),
    )


def build(wanted: Iterable[tuple[str, str]]) -> Catalogue:
    """Describe each (model_type, class name); those that fail are kept with the reason."""
    import transformers

    families, failed = {}, {}
    for model_type, kind in wanted:
        try:
            families[model_type, kind] = describe(model_type, kind)
        except Exception as error:  # noqa: BLE001 - hundreds of other people's constructors; the reason is kept
            failed[f"{model_type}/{kind}"] = _reason(error)
            log.warning("%s/%s: %s", model_type, kind, _reason(error))
    return Catalogue(transformers.__version__, families, failed)


def _reason(error: Exception) -> str:
    """The first line of an error, without the folders of this machine."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {re.sub(r'(/[^/ ]+)+/', '', text)[:160]}"


def write(catalogue: Catalogue, file: Path = FILE) -> None:
    """The same catalogue gives the same bytes."""
    data = {
        "transformers": catalogue.transformers,
        "families": {"/".join(key): family.as_json() for key, family in catalogue.families.items()},
        "failed": dict(catalogue.failed),
    }
    file.write_bytes(gzip.compress(json.dumps(data, sort_keys=True, indent=0).encode(), 9, mtime=0))


def main() -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    logging.basicConfig(format="%(message)s")
    catalogue = build(kinds())
    write(catalogue)
    print(f"{len(catalogue.families)} architectures, {len(catalogue.failed)} failed, {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
