"""A checkpoint's own way of preparing pictures: transformers' image processor from its preprocessor_config.json."""

from __future__ import annotations

import json
import logging
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from embedviz.checkpoints.json_file import read_json
from embedviz.errors import CheckpointError, InstancesError, first_line
from embedviz.modalities.image_reads import FILE, MOST_SIDE, channels_of
from embedviz.modalities.pixels import decode
from embedviz.records import FloatArray, ImageItem

log = logging.getLogger(__name__)

#: transformers 5 writes the same settings into this file under "image_processor", where a model reads texts as well.
_NESTED = "processor_config.json"
_MOST_BYTES, _MOST_CHANNELS = 2**20, 16
#: No setting of a processor is larger; a number of patches or frames could be.
_MOST_NUMBER = 1_000_000
#: Settings that are not about pixels: program code, other programs, other files.
_LEFT_OUT = ("auto_map", "processor_class", "_processor_class", "apply_ocr", "tesseract_config", "ocr_lang")
_RESTORE = "Restore the file that belongs to these weights."


def find_processor(folders: Sequence[Path], config: Any) -> Any | None:
    """transformers' image processor of the first of ``folders`` that has its settings, on Pillow; None without any.

    ``config`` is the model's configuration: it tells the kind of processor where an old file does not. CheckpointError
    where the settings are absurd, ask for program code, or are of no processor that works here.
    """
    for folder in folders:
        settings = _settings(folder)
        if settings is not None:
            return _processor(_guarded(settings), config)
    return None


def _settings(folder: Path) -> Mapping[str, Any] | None:
    for name in (FILE, _NESTED):
        file = folder / name
        if not file.is_file():
            continue
        if file.stat().st_size > _MOST_BYTES:
            raise _absurd("is far too large", f"{name}, {file.stat().st_size / 2**20:,.0f} MiB")
        values = read_json(file)
        if name == _NESTED:
            values = values.get("image_processor") if isinstance(values, dict) else None
            if values is None:
                continue
        if not isinstance(values, dict):
            raise _absurd("holds no settings", name)
        return values
    return None


def _guarded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without what is not about pixels. CheckpointError where they are absurd or ask for program code."""
    if "auto_map" in settings:
        raise CheckpointError(
            "The pictures of this model are prepared by program code of its own, which embedviz does not run",
            value=f"{FILE}, auto_map",
            remedy=f"Remove the line from {FILE}, if the processor it names is part of transformers.",
            code="processor.own-code",
            why="Code in a model's folder can do whatever the person who starts it can do.",
        )
    kept = {name: value for name, value in settings.items() if name not in _LEFT_OUT and not name.startswith("__")}
    for name, value in kept.items():
        _check(name, value, ("size" in name and not name.startswith("do_")) or name.endswith("resolution"))
    for name, most in (("image_mean", _MOST_CHANNELS), ("image_std", _MOST_CHANNELS)):
        values = kept.get(name)
        if isinstance(values, list) and (len(values) > most or (name == "image_std" and not all(values))):
            raise _absurd("gives means or deviations that make no sense", f"{name} = {str(values)[:100]}")
    return kept


def _check(name: str, value: Any, size: bool, depth: int = 3) -> None:
    if isinstance(value, Mapping | list):
        inner = list(value.values()) if isinstance(value, Mapping) else value
        if depth == 0 or len(inner) > 1_000:
            raise _absurd("holds more values than any model's", name)
        for each in inner:
            _check(name, each, size, depth - 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        most = MOST_SIDE if size else _MOST_NUMBER
        if not math.isfinite(value) or abs(value) > most or (size and value < 1):
            raise _absurd("asks for a size that makes no sense", f"{name} = {value:,}")


def _absurd(what: str, value: str) -> CheckpointError:
    return CheckpointError(f"The {FILE} {what}", value=value, remedy=_RESTORE, code="processor.absurd")


def _processor(settings: Mapping[str, Any], config: Any) -> Any:
    from transformers import AutoImageProcessor

    try:
        # Read from a folder with nothing else in it: transformers would look for other files beside it, too.
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / FILE).write_text(json.dumps(settings), "utf-8")
            processor = AutoImageProcessor.from_pretrained(
                folder, config=config, backend="pil", local_files_only=True, trust_remote_code=False
            )
    except Exception as error:
        log.info("image processor refused", exc_info=True)
        raise CheckpointError(
            f"transformers cannot prepare pictures by the {FILE} ({first_line(error)})",
            value=str(settings.get("image_processor_type") or settings.get("feature_extractor_type") or "") or None,
            remedy=_RESTORE,
            code="processor.refused",
        ) from error
    _check_kind(settings, processor)
    if getattr(processor, "apply_ocr", False):  # the text on a picture is another program's work
        processor.apply_ocr = False
    if getattr(processor, "backend", "") != "pil" or "pixel_values" not in processor.model_input_names:
        raise CheckpointError(
            "The image processor of this model does not work without torchvision, or makes no plain pictures",
            value=type(processor).__name__,
            remedy="Give tensors: prepare the pictures where the model was made, and save them with numpy.save.",
            code="processor.refused",
        )
    return processor


def _check_kind(settings: Mapping[str, Any], processor: Any) -> None:
    """CheckpointError where transformers took another processor than the one named, as it does without a word."""
    named = settings.get("image_processor_type") or settings.get("feature_extractor_type")
    if named is None:
        return
    meant = str(named).removesuffix("Fast").removesuffix("Pil").replace("FeatureExtractor", "ImageProcessor")
    taken = type(processor).__name__.removesuffix("Pil")
    if taken != meant:
        raise CheckpointError(
            "transformers does not have the image processor of this model, or not without torchvision",
            value=f"{named}, it would take {taken}",
            remedy="Give tensors: prepare the pictures where the model was made, and save them with numpy.save.",
            code="processor.unavailable",
        )


def process(processor: Any, items: Sequence[ImageItem]) -> FloatArray:
    """The pictures as the checkpoint's own processor makes them, (pictures, channels, height, width) float32.

    InstancesError for a picture that cannot be used, and where the processor makes no picture of one size of each.
    """
    if not items:
        raise InstancesError("There are no pictures", remedy="Bring at least one.")
    made = [_one(processor, item) for item in items]
    for item, array in zip(items, made, strict=True):
        if array.shape != made[0].shape:
            sizes = [" × ".join(map(str, each.shape)) for each in (array, made[0])]
            raise InstancesError(
                "The image processor of this model keeps the pictures' own sizes, which differ",
                value=f"{item.name}: {sizes[0]}, the first {sizes[1]}",
                remedy="Bring pictures of one size.",
            )
    return np.stack(made)


def _one(processor: Any, item: ImageItem) -> FloatArray:
    mode = "L" if channels_of(processor) == 1 else "RGB"
    picture = decode(item).convert(mode)
    try:
        made = np.asarray(processor(images=[picture], return_tensors="np")["pixel_values"], np.float32)
    except Exception as error:
        log.info("image processor fails", exc_info=True)
        raise InstancesError(
            f"The image processor of this model fails on a picture ({first_line(error)})",
            value=item.name,
            remedy="Leave the picture out, or check the model's preprocessor_config.json.",
        ) from error
    if made.ndim != 4 or len(made) != 1 or not np.isfinite(made).all():
        raise InstancesError(
            "The image processor of this model does not make one picture of one",
            value=f"{item.name}: {' × '.join(map(str, made.shape))}",
            remedy="Give tensors: prepare the pictures where the model was made, and save them with numpy.save.",
        )
    one: FloatArray = made[0]
    return one
