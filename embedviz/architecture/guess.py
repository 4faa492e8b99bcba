"""From the tensors of a bare state dict to an architecture with its sizes, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from embedviz.architecture.catalogue import load
from embedviz.architecture.clues import looks_like
from embedviz.architecture.match import Match, match
from embedviz.architecture.sizes import Guess, Read, Shapes, config_for
from embedviz.errors import CheckpointError

#: Below this share of an architecture's tensors it is another architecture.
_ENOUGH = 0.9
#: Above this share of random parameters the sizes were not understood.
_RANDOM = 0.1
_TRIED = 4


def guess(shapes: Shapes, read: Read | None = None, *, assume: Mapping[str, Any] | None = None) -> Guess:
    """The architecture, sizes and prefix of a state dict, proved by a dry run; nothing large is read or allocated.

    ``read(name)`` gives one tensor (for the number of heads). ``assume`` overrides: "model_type", "prefix", or any
    field of the configuration by its dotted name. CheckpointError with code ``configuration.unknown-architecture``
    says what the names look like where nothing fits, ``configuration.assumption`` which assumed value cannot be.
    """
    assume = assume or {}
    found = [item for item in match(_below(shapes, assume)) if item.coverage >= _ENOUGH]
    if "model_type" in assume:
        found = _of_type(found, str(assume["model_type"]))
    if not found:
        raise _unknown(shapes)
    failed: list[Guess] = []
    refusal: CheckpointError | None = None
    for item in found[:_TRIED]:
        try:
            made = config_for(item, shapes, read, assume)
        except CheckpointError as error:
            if error.code == "configuration.assumption":
                raise
            refusal = refusal or error
            continue
        if made.proof.clean:
            return replace(made, alternatives=_others(made, found))
        failed.append(made)
    best = min(failed, key=lambda made: made.proof.random_share, default=None)
    if best is not None and best.proof.random_share <= _RANDOM and not best.proof.mismatched:
        return replace(best, alternatives=_others(best, found))
    raise _unclear(best, refusal, found[0])


def _below(shapes: Shapes, assume: Mapping[str, Any]) -> Shapes:
    prefix = str(assume.get("prefix", ""))
    below = {name: shape for name, shape in shapes.items() if name.startswith(prefix)}
    if not below:
        raise CheckpointError(
            "No tensor's name begins like this",
            value=prefix[:80],
            remedy="Give the beginning of a name in the file, its last dot included.",
            code="configuration.assumption",
        )
    return below


def _of_type(found: list[Match], model_type: str) -> list[Match]:
    known = {name for name, _ in load().families}
    fitting = tuple(dict.fromkeys(item.model_type for item in found))
    if model_type not in known:
        raise CheckpointError(
            "transformers has no architecture of this name",
            value=model_type[:80],
            remedy=f"Choose one that fits the names: {', '.join(fitting[:8]) or 'none does'}.",
            code="configuration.assumption",
            choices=fitting[:8],
        )
    kept = [item for item in found if item.model_type == model_type]
    if kept or not found:
        return kept
    raise CheckpointError(
        "The names of these tensors are not those of this architecture",
        value=model_type,
        remedy=f"Choose one that fits: {', '.join(fitting)}.",
        code="configuration.assumption",
        choices=fitting,
    )


def _others(made: Guess, found: list[Match]) -> tuple[str, ...]:
    names = dict.fromkeys([*made.alternatives, *(item.model_type for item in found)])
    return tuple(name for name in names if name != made.model_type)


def _unknown(shapes: Shapes) -> CheckpointError:
    clue = looks_like(shapes)
    names = [name[:60] for name, _ in zip(shapes, range(3), strict=False)]
    return CheckpointError(
        f"These tensors look like {clue}, which cannot be built from names and shapes alone"
        if clue
        else "No known architecture has tensors of these names, so the model cannot be built from them alone",
        value=", ".join(names) + (f" and {len(shapes) - 3:,} more" if len(shapes) > 3 else ""),
        remedy="Put the model's config.json beside the weights, or open it with an architecture file (Python that "
        "defines `build()`) on a server started with `--allow-code`.",
        code="configuration.unknown-architecture",
        why="A file of weights holds numbers and names; which computation they belong to is written elsewhere.",
    )


def _unclear(best: Guess | None, refusal: CheckpointError | None, first: Match) -> CheckpointError:
    if best is None:
        why = refusal.what if refusal else "nothing fits"
    elif best.proof.mismatched:
        name, held, wanted = best.proof.mismatched[0]
        why = f"{name} is {_size(held)} in the file, {_size(wanted)} in the model"
    else:
        why = f"{best.proof.random_share:.0%} of its parameters would be missing, {best.proof.missing[0]} first"
    return CheckpointError(
        f"The names are those of a {first.model_type} model, but no sizes for it fit ({why})",
        value=first.kind,
        remedy="Put the model's config.json beside the weights.",
        code="configuration.sizes-unclear",
    )


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
