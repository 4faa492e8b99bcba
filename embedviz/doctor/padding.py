"""Padding and length: what is done to texts that are shorter or longer than others."""

from __future__ import annotations

from collections.abc import Iterator

from embedviz.doctor.case import Case
from embedviz.doctor.passes import cosines
from embedviz.doctor.tokenizer import BEGIN
from embedviz.doctor.unchecked import Unchecked
from embedviz.doctor.words import plural, quoted
from embedviz.records import Finding


def pad_missing(case: Case) -> Iterator[Finding]:
    if case.tokenizer.pad_token_id is None:
        yield Finding(
            code="tokenizer.pad-missing",
            severity="warning" if case.family in BEGIN else "info",
            title="The tokenizer has no padding token",
            evidence="pad_token is not set; embedviz fills up with id 0 behind the mask",
            why="Other programs refuse to make a batch of it (`Asking to pad but the tokenizer does not have a padding "
            "token`).",
            remedy="In your own code: `tokenizer.pad_token = tokenizer.eos_token` before the first batch.",
        )


def pad_out_of_range(case: Case) -> Iterator[Finding]:
    number = case.tokenizer.pad_token_id
    if number is not None and number >= case.rows:
        yield Finding(
            code="tokenizer.pad-out-of-range",
            severity="error",
            title="The model has no vector for the padding token",
            evidence=f"pad_token {case.tokenizer.pad_token} has id {number:,}, and the model's ids end at "
            f"{case.rows - 1:,}",
            why="The model stops at the first batch with padding (`index out of range in self`). The token was added "
            "to the tokenizer and the model was not resized.",
            remedy='In tokenizer_config.json, set "pad_token" to a token the model knows, such as its eos_token.',
        )


def pad_is_end(case: Case) -> Iterator[Finding]:
    number = case.tokenizer.pad_token_id
    if number is not None and number == case.tokenizer.eos_token_id:
        yield Finding(
            code="tokenizer.pad-is-end",
            severity="info",
            title="The end token is taken for padding",
            evidence=f"pad_token and eos_token are both {case.tokenizer.pad_token} ({number})",
            why="Code that tells padding by its id takes a text's true end for padding too. embedviz goes by length.",
            remedy="Nothing to do here; in your own code, use the attention mask and never `ids != pad_token_id`.",
        )


def padding_side(case: Case) -> Iterator[Finding]:
    if case.tokenizer.padding_side != "left":
        return
    left = case.run(case.tokenised, range(len(case.tokenised.lengths)), left=True)
    lowest = float(cosines(case.pooled(left), case.pooled(case.together)).min())
    if lowest < 0.999:
        yield Finding(
            code="tokenizer.padding-side",
            severity="warning",
            title="The tokenizer pads in front, and this model's positions count from the front",
            evidence=f"padding_side = left; padded so, a probe's vector has a cosine of only {lowest:.3f} to its own",
            why="The padding takes the first positions, each text begins at another one, and index 0 is a padding "
            "token and not [CLS]. embedviz pads behind, whatever this says; your own code may not.",
            remedy='In tokenizer_config.json, write "padding_side": "right".',
        )


def length(case: Case) -> Iterator[Finding]:
    positions = _positions(case)
    limit, used = int(min(case.tokenizer.model_max_length, 10**9)), case.checkpoint.max_tokens
    if positions is None:
        raise Unchecked("the model has no table of positions that would end")
    if used > positions:
        yield Finding(
            code="tokenizer.length",
            severity="error",
            title="Texts are cut behind the end of the model's positions",
            evidence=f"cut at {used:,} tokens; the model has {positions:,} positions",
            why="A text of more tokens than positions stops the model.",
            remedy=f'In tokenizer_config.json, write "model_max_length": {positions}.',
        )
    elif limit > positions:
        unset = limit >= 10**6
        yield Finding(
            code="tokenizer.length",
            severity="info" if unset else "warning",
            title="The tokenizer does not cut texts where the model's positions end",
            evidence=f"model_max_length is {'not set' if unset else f'{limit:,}'}; the model has {positions:,} "
            f"positions, and embedviz cuts at {used:,} tokens",
            why="Other programs go by the tokenizer: a longer text stops the model there.",
            remedy=f'In tokenizer_config.json, write "model_max_length": {positions}.',
        )


def _positions(case: Case) -> int | None:
    """How many tokens the model's table of positions has room for; None where positions are relative."""
    for name, module in case.model.named_modules():
        last = name.rpartition(".")[2]
        if last not in ("position_embeddings", "wpe", "embed_positions") or not hasattr(module, "num_embeddings"):
            continue
        padding = getattr(module, "padding_idx", None)
        before = int(getattr(module, "offset", 0)) or (0 if padding is None else int(padding) + 1)
        return int(module.num_embeddings) - before  # type: ignore[arg-type]
    return None


def cut(case: Case) -> Iterator[Finding]:
    longest = case.checkpoint.max_tokens
    lengths = [len(row) for row in case.own_ids]
    long = [place for place, count in enumerate(lengths) if count > longest]
    if not long:
        return
    lost = sum(lengths[place] - longest for place in long)
    share = lost / max(1, sum(lengths))
    worst = max(long, key=lambda place: lengths[place])
    much = len(long) > 0.1 * len(lengths) or share > 0.1
    yield Finding(
        code="tokenizer.cut",
        severity="warning" if much else "info",
        title="Some of your instances are too long for the model and are cut",
        evidence=f"{len(long):,} of {plural(len(lengths), 'instance')} have more than {longest:,} tokens; {lost:,} "
        f"tokens ({share:.0%}) are never read; the longest has {lengths[worst]:,}: {quoted(case.own_texts[worst], 40)}",
        why="Their vectors speak of their beginnings only.",
        remedy="Split long texts into passages and give each as an instance, or use a model with a longer input.",
    )
