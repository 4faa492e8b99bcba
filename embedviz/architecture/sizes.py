"""A configuration for tensors that came without one: sizes from the shapes, the rest assumed, the whole proved."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embedviz.architecture import assumptions
from embedviz.architecture.assumptions import Assumption
from embedviz.architecture.blueprint import Blueprint, Path, form_of
from embedviz.architecture.catalogue import load
from embedviz.architecture.dry_run import DryRun, check_number, dry_run, key_mapping
from embedviz.architecture.heads import Heads, estimate_heads
from embedviz.architecture.match import Match, canonical
from embedviz.architecture.solver import Solution, is_heads, solve
from embedviz.errors import CheckpointError

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

Shapes = Mapping[str, tuple[int, ...]]
Read = Callable[[str], "torch.Tensor"]
#: What may be assumed besides the fields of a configuration.
_NOT_FIELDS = ("model_type", "prefix", "rope_theta")


@dataclass(frozen=True)
class Guess:
    """An architecture with its sizes for a bare state dict.

    ``config`` is what the configuration class takes (with ``model_type``), ``kind`` the class's name, ``prefix`` what
    stands before every name and ``key_mapping`` strips it in ``from_pretrained``. ``assumptions`` are what no tensor
    shows; ``alternatives`` other model types that fit; ``proof`` is the dry run. ``confidence`` is 0 to 1.
    """

    model_type: str
    config: dict[str, Any]
    prefix: str
    key_mapping: dict[str, str] | None
    confidence: float
    assumptions: tuple[Assumption, ...]
    alternatives: tuple[str, ...]
    kind: str
    proof: DryRun = field(repr=False)

    def build_config(self) -> Any:
        """The transformers configuration."""
        return configuration(self.config)


def configuration(config: Mapping[str, Any]) -> Any:
    """A transformers configuration from a dict with ``model_type``. Raises what transformers raises."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    return CONFIG_MAPPING[config["model_type"]](
        **{name: value for name, value in config.items() if name != "model_type"}
    )


def config_for(
    match: Match, shapes: Shapes, read: Read | None = None, assume: Mapping[str, Any] | None = None
) -> Guess:
    """The sizes of ``match``'s architecture from ``shapes``, and what had to be assumed.

    ``read(name)`` gives a tensor, for the number of heads (None: a common one is assumed). ``assume`` sets fields of
    the configuration by (dotted) name. CheckpointError: a value that cannot be, or sizes that make no such model.
    """
    family = load().families[match.model_type, match.kind]
    body = {
        canonical(name)[len(match.prefix) :]: shape for name, shape in shapes.items() if name.startswith(match.prefix)
    }
    blueprint = Blueprint(family, form_of(family, body))
    given = _given(blueprint, assume or {})
    towers = _Towers(shapes, read, match.prefix)
    for path, value in given.items():
        if is_heads(path):
            _check_divides(path, value, towers.of(path))
    _check_absurd(given, len(shapes))
    solution = solve(blueprint, body, {p: v for p, v in given.items() if p != ("rope_theta",)}, towers.count)
    settings = {**assumptions.usual(match.model_type, solution.settings), **solution.settings, **given}
    config = _configuration(blueprint, settings, given)
    proof = dry_run(config, shapes, prefix=match.prefix, kind=match.kind)
    listed = tuple(_assumptions(match, config, solution, given, towers))
    return Guess(
        model_type=match.model_type,
        config={"model_type": match.model_type, **blueprint.keywords(settings)},
        prefix=match.prefix,
        key_mapping=key_mapping(match.prefix),
        confidence=_confidence(match, proof, towers),
        assumptions=listed,
        alternatives=match.ties,
        kind=match.kind,
        proof=proof,
    )


class _Towers:
    """The estimated number of heads for each field that counts them, every tower of the model apart."""

    def __init__(self, shapes: Shapes, read: Read | None, prefix: str) -> None:
        self.shapes = {name: shape for name, shape in shapes.items() if name.startswith(prefix)}
        self.read = read
        self.heads: dict[Path, Heads | None] = {}

    def of(self, path: Path) -> Heads | None:
        if path not in self.heads:
            words = ".".join(map(str, path))
            tower = next((word for word in ("text", "vision", "audio", "encoder", "decoder") if word in words), "")
            self.heads[path] = estimate_heads(self.shapes, self.read, tower=tower)
        return self.heads[path]

    def count(self, path: Path) -> int:
        heads = self.of(path)
        return heads.count if heads else 0


def _given(blueprint: Blueprint, assume: Mapping[str, Any]) -> dict[Path, Any]:
    """What the person assumed, by path, each checked against what is possible."""
    given: dict[Path, Any] = {}
    for name, value in assume.items():
        if name in ("model_type", "prefix"):
            continue
        path: Path = tuple(int(part) if part.isdigit() else part for part in name.split("."))
        _check_name(blueprint, name, path)
        _check_value(blueprint, name, path, value)
        given[path] = value
    return given


