"""Texts, pairs of texts and token ids in a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedviz.errors import ExportError
from embedviz.export.script.draft import MOST_LETTERS, Part, listed
from embedviz.export.script.given import Asked, Given, ids_of, keywords, too_much
from embedviz.export.script.opening import tokenizer
from embedviz.export.script.tables import table

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint

#: Tokens a batch, padding included, and texts.
_BUDGET, _MOST = 2_048, 64


def texts(asked: Asked) -> Given:
    """Texts, as the checkpoint's tokenizer reads them. ExportError where texts, pairs and ids are mixed."""
    kinds = {_kind(item) for item in asked.instances.items}
    if len(kinds) > 1:
        raise ExportError(
            "Texts, pairs and token ids are mixed",
            value=", ".join(sorted(kinds)),
            remedy="Make a script for each kind by itself.",
        )
    return _tokens(asked) if kinds == {"token ids"} else _words(asked, pairs=kinds == {"pairs"})


def _kind(item: Any) -> str:
    return "texts" if isinstance(item, str) else "pairs" if isinstance(item[0], str) else "token ids"


def _size(asked: Asked) -> int:
    return max(1, min(_MOST, _BUDGET // max(1, asked.longest)))


def _words(asked: Asked, *, pairs: bool) -> Given:
    checkpoint, name = asked.checkpoint, "PAIRS" if pairs else "TEXTS"
    held, ids = _held(asked, name)
    own = tokenizer(checkpoint, asked.places)
    prepared = _prepared(asked, pairs=pairs)

    def batch(rows: str) -> list[str]:
        return [
            f"some = {f'[{prepared} in {rows}]' if prepared else rows}",
            f"batch = tokenizer(some, padding=True, truncation=True, max_length={checkpoint.max_tokens}, "
            "return_tensors='pt')",
            f"model({_arguments(checkpoint)}{keywords(checkpoint)})",
        ]

    prompt = (f"PROMPT = {_prompt(asked)!r}",) if _prompt(asked) else ()
    part = Part((*held.constants, *prompt), held.functions, (*held.body, *own.body), (*own.files, *held.files))
    return Given(name, _size(asked), batch, ids, "batch['attention_mask'].bool()", part=part)


def _prompt(asked: Asked) -> str:
    return asked.checkpoint.recipe.prompt if asked.prompt is None else asked.prompt


def _prepared(asked: Asked, *, pairs: bool) -> str:
    """The beginning of a comprehension that makes an item ready for the tokenizer; "" where it is as it stands."""
    lower = asked.checkpoint.recipe.lower_case
    before = "PROMPT + " if _prompt(asked) else ""
    parts = [part for item in asked.instances.items for part in (item if pairs else [item])]
    if not (before or lower or any(part != part.strip() for part in parts)):
        return ""
    change = ".lower().strip()" if lower else ".strip()"
    if pairs:
        return f"({before}one{change}, other{change}) for one, other"
    return f"{before}text{change} for text"


def _arguments(checkpoint: Checkpoint) -> str:
    """What of a batch the model takes."""
    known = checkpoint.arguments
    takes_any = any(known.values())
    made = [str(name) for name in checkpoint.tokenizer("a")]
    taken = [name for name in made if name in known or (name in ("input_ids", "attention_mask") and takes_any)]
    if taken == made:
        return "**batch"
    named = [f"{name}=batch['{name}']" for name in taken]
    return ", ".join(named if "input_ids" in taken else ["batch['input_ids']", *named])


def _held(asked: Asked, name: str) -> tuple[Part, str]:
    """The lines that hold the texts, written out where they are not too long, and the line of their ids."""
    instances = asked.instances
    if sum(len(repr(item)) for item in instances.items) <= MOST_LETTERS:
        return Part((listed(name, instances.items),)), ids_of(instances, name)
    found = table(instances, asked.places.source)
    if found is None:
        raise too_much("texts")
    return found


def _tokens(asked: Asked) -> Given:
    """Token ids that are given as they are."""
    checkpoint, longest = asked.checkpoint, asked.checkpoint.max_tokens
    if sum(len(repr(item)) for item in asked.instances.items) > MOST_LETTERS:
        raise too_much("token ids")
    cut = f"[:{longest}]" if any(len(item) > longest for item in asked.instances.items) else ""
    filler = getattr(checkpoint.tokenizer, "pad_token_id", None) or 0
    known = checkpoint.arguments
    takes_any = any(known.values())
    first = "input_ids=batch" if "input_ids" in known or takes_any else "batch"
    mask = ", attention_mask=mask.long()" if "attention_mask" in known or takes_any else ""

    def batch(rows: str) -> list[str]:
        return [
            f"ids = [torch.tensor(row{cut}) for row in {rows}]",
            f"batch = pad_sequence(ids, batch_first=True, padding_value={filler})",
            "mask = pad_sequence([torch.ones(len(row), dtype=torch.bool) for row in ids], batch_first=True)",
            f"model({first}{mask}{keywords(checkpoint)})",
        ]

    part = Part((listed("TOKENS", asked.instances.items),))
    return Given("TOKENS", _size(asked), batch, ids_of(asked.instances, "TOKENS"), "mask", part=part)
