"""The doctor: what a checkpoint is, what of it can be trusted, and what to do about the rest.

One function a check. A new check is a function and a line in ``CHECKS``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from embedviz.doctor import behaviour, choice, configuration, loading, padding, spelling, tokenizer
from embedviz.doctor.case import Case
from embedviz.doctor.check import Check
from embedviz.doctor.opening import OPENING
from embedviz.doctor.report import SECTIONS, Report, in_order
from embedviz.doctor.unchecked import Unchecked, failure
from embedviz.errors import EmbedvizError
from embedviz.records import Finding, Instances
from embedviz.undisturbed import few_threads

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint

__all__ = ["CHECKS", "OPENING", "SECTIONS", "Case", "Check", "Report", "Unchecked", "examine", "run_checks"]

log = logging.getLogger(__name__)

#: By the code of the finding that the check gives; its section stands before the dot.
CHECKS: dict[str, Check] = {
    "configuration.family": Check("The configuration's family fits the tables of the weights", configuration.family),
    "configuration.heads": Check("The weights look like those of so many attention heads", configuration.heads),
    "configuration.other-activation": Check("The activation is the family's usual one", configuration.activation),
    "weights.mostly-random": Check("Most of the model was in the file", loading.mostly_random),
    "weights.missing": Check("Every parameter of the model's body was in the file", loading.missing),
    "weights.untrained-pooler": Check("The pooler was in the file, or there is none", loading.untrained_pooler),
    "weights.untrained-head": Check("The head was in the file, or there is none", loading.untrained_head),
    "weights.not-finite": Check("No weight is NaN or infinite", loading.not_finite),
    "weights.constant": Check("No weight matrix holds one value all over", loading.constant),
    "weights.fresh": Check("The weights bear the traces of training", loading.fresh),
    "weights.half-precision": Check("The weights were stored with full precision", loading.half_precision),
    "tokenizer.missing": Check("There is a tokenizer", tokenizer.missing),
    "tokenizer.empty": Check("The tokenizer has a vocabulary", tokenizer.empty),
    "tokenizer.vocabulary": Check("The vocabulary is as large as the model's table", tokenizer.vocabulary),
    "tokenizer.ids-out-of-range": Check("The model has a vector for every token", tokenizer.ids_out_of_range),
    "tokenizer.type-ids": Check("The model has a vector for every token type", tokenizer.type_ids),
    "tokenizer.class": Check("The tokenizer's class suits its vocabulary", tokenizer.other_class),
    "tokenizer.casing": Check("Capital letters are treated as the vocabulary wants", spelling.casing),
    "tokenizer.unknown": Check("The tokenizer knows the words of plain sentences", spelling.unknown),
    "tokenizer.unknown-instances": Check("The tokenizer knows the words of your instances", spelling.unknown_instances),
    "tokenizer.pieces": Check("Common words are not split into crumbs", spelling.pieces),
    "tokenizer.letters": Check("The vocabulary holds letters", spelling.letters),
    "tokenizer.special": Check("Texts get the special tokens that the family expects", tokenizer.special),
    "tokenizer.pad-missing": Check("There is a padding token", padding.pad_missing),
    "tokenizer.pad-out-of-range": Check("The model has a vector for the padding token", padding.pad_out_of_range),
    "tokenizer.pad-is-end": Check("Padding is not the end token", padding.pad_is_end),
    "tokenizer.padding-side": Check("The tokenizer's own padding does not move positions", padding.padding_side),
    "tokenizer.length": Check("The tokenizer cuts texts where the model's positions end", padding.length),
    "tokenizer.cut": Check("Your instances fit into the model", padding.cut),
    "behaviour.fails": Check("The model runs on ordinary input", behaviour.fails),
    "behaviour.train-mode": Check("The model was in eval mode", behaviour.train_mode),
    "behaviour.repeat": Check("The same text gives the same vector twice", behaviour.repeat),
    "behaviour.batch": Check("A text's vector is the same alone and in a padded batch", behaviour.batch),
    "behaviour.order": Check("A text's vector does not depend on its place in the batch", behaviour.order),
    "behaviour.padding": Check("Forgetting the mask would hardly change the vectors", behaviour.padding),
    "behaviour.not-finite": Check("All vectors are finite", behaviour.not_finite),
    "behaviour.half-overflow": Check("No value is too large for the file's number type", behaviour.half_overflow),
    "behaviour.dead": Check("Every dimension differs between texts", behaviour.dead),
    "behaviour.dominant": Check("No single dimension rules the cosine", behaviour.dominant),
    "behaviour.same-vector": Check("Different texts get different vectors", behaviour.same_vector),
    "behaviour.crowded": Check("Unrelated texts are not all alike", behaviour.crowded),
    "behaviour.word-order": Check("The order of words matters", behaviour.word_order),
    "choice.recipe": Check("The checkpoint says how its vectors are pooled", choice.recipe),
    "choice.pooling": Check("Other poolings would do as well as the trained one", choice.pooling),
    "choice.head": Check("No layer gives scores in place of vectors", choice.head),
    "choice.first-token": Check("The first token's vector tells texts apart", choice.first_token),
    "choice.causal": Check("Every token sees the whole text", choice.causal),
    "choice.encoder-only": Check("The whole model is used", choice.encoder_only),
}

#: Called with (checks done, checks in all).
Progress = Callable[[int, int], None]


def examine(
    checkpoint: Checkpoint | EmbedvizError,
    instances: Instances | Sequence[str] | None = None,
    *,
    progress: Progress | None = None,
) -> Report:
    """Run every check on an opened checkpoint, or report the error that opening it raised.

    ``instances`` are a person's own texts, which some checks look at. The model is left as it was. A check that
    fails by itself is reported as not done; it never takes the report with it.
    """
    if isinstance(checkpoint, EmbedvizError):
        return _refused(checkpoint)
    with few_threads(checkpoint.model):
        return _report(Case(checkpoint, instances), progress)


def _report(case: Case, progress: Progress | None) -> Report:
    checkpoint = case.checkpoint
    found, unchecked = run_checks(case, tuple(CHECKS), progress)
    # What opening noted of something that a check has looked at more closely is said once, by the check.
    found += [each for each in checkpoint.findings if each.code not in CHECKS or each.code in unchecked]
    codes = {finding.code for finding in found}
    return Report(
        findings=in_order(found),
        passed=tuple(code for code in (*OPENING, *CHECKS) if code not in codes and code not in unchecked),
        unchecked=tuple((code, reason) for code, reason in unchecked.items() if code not in codes),
        name=checkpoint.name,
        text=_text(checkpoint),
        titles=_titles(),
    )


def run_checks(
    case: Case, codes: Sequence[str], progress: Progress | None = None
) -> tuple[list[Finding], dict[str, str]]:
    """What the checks of these codes find, and the reasons of those that could not be done, by code."""
    found: list[Finding] = []
    unchecked: dict[str, str] = {}
    for done, code in enumerate(codes):
        if progress is not None:
            progress(done, len(codes))
        try:
            found += CHECKS[code].run(case)
        except Unchecked as reason:
            unchecked[code] = str(reason)
        except BaseException as error:
            # The tokenizer library panics on some files with an exception that is not an Exception.
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            log.warning("check %s failed", code, exc_info=True)
            unchecked[code] = failure(error)
    if progress is not None:
        progress(len(codes), len(codes))
    return found, unchecked


def _text(checkpoint: Checkpoint) -> str:
    try:
        return checkpoint.text
    except Exception:
        # Counting the blocks takes a pass of the model, which may fail; a check has said so by now.
        log.info("the module tree cannot be read", exc_info=True)
        return f"{checkpoint.family} · {checkpoint.parameters:,} parameters · {checkpoint.dtype}"


def _titles() -> dict[str, str]:
    return {**OPENING, **{code: check.title for code, check in CHECKS.items()}}


def _refused(error: EmbedvizError) -> Report:
    code = error.code or "files.refused"
    finding = Finding(code, "error", error.what, error.value or "", error.why, error.remedy, error.repair)
    titles = _titles()
    return Report(
        findings=(finding,),
        passed=(),
        unchecked=tuple((other, "the checkpoint could not be opened") for other in CHECKS if other != code),
        name=error.value or "",
        text="cannot be opened",
        titles=titles,
    )
