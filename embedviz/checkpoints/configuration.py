"""From a config.json to a transformers configuration and the class that is to be built from it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embedviz.checkpoints.config_values import safe_values
from embedviz.checkpoints.json_file import read_json
from embedviz.checkpoints.request import Options
from embedviz.checkpoints.weights import Weights
from embedviz.errors import CheckpointError, first_line
from embedviz.records import Finding

log = logging.getLogger(__name__)

#: What a model is given, by the name of its main input.
READS = {
    "input_ids": "text",
    "pixel_values": "images",
    "pixel_values_videos": "videos",
    "input_values": "audio",
    "input_features": "audio",
}


def read_config(folder: Path, weights: Weights, options: Options) -> tuple[Any, list[Finding]]:
    """The configuration in ``folder``, with what a person assumed in place of what it says, and what was noticed.

    A missing ``model_type`` is recovered from the weights. Raises CheckpointError where it cannot be used.
    """
    raw = read_json(folder / "config.json")
    if not isinstance(raw, dict):
        raise CheckpointError(
            "The config.json holds no settings",
            value=folder.name,
            remedy="Restore it from where it was saved.",
            code="configuration.not-json",
        )
    findings: list[Finding] = []
    if not isinstance(raw.get("model_type"), str):
        raw, finding = _recover(raw, weights, folder)
        findings.append(finding)
    return from_values({**raw, **options.assumed}), findings


def _recover(raw: dict[str, Any], weights: Weights, folder: Path) -> tuple[dict[str, Any], Finding]:
    """The settings with the ``model_type`` that the weights tell, and what else the settings do not say."""
    from embedviz.architecture import guess

    try:
        told = guess(weights.shapes, weights.read)
    except CheckpointError as error:
        raise CheckpointError(
            "The config.json names no model_type, and the weights are of no family that is known",
            value=folder.name,
            remedy='Add the line "model_type": "bert" (or whichever it is) to config.json.',
            code="configuration.no-model-type",
        ) from error
    added = sorted(set(told.config) - set(raw) - {"model_type"})
    return {**told.config, **raw, "model_type": told.model_type}, Finding(
        code="configuration.model-type-recovered",
        severity="info",
        title="The config.json names no model_type; the weights tell which it is",
        evidence=f"model_type = {told.model_type}, sure to {told.confidence:.0%}"
        + (f"; also not in config.json: {', '.join(added[:8])}" if added else ""),
        why="Without model_type, transformers' AutoModel refuses the folder.",
        remedy="Nothing to do. A repaired copy has the line in its config.json.",
    )


def from_values(raw: Mapping[str, Any]) -> Any:
    """transformers' configuration of the values in a config.json; CheckpointError where it cannot be used."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    kept = safe_values(raw)
    quantised = raw.get("quantization_config")
    if quantised:
        from embedviz.checkpoints.places.refused import refuse_quantised

        refuse_quantised(quantised)
    family = str(kept.pop("model_type"))
    try:
        if family not in CONFIG_MAPPING:
            raise _unknown(family, raw)
        kind = CONFIG_MAPPING[family]
        # A setting by the name of a method would take that method's place.
        return kind.from_dict({name: value for name, value in kept.items() if not callable(getattr(kind, name, None))})
    except CheckpointError:
        raise
    except Exception as error:
        log.info("config refused", exc_info=True)
        raise CheckpointError(
            f"transformers cannot use this config.json ({first_line(error)})",
            value=family,
            remedy="Check the values it names; a newer architecture needs a newer transformers.",
            code="configuration.values",
        ) from error


def _unknown(family: str, raw: Mapping[str, Any]) -> CheckpointError:
    import transformers

    if "auto_map" in raw:
        return CheckpointError(
            "This model is defined by program code of its own, which embedviz does not run",
            value=family,
            remedy="Use a model whose architecture is part of transformers, or give its code as an architecture file.",
            code="configuration.own-code",
            why="Code in a model's folder can do whatever the person who starts it can do.",
        )
    return CheckpointError(
        "transformers does not know this architecture",
        value=family,
        remedy=f"Check model_type in config.json; a newer architecture needs a newer transformers than "
        f"{transformers.__version__}.",
        code="configuration.unknown-architecture",
    )


def model_class(config: Any, *, bare: bool, wanted: str = "") -> tuple[Any, Any, list[Finding]]:
    """The class to build, the configuration it takes, and what was noticed.

    Of an encoder with a decoder it is the encoder, of a model of pictures and texts the tower for texts, or for
    pictures where "images" are ``wanted``. ``bare`` leaves a head (classifier, language model) out.
    """
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING

    listed = config.architectures
    named = str(listed[0]) if isinstance(listed, list | tuple) and listed else ""
    if config.is_encoder_decoder and type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING:
        return MODEL_FOR_TEXT_ENCODING_MAPPING[type(config)], config, []
    tower = _tower(config, wanted)
    if tower is not None:
        kind, inner = tower
        return kind, inner, [_tower_finding(kind, config, pictures=inner is config.vision_config)]
    kind = None if bare else getattr(transformers, named, None)
    if not (isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel)) or named.endswith(
        "PreTrainedModel"
    ):
        kind = None
    findings = []
    if kind is not None and getattr(kind, "config_class", None) not in (None, type(config)):
        findings.append(_other_class(named, config))
        kind = None
    if kind is None and type(config) in MODEL_MAPPING:
        try:
            kind = MODEL_MAPPING[type(config)]
        except ValueError:
            log.info("transformers names a model for this configuration and has none", exc_info=True)
        kind = kind[0] if isinstance(kind, tuple) else kind
    if kind is None:
        raise CheckpointError(
            "transformers has no model for this configuration",
            value=config.model_type,
            remedy="Check model_type in config.json; a newer architecture needs a newer transformers.",
            code="configuration.unknown-architecture",
        )
    return kind, config, findings


def _tower(config: Any, wanted: str) -> tuple[Any, Any] | None:
    """The class and configuration of one tower of a model of pictures and texts; None where it is no such model."""
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    if not (hasattr(config, "text_config") and hasattr(config, "vision_config")) or type(config) not in MODEL_MAPPING:
        return None
    whole = MODEL_MAPPING[type(config)]
    pictures = wanted == "images"
    name = getattr(whole, "__name__", "").replace("Model", "VisionModel" if pictures else "TextModel")
    kind = getattr(transformers, name, None)
    return None if kind is None else (kind, config.vision_config if pictures else config.text_config)


def _tower_finding(tower: Any, config: Any, *, pictures: bool) -> Finding:
    opened, other = ("pictures", "text") if pictures else ("texts", "images")
    return Finding(
        code="configuration.tower",
        severity="info",
        title=f"Of this model of pictures and texts, the tower for {opened} was opened",
        evidence=f"{tower.__name__} of {config.model_type}",
        why="The two towers take different inputs; each has a module tree of its own.",
        remedy=f"Give {opened} as instances. For the other tower, say that it reads {other} (input.modality).",
    )


def _other_class(named: str, config: Any) -> Finding:
    return Finding(
        code="configuration.other-class",
        severity="warning",
        title="The config.json names a class of another family",
        evidence=f"architectures = {named}, model_type = {config.model_type}",
        why="One of the two is wrong. A wrong family can load without a word and give other vectors.",
        remedy="Check which the model was trained as; the model_type was used.",
    )


def reads(kind: Any) -> str:
    """What instances of ``kind`` are given: "text", "images", "audio", "videos"."""
    return READS.get(str(getattr(kind, "main_input_name", "input_ids")), "other inputs")
