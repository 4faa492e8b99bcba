"""Which refusal fits a file or a folder that embedviz does not open."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz.checkpoints.places import sniff
from embedviz.checkpoints.places.listing import (
    WEIGHT_SUFFIXES,
    Listing,
    is_leftover,
    is_shard,
    is_weights_name,
    listing,
)
from embedviz.checkpoints.places.refusals import OPENS, REFUSED, Refusal
from embedviz.errors import CheckpointError

__all__ = [
    "REFUSED",
    "Refusal",
    "foreign_folder",
    "nothing_found",
    "refuse",
    "refuse_file",
    "refuse_folder",
    "refuse_quantised",
]

if TYPE_CHECKING:
    from embedviz.checkpoints.places.place import Place

_FOREIGN_FILES: tuple[tuple[str, str], ...] = (
    (r".*\.distcp", "distcp"),
    (r"(bf16_)?zero_pp_rank_\d+_.*|mp_rank_\d+_model_states\.pt", "deepspeed"),
    (r"latest_checkpointed_iteration\.txt|model_optim_rng\.pt", "megatron"),
    (r"saved_model\.pbt?|.+\.data-\d{5}-of-\d{5}|group1-shard\d+of\d+\.bin", "tensorflow"),
    (r"_CHECKPOINT_METADATA|manifest\.ocdbt", "orbax"),
    (r"openvino_model\.xml", "openvino"),
)
_FOREIGN_FOLDERS: tuple[tuple[str, str], ...] = (
    (r"global_step\d+", "deepspeed"),
    (r"iter_\d{7}|mp_rank_\d\d(_\d{3})*", "megatron"),
    (r"com\.apple\.CoreML", "coreml"),
)
_TOKENIZERS = {
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
}
_MAX_SNIFFED = 200
_MAX_CONFIG = 2**25


def foreign_folder(files: Set[str], folders: Set[str]) -> str:
    """The format that the names in a folder give away ("deepspeed"), "" for none."""
    for names, patterns in ((files, _FOREIGN_FILES), (folders, _FOREIGN_FOLDERS)):
        for pattern, kind in patterns:
            if any(re.fullmatch(pattern, name) for name in names):
                return kind
    return ""


def refuse(place: Place) -> None:
    """Raise the CheckpointError that fits a place which embedviz does not open; return where there is none."""
    if place.file is None:
        refuse_folder(place.folder)
    else:
        refuse_file(place.file)


def refuse_file(file: Path) -> None:
    """Raise the CheckpointError that fits a file which embedviz does not open; return where there is none."""
    kind = sniff.kind_of(file)
    by_name = foreign_folder({file.name}, set()) if kind.name in ("torch", "torch-legacy") else ""
    if by_name and not re.fullmatch(r"mp_rank_00_model_states\.pt|model_optim_rng\.pt", file.name):
        raise _error(by_name, file.name)
    if kind.role == sniff.MODEL or kind.name == "folder":
        return
    if kind.role == sniff.ARCHIVE:
        raise CheckpointError(
            f"This is {kind.title} that lies too deep within others",
            value=file.name,
            remedy="Unpack the outer ones, and give this one.",
            code="files.packed",
            why="Archives within archives can unpack to more than any disk holds.",
        )
    if kind.name in REFUSED:
        raise _error(kind.name, file.name)
    raise CheckpointError(
        f"This is {kind.title}, so it is not a model folder or a file of weights",
        value=file.name,
        remedy=OPENS,
        code="files.unknown",
        why="A file is recognised by its content, whatever its name.",
    )


def _error(kind: str, value: str) -> CheckpointError:
    refusal = REFUSED[kind]
    what = f"This is {refusal.what}"
    if refusal.code == "files.data":
        what += " folder or a file of weights"
    return CheckpointError(what, value=value, remedy=refusal.remedy, code=refusal.code, why=refusal.why)


def refuse_folder(folder: Path) -> None:
    """Raise the CheckpointError that fits a folder which embedviz does not open; return where it holds weights it does.

    Tells apart: quantised, shards without their index or configuration, weights that are pointers or empty, weights
    of other formats alone, a configuration without weights, a tokenizer alone, and nothing.
    """
    here = listing(folder)
    names = set(here.files)
    settings = _settings(folder / "config.json") if "config.json" in names else {}
    if settings.get("quantization_config"):
        refuse_quantised(settings["quantization_config"])
    saved = [name for name in here.files if is_weights_name(name)]
    if saved:
        _refuse_saved(folder, saved, names)
        return
    if foreign := foreign_folder(names, set(here.folders)):
        raise _error(foreign, folder.name)
    if _refuse_others(folder, here):
        return
    if "modules.json" in names:  # the weights may lie in a folder of their own
        return
    if names & {"config.json", "adapter_config.json"}:
        raise CheckpointError(
            "There is a configuration but no weights in this folder",
            value=folder.name,
            remedy="Copy model.safetensors (or all of its shards and model.safetensors.index.json) into it.",
            code="files.no-weights",
            why="A configuration says which model it is, but not what it learned.",
        )
    if names & _TOKENIZERS:
        raise _error("tokenizer-only", folder.name)
    raise nothing_found(folder, folder.name, Counter(), here.files, here.cut)


def _settings(config: Path) -> Mapping[str, Any]:
    """The configuration, empty where it cannot be read: what is wrong with it is said when it is opened."""
    try:
        with config.open("rb") as opened:
            parsed = json.loads(opened.read(_MAX_CONFIG))
    except (OSError, ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _refuse_saved(folder: Path, saved: Sequence[str], names: Set[str]) -> None:
    """Weights under their usual names: are they themselves, and is what they need beside them?"""
    for name in saved[:_MAX_SNIFFED]:
        refuse_file(folder / name)
    shards = [name for name in saved if is_shard(name)]
    stem = re.sub(r"-\d{5}-of-\d{5}", "", shards[0]) if shards else ""
    if len(shards) == len(saved) and f"{stem}.index.json" not in names:
        raise CheckpointError(
            "The index of the sharded weights is missing",
            value=f"{stem}.index.json",
            remedy="Copy it beside the shards, from where they were saved.",
            code="files.no-index",
            why="The index says which part of the model is in which file.",
        )
    if shards and not names & {"config.json", "modules.json", "adapter_config.json"}:
        raise CheckpointError(
            "No config.json in here, so nothing says which model these shards are",
            value=folder.name,
            remedy="Copy config.json beside the shards, from where they were saved.",
            code="files.no-configuration",
        )


def _refuse_others(folder: Path, here: Listing) -> bool:
    """Raise for the first file of a format that is not opened; true where there is one that is."""
    files = sorted(here.files, key=lambda name: Path(name).suffix.lower() not in WEIGHT_SUFFIXES)[:_MAX_SNIFFED]
    kinds = {name: sniff.kind_of(folder / name) for name in files if not is_leftover(name)}
    if any(kind.role == sniff.MODEL for kind in kinds.values()):
        return True
    for name, kind in kinds.items():
        promised = Path(name).suffix.lower() in WEIGHT_SUFFIXES
        if kind.role == sniff.FOREIGN or (promised and kind.name in REFUSED):
            raise _error(kind.name, name)
    return False


_QUANTISED_WAYS_OUT = {
    "bitsandbytes": "Where there is a GPU with bitsandbytes, run `model = AutoModel.from_pretrained(DIR)`, then "
    "`model.dequantize()` and `model.save_pretrained(OUT)`",
}


def refuse_quantised(settings: object) -> None:
    """Raise for the ``quantization_config`` of a config.json, unless there is a GPU that could compute with it."""
    import torch

    if torch.cuda.is_available():
        return
    given = settings if isinstance(settings, dict) else {}
    bits = any(given.get(f"load_in_{bits}bit") or given.get(f"_load_in_{bits}bit") for bits in (4, 8))
    method = str(given.get("quant_method") or ("bitsandbytes" if bits else "an unnamed method"))[:40]
    way_out = _QUANTISED_WAYS_OUT.get(method, "")
    raise CheckpointError(
        f"The weights are quantised for a GPU ({method}), and there is none here",
        value="quantization_config in config.json",
        remedy=f"{way_out}; or give" + " the model from before it was quantised."
        if way_out
        else "Give the model from before it was quantised.",
        code="configuration.quantised",
        why="Quantised numbers can be computed with only by the library that made them, on the hardware it supports.",
    )


def nothing_found(
    folder: Path, name: str, kinds: Mapping[str, int], names: Sequence[str], cut: bool
) -> CheckpointError:
    """The error for a folder without any model: what it holds instead, counted and by its first names."""
    if not names:
        return CheckpointError(
            "This folder is empty", value=name, remedy="Give the folder the model is in.", code="files.no-model"
        )
    if {Path(each).name for each in names} & _TOKENIZERS:
        return _error("tokenizer-only", name)
    shown = ", ".join(names[:6]) + (" and more" if len(names) > 6 or cut else "")
    counted = ", ".join(f"{count:,} × {title}" for title, count in Counter(kinds).most_common(4))
    return CheckpointError(
        f"No model in here: neither a config.json nor weights (found: {shown})",
        value=name,
        remedy=OPENS,
        code="files.no-model",
        why=(f"The files are: {counted}." if counted else "") + (" There are more than were looked at." if cut else ""),
    )
