"""Weights without a configuration: a lone safetensors file, or a state dict, bare or wrapped by a trainer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from embedviz.checkpoints import bundled, weights
from embedviz.checkpoints.checkpoint import Checkpoint
from embedviz.checkpoints.configuration import from_values, read_config
from embedviz.checkpoints.formats.hugging_face import assemble
from embedviz.checkpoints.loading import find_prefix
from embedviz.checkpoints.request import Request
from embedviz.checkpoints.weights import Weights
from embedviz.records import Finding

if TYPE_CHECKING:
    from embedviz.architecture import Guess

_KINDS = ("safetensors", "torch", "torch-legacy")
#: Families that use BERT's lower-cased vocabulary where they have as many rows as it has words.
_WORDPIECE = {"bert", "distilbert", "mobilebert", "electra", "mpnet", "funnel", "lxmert", "squeezebert"}
_WORDS = 30_522


def recognises(request: Request) -> bool:
    return request.place.file is not None and request.place.kind in _KINDS


def open_place(request: Request) -> Checkpoint:
    """Open the tensors as a transformers model whose family and sizes they tell."""
    assert request.place.file is not None
    request.say("reading the names of the tensors")
    return open_weights(
        weights.of_files([request.place.file], request.options.part), request, format=_format(request.place.kind)
    )


def _format(kind: str) -> str:
    return "safetensors file" if kind == "safetensors" else "state dict"


def open_weights(found: Weights, request: Request, *, format: str, findings: Sequence[Finding] = ()) -> Checkpoint:
    """A checkpoint of ``found``: by a config.json near it, else by what names and shapes tell."""
    from embedviz.architecture import guess

    beside = next((folder for folder in request.folders if (folder / "config.json").is_file()), None)
    if beside is not None:
        config, noticed = read_config(beside, found, request.options)
        return _by_config(config, found, request, format, [*findings, *noticed])
    request.say("finding out the architecture")
    told = guess(found.shapes, found.read, assume=_of_model(request.options.assumed))
    config = from_values({**told.config, "model_type": told.model_type})
    checkpoint = assemble(
        config,
        found,
        request,
        request.folders,
        format=format,
        bare=True,
        prefix=told.prefix,
        findings=[*findings, _guessed(told)],
    )
    checkpoint.assumptions = told.assumptions
    return _with_vocabulary(checkpoint, request)


def _by_config(config: Any, found: Weights, request: Request, format: str, findings: Sequence[Finding]) -> Checkpoint:
    from embedviz.checkpoints.configuration import model_class
    from embedviz.checkpoints.loading import expected

    kind, narrowed, _ = model_class(config, bare=False)
    prefix = find_prefix(found.shapes, expected(kind, narrowed)) or ""
    return assemble(
        config, found, request, request.folders, format=format, bare=False, prefix=prefix, findings=findings
    )


def _of_model(assumed: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in assumed.items() if name != "tokenizer"}


def _guessed(told: Guess) -> Finding:
    values = ", ".join(f"{each.name} = {each.value}" for each in told.assumptions[:6])
    return Finding(
        code="configuration.guessed",
        severity="warning",
        title="There is no config.json; family and sizes were told from the weights",
        evidence=f"{told.model_type}, sure to {told.confidence:.0%}" + (f"; assumed: {values}" if values else ""),
        why="Shapes do not tell everything (heads, activation, …); a wrong value gives other vectors, and no error.",
        remedy="Put the model's config.json beside the weights, or check what is assumed and correct it.",
    )


def _with_vocabulary(checkpoint: Checkpoint, request: Request) -> Checkpoint:
    """Where the rows of a BERT tell its vocabulary, take the bundled one, as an assumption that can be refused."""
    from embedviz.architecture import Assumption

    model: Any = checkpoint.model
    fits = checkpoint.family in _WORDPIECE and model.get_input_embeddings().weight.shape[0] == _WORDS
    asked = request.options.assumed.get("tokenizer", "bert-base-uncased")
    if checkpoint.tokenizer is not None or checkpoint.reads != "text" or not fits:
        return checkpoint
    checkpoint.assumptions += (
        Assumption(
            name="tokenizer",
            value=asked,
            choices=("bert-base-uncased", "none"),
            why=f"the model has {_WORDS:,} rows, as many as BERT's lower-cased vocabulary has words",
            affects="every vector: with another vocabulary each word is read as another",
        ),
    )
    if asked != "none":
        checkpoint.tokenizer = bundled.tokenizer()
        kept = [finding for finding in checkpoint.findings if finding.code != "tokenizer.missing"]
        checkpoint.findings = (*kept, _assumed_vocabulary())
    return checkpoint


def _assumed_vocabulary() -> Finding:
    return Finding(
        code="tokenizer.assumed",
        severity="warning",
        title="There is no tokenizer; BERT's lower-cased vocabulary was assumed",
        evidence=f"{_WORDS:,} rows of word embeddings",
        why="If the model was trained with another vocabulary of this size, its vectors mean nothing.",
        remedy="Put the model's own tokenizer files beside the weights.",
    )
