"""A folder written by ``save_pretrained``: config.json, weights, and a tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from embedviz.checkpoints import weights as weights_
from embedviz.checkpoints.checkpoint import Checkpoint
from embedviz.checkpoints.configuration import model_class, read_config, reads
from embedviz.checkpoints.fingerprint import fingerprint
from embedviz.checkpoints.loading import load
from embedviz.checkpoints.request import Request
from embedviz.checkpoints.tokenizer import find_tokenizer, max_tokens
from embedviz.checkpoints.weights import Weights
from embedviz.errors import CheckpointError
from embedviz.records import Finding


def recognises(request: Request) -> bool:
    return request.place.file is None and (request.place.folder / "config.json").is_file()


def open_place(request: Request) -> Checkpoint:
    """Open the folder. CheckpointError says what is missing or does not fit."""
    checkpoint = open_folder(request.place.folder, request, format="Hugging Face folder", bare=False)
    checkpoint.origin = request.place.folder
    pooling = sorted(request.place.folder.glob("*_Pooling/config.json"))
    if pooling:
        checkpoint.findings += (_lost_recipe(pooling[0].parent.name),)
    return checkpoint


def _lost_recipe(part: str) -> Finding:
    return Finding(
        code="files.lost-modules",
        severity="warning",
        title="This was a sentence-transformers model, but its modules.json is not here",
        evidence=f"there is a part {part}, and nothing that names it",
        why="Without it the model opens as a plain transformer: its pooling, scaling and length limit are not known.",
        remedy="Copy modules.json (and sentence_bert_config.json) into the folder, from where the model was saved.",
    )


def open_folder(folder: Path, request: Request, *, format: str, bare: bool) -> Checkpoint:
    """Load config, weights and tokenizer of ``folder``. ``bare`` leaves a head out of the model."""
    request.say("reading the configuration")
    weights = weights_.of_folder(folder)
    config, findings = read_config(folder, weights, request.options)
    folders = [folder, *request.folders]
    return assemble(config, weights, request, folders, format=format, bare=bare, findings=findings)


def assemble(
    config: Any,
    weights: Weights,
    request: Request,
    folders: Sequence[Path],
    *,
    format: str,
    bare: bool,
    prefix: str = "",
    findings: Sequence[Finding] = (),
) -> Checkpoint:
    """A checkpoint of transformers' class for ``config`` with ``weights`` and the tokenizer found in ``folders``.

    ``prefix`` is taken off the names of the tensors.
    """
    kind, config, noticed = model_class(config, bare=bare, wanted=request.options.inputs.get("modality", ""))
    loaded = load(kind, config, weights, request, prefix=prefix)
    read = reads(kind)
    tokenizer: Any = None
    told: list[Finding] = []
    if read == "text":
        request.say("reading the tokenizer")
        tokenizer, told = find_tokenizer(folders, config, request.options)
    processor, told = _processor(folders, config) if read == "images" else (None, told)
    return Checkpoint(
        name=request.name,
        format=format,
        model=loaded.model,
        tokenizer=tokenizer,
        max_tokens=max_tokens(tokenizer, config),
        fingerprint=fingerprint(request),
        size=weights.size,
        dtype=weights.dtype,
        reads=read,
        processor=processor,
        findings=(*weights.findings, *findings, *noticed, *loaded.findings, *told),
        untrained=frozenset(loaded.missing),
        prefix=loaded.prefix,
    )


def _processor(folders: Sequence[Path], config: Any) -> tuple[Any, list[Finding]]:
    """The checkpoint's own image processor; None, and what is wrong with it, where it cannot be used."""
    from embedviz.modalities.image_processor import find_processor

    try:
        return find_processor(folders, config), []
    except CheckpointError as error:
        return None, [
            Finding(
                code="configuration.processor",
                severity="warning",
                title="The checkpoint's own image processor cannot be used",
                evidence=f"{error.what} ({error.value})",
                why="Pictures are brought to the size that the configuration names, and scaled as its family usually "
                "is; scaled otherwise than in training, they give other vectors.",
                remedy=error.remedy,
            )
        ]
