"""The same texts through the checkpoint's own tokenizer and another one, and what the model makes of both."""

from __future__ import annotations

import copy
import difflib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz import layers
from embedviz.checkpoints.checkpoint import unreadable
from embedviz.errors import EmbedvizError, InstancesError
from embedviz.modalities.text import as_given, vocabulary_rows
from embedviz.pooling import AS_TRAINED, suited
from embedviz.records import Finding, Layer, TokenizerComparison
from embedviz.tokenizer_lab.reading import reading
from embedviz.tokenizer_lab.ready import TOKENIZERS, Ready
from embedviz.tokenizer_lab.tokens import list_tokens, totals
from embedviz.tokenizer_lab.vectors import How, captured, compared, different

if TYPE_CHECKING:
    from embedviz.capture import Progress
    from embedviz.checkpoints import Checkpoint

__all__ = ["MOST_TEXTS", "TOKENIZERS", "Ready", "compare_tokenizers"]

#: It is for looking closely: every token is listed.
MOST_TEXTS = 500
_OWN = "The tokenizer that the checkpoint came with."


def compare_tokenizers(
    checkpoint: Checkpoint,
    texts: str | Sequence[str],
    other: str | os.PathLike[str] | Any,
    layer: str | None = None,
    pooling: str | None = None,
    *,
    name: str = "",
    prompt: str | None = None,
    insist: bool = False,
    device: str = "auto",
    progress: Progress | None = None,
    scratch: Path | None = None,
) -> TokenizerComparison:
    """The same texts (at most 500) through the checkpoint's tokenizer and ``other``, and the cosine of what comes out.

    ``other`` is one of TOKENIZERS by name, a tokenizer of transformers, or a path: a folder, an archive of one, a
    tokenizer.json, a vocab.txt. None of its code is run. ``name`` is what it is called. ``layer`` None is the
    recommended one, ``pooling`` None the one that the checkpoint was trained with, else the mean. ``prompt``,
    ``insist`` and ``device`` are as for ``capture``; ``scratch`` is where an archive is unpacked.

    In every other respect ``other`` stands in the place of the checkpoint's own: casing, prompt, longest input, special
    tokens and padding are dealt with as ever. A text with an id that the model has no vector for has no cosine, and the
    reason why. Raises CheckpointError for a tokenizer that cannot be read, InstancesError for no texts or what is none,
    CaptureError where a tokenizer or the model fails on them.
    """
    given = _texts(checkpoint, texts)
    chosen = checkpoint.recommended if layer is None else layers.find(checkpoint.layers, layer, insist=insist)
    pooling = pooling or _usual_pooling(checkpoint, chosen)
    with tempfile.TemporaryDirectory(prefix="embedviz-", dir=scratch) as folder:
        called, about, tokenizer = _other(other, checkpoint, Path(folder))
    swapped = copy.copy(checkpoint)
    swapped.tokenizer = tokenizer
    prepared = as_given(checkpoint, given, prompt)
    own, others = list_tokens(checkpoint, prepared), list_tokens(swapped, prepared)
    how = How(given, chosen.path, pooling, insist, prompt, device, progress)
    swapped.tokenizer = _InPlace(tokenizer, checkpoint.tokenizer)
    one, two, notes = captured(checkpoint, own, swapped, others, how)
    words, rows = sum(len(text.split()) for text in prepared), vocabulary_rows(checkpoint)
    own_totals = totals("the checkpoint's own", _OWN, checkpoint.tokenizer, own, words)
    other_totals = totals(name or called, about, tokenizer, others, words)
    told, apart = compared(prepared, own, others, one, two), different(prepared, one)
    return TokenizerComparison(
        texts=told,
        own=own_totals,
        other=other_totals,
        rows=rows,
        layer=chosen.path,
        pooling=pooling,
        different=apart,
        reading=reading(told, own_totals, other_totals, rows, apart),
        findings=_findings(checkpoint, given),
        own_vectors=one,
        other_vectors=two,
        notes=notes,
    )


class _InPlace:
    """A tokenizer in the place of the checkpoint's own; what padding is filled with, behind the mask, stays its own."""

    def __init__(self, tokenizer: Any, own: Any) -> None:
        self._tokenizer, self.pad_token_id = tokenizer, getattr(own, "pad_token_id", None)

    def __call__(self, *given: Any, **how: Any) -> Any:
        return self._tokenizer(*given, **how)


def _texts(checkpoint: Checkpoint, texts: str | Sequence[str]) -> list[str]:
    given = [texts] if isinstance(texts, str) else list(texts)
    if checkpoint.inputs.modality != "text" or checkpoint.tokenizer is None:
        why = unreadable(checkpoint) or f"This model reads {checkpoint.inputs.text}, and no text"
        raise InstancesError(why, value=checkpoint.name, remedy="Compare tokenizers on a model with a tokenizer.")
    wrong = next((each for each in given if not isinstance(each, str)), None)
    if wrong is not None:
        raise InstancesError("An instance is not a text", value=repr(wrong)[:60], remedy="Pass strings.")
    if not 0 < len(given) <= MOST_TEXTS:
        what = "There are no texts" if not given else f"These are {len(given):,} texts, too many to look at every token"
        raise InstancesError(what, remedy=f"Give 1 to {MOST_TEXTS}.")
    return given


def _usual_pooling(checkpoint: Checkpoint, layer: Layer) -> str:
    poolings = suited(layer, recipe=not checkpoint.recipe.untold)
    return AS_TRAINED if AS_TRAINED in poolings else next(iter(poolings), "mean")


def _other(other: Any, checkpoint: Checkpoint, folder: Path) -> tuple[str, str, Any]:
    """Name, sentence and tokenizer of what was asked for."""
    if isinstance(other, str) and other in TOKENIZERS:
        ready = TOKENIZERS[other]
        return ready.label, ready.about, ready.make(checkpoint)
    if isinstance(other, str | os.PathLike):
        from embedviz.checkpoints.other_tokenizer import open_tokenizer

        path = Path(other)
        if isinstance(other, str) and not path.expanduser().exists():
            near = difflib.get_close_matches(other, TOKENIZERS, 2)
            raise EmbedvizError(
                "There is no such tokenizer, neither at this path nor ready under this name",
                value=other,
                remedy=f"Did you mean {' or '.join(near)}?" if near else f"Ready are {', '.join(TOKENIZERS)}.",
            )
        return (
            path.name,
            "A tokenizer from a file.",
            open_tokenizer(path, getattr(checkpoint.model, "config", None), folder),
        )
    if not callable(other) or not hasattr(other, "convert_ids_to_tokens"):
        raise EmbedvizError(
            "This is no tokenizer", value=type(other).__name__, remedy="Pass a path or one of transformers' tokenizers."
        )
    return type(other).__name__, "A tokenizer that was given.", other


def _findings(checkpoint: Checkpoint, texts: Sequence[str]) -> tuple[Finding, ...]:
    """What the doctor says of the checkpoint's own tokenizer and these texts."""
    from embedviz.doctor import CHECKS, Case, run_checks
    from embedviz.doctor.report import in_order

    codes = [code for code in CHECKS if code.startswith("tokenizer.")]
    return in_order(run_checks(Case(checkpoint, texts), codes)[0])
