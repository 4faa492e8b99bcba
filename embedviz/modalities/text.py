"""Texts: tokens from a checkpoint's own tokenizer, and batches that waste little on padding."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embedviz.checkpoints.checkpoint import unreadable
from embedviz.errors import CaptureError, InstancesError, first_line
from embedviz.records import IntArray

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint

log = logging.getLogger(__name__)

#: Tokens a batch, padding included: measured fastest on CPUs among 512, 1,024 and 2,048.
TOKEN_BUDGET = 1_024


Features = dict[str, list[list[int]]]


@dataclass(frozen=True)
class Tokenised:
    """Unpadded token rows: ``features`` maps "input_ids" and others to one list an instance.

    ``cut`` counts the tokens of each that did not fit.
    """

    features: Features
    cut: IntArray

    @property
    def lengths(self) -> IntArray:
        return np.array([len(row) for row in self.features["input_ids"]], dtype=np.int64)


#: A text, a pair of texts that the model reads together, or token ids that are given as they are.
Item = str | tuple[str, str] | tuple[int, ...]


def tokenise(checkpoint: Checkpoint, items: Sequence[Item], prompt: str | None = None) -> Tokenised:
    """Tokenise each text or pair, with the checkpoint's own prompt and casing, cut to its longest input.

    ``prompt`` is put before each text in place of the checkpoint's own. Raises InstancesError for a text without any
    token and for an item of another kind, CaptureError for a token the model has no row for.
    """
    why = unreadable(checkpoint)
    # Ids that are given as they are need no tokenizer.
    if why and not (checkpoint.inputs.modality == "text" and all(_is_ids(item) for item in items)):
        raise InstancesError(why, value=checkpoint.name, remedy="The doctor's page says what is missing.")
    tokenised = encode(checkpoint, as_given(checkpoint, items, prompt))
    _check_ids(checkpoint, items, tokenised.features["input_ids"])
    return tokenised


def as_given(checkpoint: Checkpoint, items: Sequence[Item], prompt: str | None = None) -> list[Any]:
    """Each text or pair as the tokenizer is given it: behind its prompt, stripped, in the casing of the recipe."""
    recipe = checkpoint.recipe
    before = recipe.prompt if prompt is None else prompt
    return [_prepared(item, before, recipe.lower_case) for item in items]


def encode(checkpoint: Checkpoint, given: Sequence[Any]) -> Tokenised:
    """What the checkpoint's tokenizer makes of texts ``as_given``, cut to the model's longest input.

    Raises CaptureError where the tokenizer fails; whether the model knows the ids is not looked at.
    """
    return Tokenised(*_encode_all(checkpoint, list(given), checkpoint.max_tokens))


def _is_ids(item: Any) -> bool:
    return isinstance(item, tuple | list) and {type(part) for part in item} == {int}


def _prepared(item: Item, prompt: str, lower: bool) -> Any:
    if isinstance(item, str):
        return (prompt + (item.lower() if lower else item).strip())[:_MAX_CHARACTERS]
    kinds = {type(part) for part in item} if isinstance(item, tuple | list) else set()
    if kinds == {str} and len(item) == 2:
        one, other = (_prepared(str(part), "", lower) for part in item)
        return prompt + one, other
    if _is_ids(item):
        return tuple(item)
    raise InstancesError(
        "An instance is not a text",
        value=repr(item)[:60],
        remedy="Pass strings, pairs of strings, or lists of token ids.",
    )


def _encode_all(checkpoint: Checkpoint, prepared: list[Any], longest: int) -> tuple[Features, IntArray]:
    """The features of each item, in order, and how many of its tokens did not fit."""
    ids = [place for place, item in enumerate(prepared) if isinstance(item, tuple) and isinstance(item[0], int)]
    if not ids:
        return _encode_texts(checkpoint, prepared, longest)
    texts = [place for place in range(len(prepared)) if place not in set(ids)]
    features: Features = {}
    lost = np.zeros(len(prepared), dtype=np.int64)
    if texts:
        features, lost[texts] = _encode_texts(checkpoint, [prepared[place] for place in texts], longest)
    names = list(features) or ["input_ids"]
    rows: Features = {name: [[]] * len(prepared) for name in names}
    for name in names:
        for place, row in zip(texts, features.get(name, []), strict=True):
            rows[name][place] = row
        for place in ids:
            whole = [int(token) for token in prepared[place]]
            # Given ids stand as they are: no special token is added, and all of them count.
            rows[name][place] = (
                whole[:longest] if name == "input_ids" else [0 if "type" in name else 1] * len(whole[:longest])
            )
            lost[place] = max(0, len(whole) - longest)
    return rows, lost


def _encode_texts(checkpoint: Checkpoint, prepared: list[Any], longest: int) -> tuple[Features, IntArray]:
    features = _encode(checkpoint, prepared, None)
    lengths = [len(row) for row in features["input_ids"]]
    too_long = [place for place, length in enumerate(lengths) if length > longest]
    if too_long:
        # Cutting is the tokenizer's own work: it keeps the closing special token in its place.
        shorter = _encode(checkpoint, [prepared[place] for place in too_long], longest)
        for name, rows in shorter.items():
            for place, row in zip(too_long, rows, strict=True):
                features[name][place] = row
    kept = [len(row) for row in features["input_ids"]]
    return features, np.array(lengths, dtype=np.int64) - np.array(kept, dtype=np.int64)


#: Longer texts would only cost time: no model reads this far.
_MAX_CHARACTERS = 2_000_000


def _encode(checkpoint: Checkpoint, texts: list[Any], longest: int | None) -> Features:
    encoded = _tokens(checkpoint, texts, longest)
    accepted = {"input_ids", *checkpoint.arguments}
    return {name: list(rows) for name, rows in encoded.items() if name in accepted}


def _tokens(checkpoint: Checkpoint, texts: list[Any], longest: int | None) -> Any:
    """What the tokenizer makes of ``texts``. CaptureError where it fails on them."""
    try:
        return checkpoint.tokenizer(texts, truncation=longest is not None, max_length=longest, verbose=False)
    except BaseException as error:
        # The tokenizer library panics on some patterns with an exception that is not an Exception.
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise CaptureError(
            f"The checkpoint's tokenizer fails on these texts ({first_line(error)})",
            value=checkpoint.name,
            remedy="Put the tokenizer of the original model into the folder, or save it again.",
            code="tokenizer.fails",
        ) from error


def _check_ids(checkpoint: Checkpoint, items: Sequence[Item], rows: list[list[int]]) -> None:
    known = vocabulary_rows(checkpoint)
    for item, row in zip(items, rows, strict=True):
        shown = repr(item)[:42]
        if not row:
            raise InstancesError("The tokenizer makes no token of this text", value=shown, remedy="Leave it out.")
        if known is not None and (max(row) >= known or min(row) < 0):
            wrong = max(row) if max(row) >= known else min(row)
            raise CaptureError(
                f"The tokenizer gives token {wrong:,}, but the model knows only {known:,}",
                value=shown,
                remedy="The tokenizer is of another model: put the right tokenizer files into the folder.",
            )


def vocabulary_rows(checkpoint: Checkpoint) -> int | None:
    """How many tokens the model has a vector for; None where it does not say which table that is."""
    get: Any = getattr(checkpoint.model, "get_input_embeddings", None)
    try:
        weight = getattr(get(), "weight", None) if get is not None else None
    except (AttributeError, NotImplementedError):
        return None
    return int(weight.shape[0]) if weight is not None else None


def type_rows(checkpoint: Checkpoint) -> int | None:
    """How many token types the model has a vector for; None where it has no table of them."""
    for name, module in checkpoint.model.named_modules():
        if name.endswith("token_type_embeddings") and hasattr(module, "num_embeddings"):
            return int(module.num_embeddings)  # type: ignore[arg-type]
    return None


def batches(tokenised: Tokenised, budget: int = TOKEN_BUDGET) -> Iterator[IntArray]:
    """Indices of the instances of each batch: alike in length, at most ``budget`` padded tokens where possible."""
    order = np.argsort(-tokenised.lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(tokenised.lengths[order[start]])
        count = max(1, budget // max(1, longest))
        yield order[start : start + count]
        start += count


def pad(tokenised: Tokenised, rows: IntArray, checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    """Right-padded tensors (rows, longest) int64 of a batch, with the attention mask."""
    import torch

    longest = int(tokenised.lengths[rows].max())
    filler = getattr(checkpoint.tokenizer, "pad_token_id", None)
    batch: dict[str, torch.Tensor] = {}
    for name, lists in tokenised.features.items():
        fill = (filler if filler is not None else 0) if name == "input_ids" else 0
        padded = np.full((len(rows), longest), fill, dtype=np.int64)
        for place, row in enumerate(rows):
            padded[place, : len(lists[row])] = lists[row]
        batch[name] = torch.from_numpy(padded)
    mask = np.arange(longest)[None, :] < tokenised.lengths[rows][:, None]
    batch["attention_mask"] = torch.from_numpy(mask.astype(np.int64))
    return batch


def probe_batch(checkpoint: Checkpoint, instances: int, tokens: int) -> dict[str, torch.Tensor]:
    """An input of exactly (instances, tokens), of ordinary words, for finding out the shapes of all outputs."""
    import torch

    words = [*range(100, 120)]
    if checkpoint.tokenizer is not None:
        try:
            words = list(_tokens(checkpoint, [_PROBE_TEXT], checkpoint.max_tokens)["input_ids"][0]) or words
        except CaptureError:
            log.info("the tokenizer fails on the probe; any ids give the same shapes", exc_info=True)
    # A tokenizer of another model may give ids this one has no row for; the shapes are the same all the same.
    rows = vocabulary_rows(checkpoint) or 2
    ids = [word % rows for word in (words * (tokens // max(1, len(words)) + 1))[:tokens]]
    batch: dict[str, Any] = {"input_ids": torch.tensor([ids] * instances)}
    batch["attention_mask"] = torch.ones_like(batch["input_ids"])
    return batch


_PROBE_TEXT = "The quick brown fox jumps over the lazy dog while the old cat sleeps in the warm afternoon sun."