def _check_name(blueprint: Blueprint, name: str, path: Path) -> None:
    config: Any = blueprint.default
    for part in path:
        known = (
            hasattr(config, part) if isinstance(part, str) else isinstance(config, list | tuple) and part < len(config)
        )
        if not known and part != "rope_theta":
            names = [key for key in vars(blueprint.default) if not key.startswith("_")]
            near = difflib.get_close_matches(name, names, 4) or sorted(names)[:8]
            raise CheckpointError(
                f"A {blueprint.family.model_type} model has no setting of this name",
                value=name[:80],
                remedy=f"Assume one that it has, such as {', '.join(near)}.",
                code="configuration.assumption",
                choices=near,
            )
        if part != "rope_theta":
            config = getattr(config, part) if isinstance(part, str) else config[part]


def _check_value(blueprint: Blueprint, name: str, path: Path, value: Any) -> None:
    """Numbers of heads and layers have to be whole and positive; activations have to exist."""
    from transformers.activations import ACT2FN

    last = str(path[-1])
    choices: tuple[Any, ...] = ()
    wrong = False
    if is_heads(path):
        wrong = not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 10_000
        choices = ("a whole number from 1 on",)
    elif last in assumptions.KNOWN:
        default = blueprint.value(path, {})
        choices = assumptions.KNOWN[last][0]
        if isinstance(default, str):
            wrong, choices = not isinstance(value, str) or value not in ACT2FN, tuple(sorted(ACT2FN))
        else:
            wrong = not isinstance(value, int | float | None) or isinstance(value, bool) or (value or 0) < 0
    if wrong:
        shown = ", ".join(map(str, choices))
        raise CheckpointError(
            f"This cannot be the {name} of a {blueprint.family.model_type} model",
            value=f"{name} = {str(value)[:60]!r}",
            remedy=f"Choose one of: {shown}.",
            code="configuration.assumption",
            choices=tuple(map(str, choices)),
        )


def _check_absurd(given: Mapping[Path, Any], tensors: int) -> None:
    """Refuse sizes that no model has before anything is built with them."""
    for path, value in given.items():
        if isinstance(value, int) and not isinstance(value, bool) and path != ("rope_theta",):
            check_number(".".join(map(str, path)), value, tensors)


def _check_divides(path: Path, value: int, heads: Heads | None) -> None:
    if heads is None or not heads.rows or heads.rows % value == 0:
        return
    counts = sorted(count for count, _ in heads.candidates)
    raise CheckpointError(
        f"The queries of this file have {heads.rows:,} rows, which so many heads cannot share",
        value=f"{'.'.join(map(str, path))} = {value}",
        remedy=f"Choose one of: {', '.join(map(str, counts))}.",
        code="configuration.assumption",
        choices=tuple(map(str, counts)),
    )


def _configuration(blueprint: Blueprint, settings: Mapping[Path, Any], given: Mapping[Path, Any]) -> Any:
    try:
        return blueprint.config(settings)
    except Exception as error:
        log.info("configuration refused", exc_info=True)
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        what = ", ".join(f"{'.'.join(map(str, path))} = {value!r}" for path, value in given.items())
        raise CheckpointError(
            f"transformers cannot make a {blueprint.family.model_type} configuration of these sizes ({first[:160]})",
            value=what[:200] or blueprint.family.kind,
            remedy="Change what you assumed." if given else "Put the config.json of these weights beside them.",
            code="configuration.assumption" if given else "configuration.sizes-unclear",
        ) from error


def _assumptions(
    match: Match, config: Any, solution: Solution, given: Mapping[Path, Any], towers: _Towers
) -> list[Assumption]:
    listed = list(assumptions.of_model_type(match.model_type, match.ties))
    for path in [*solution.unknown, *(path for path in given if is_heads(path))]:
        name = ".".join(map(str, path))
        value = solution.settings.get(path) or given.get(path)
        if value is not None and name not in (item.name for item in listed):
            listed.append(assumptions.of_heads(name, int(value), towers.of(path), given=path in given))
    listed += assumptions.of_settings(config, solution.free, given)
    return listed


def _confidence(match: Match, proof: DryRun, towers: _Towers) -> float:
    """Lower for what is random, for heads that the weights do not show, and for other architectures alike."""
    told = [heads.confidence for heads in towers.heads.values() if heads]
    heads = 0.5 + 0.5 * min(told, default=1.0)
    return round(match.coverage * (1 - proof.random_share) * heads * (0.9 if match.ties else 1.0), 2)
