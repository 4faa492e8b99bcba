"""``embedviz compare``: the layers of a model, or of two, over the same instances, as a report or as numbers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embedviz.errors import EmbedvizError, LayerError

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint
    from embedviz.records import AlignedMaps, Comparison, Embeddings, Instances

Open = Callable[[argparse.Namespace], "Checkpoint"]
#: All of a model's blocks, in place of paths.
BLOCKS = "blocks"


def compare(given: argparse.Namespace, open_checkpoint: Open, read: Callable[[Path, Checkpoint], Instances]) -> int:
    """Write the report. Returns 0; EmbedvizError for bad input."""
    from embedviz.comparison import compare as measure
    from embedviz.projection.aligned import check_alignment
    from embedviz.vectors import find_postprocessing

    # What is wrong with the words themselves is said before anything is read.
    check_alignment(given.alignment)
    find_postprocessing(given.postprocessing)
    out = given.out
    if out.suffix not in (".html", ".json"):
        raise EmbedvizError("A comparison is written as .html or .json", value=out, remedy="As in --out report.html.")
    first, second, file = _places(given)
    with open_checkpoint(argparse.Namespace(**{**vars(given), "checkpoint": first})) as checkpoint:
        instances = read(file, checkpoint)
        sides = [_captured(checkpoint, instances, given)]
        provenance = [_told(checkpoint, given)]
    if second is not None or given.null:
        with _open_second(first, second, given, open_checkpoint) as other:
            _check_same_input(checkpoint, other)
            sides.append(_captured(other, instances, given))
            provenance.append(_told(other, given))
        sides = _told_apart(sides, [checkpoint.name, other.name])
    comparison = measure(sides[0], sides[1] if len(sides) > 1 else None, postprocessing=given.postprocessing)
    if out.suffix == ".json":
        out.write_text(json.dumps(as_json(comparison), indent=1) + "\n", encoding="utf-8")
    else:
        out.write_text(_report(sides, comparison, instances, provenance, given), encoding="utf-8")
    _say(" ".join([*comparison.evidence, f"→ {out}"]))
    return 0


def _places(given: argparse.Namespace) -> tuple[str, str | None, Path]:
    if not 2 <= len(given.places) <= 3:
        raise EmbedvizError(
            "One or two checkpoints and then the instances are needed",
            value=" ".join(given.places),
            remedy="As in: embedviz compare base/ tuned/ texts.csv --out report.html",
        )
    first, *second, file = given.places
    if second and given.null:
        raise EmbedvizError(
            "A model is compared with another, or with its own random weights",
            value=f"--null beside {second[0]}",
            remedy="Leave out --null, or the second checkpoint.",
        )
    return first, second[0] if second else None, Path(file)


def _open_second(first: str, second: str | None, given: argparse.Namespace, open_checkpoint: Open) -> Checkpoint:
    """The second checkpoint; where there is none, the first with random weights, opened as it was."""
    if second is None:
        return open_checkpoint(argparse.Namespace(**{**vars(given), "checkpoint": first, "random_weights": 1}))
    plain = {"part": "", "assume": [], "repair": [], "base": "", "tokenizer": "", "architecture": ""}
    return open_checkpoint(argparse.Namespace(**{**vars(given), **plain, "checkpoint": second}))


def _check_same_input(one: Checkpoint, other: Checkpoint) -> None:
    if one.inputs.modality != other.inputs.modality:
        raise EmbedvizError(
            f"The two models do not read the same: {one.inputs.text}, and {other.inputs.text}",
            value=f"{one.name}, {other.name}",
            remedy="Compare two models of the same input.",
        )


def _captured(checkpoint: Checkpoint, instances: Instances, given: argparse.Namespace) -> dict[str, Embeddings]:
    from embedviz.capture import capture
    from embedviz.depth import short_names, through_depth

    asked = [path.removeprefix(".") for part in given.layers for path in part.split(",")]
    paths = [layer.path for layer in through_depth(checkpoint.layers)] if asked == [BLOCKS] else asked
    if not paths:
        raise LayerError("This model has no layers to go through", value=checkpoint.name, remedy="Name some: --layers.")
    pooling = given.pooling or ("mean" if checkpoint.recipe.untold else "as trained")
    captured = capture(checkpoint, instances, paths, pooling, prompt=given.prompt)
    names = short_names(paths)
    # As many names as paths: a layer asked for twice is one.
    return {names[path]: embeddings for path, embeddings in captured.items()}


def _told_apart(sides: list[dict[str, Embeddings]], models: list[str]) -> list[dict[str, Embeddings]]:
    """Both sides with the model's name before each layer's."""
    if models[0] == models[1]:
        models = [models[0], f"{models[1]} (2)"]
    return [
        {f"{model}: {name}": each for name, each in side.items()} for side, model in zip(sides, models, strict=True)
    ]


def _told(checkpoint: Checkpoint, given: argparse.Namespace) -> str:
    pooling = given.pooling or ("mean" if checkpoint.recipe.untold else "as trained")
    return f"{checkpoint.name} ({checkpoint.text}, {checkpoint.fingerprint[:12]}), pooled {pooling}"


def _report(
    sides: list[dict[str, Embeddings]],
    comparison: Comparison,
    instances: Instances,
    provenance: list[str],
    given: argparse.Namespace,
) -> str:
    from embedviz import __version__
    from embedviz.comparison import movers
    from embedviz.export.report import Report
    from embedviz.similarity import neighbours
    from embedviz.vectors import postprocess

    # The second model from its last layer up, so that the last layers of both stand side by side.
    drawn = {**sides[0], **(dict(reversed(list(sides[1].items()))) if len(sides) > 1 else {})}
    near = {name: neighbours(postprocess(each, given.postprocessing)).indices for name, each in drawn.items()}
    one, other = next(iter(sides[0])), list(sides[-1])[-1]
    moved = None
    if one != other and len(instances) > 2:
        moved = (one, other, movers(drawn[one], drawn[other], postprocessing=given.postprocessing))
    about = [*provenance, f"{len(instances):,} instances of {instances.name}", f"vectors {given.postprocessing}"]
    title = " and ".join(dict.fromkeys(line.split(" (")[0] for line in provenance))
    return Report(
        title=f"Layers compared: {title}",
        provenance=" · ".join([*about, f"embedviz {__version__}"]),
        comparison=comparison,
        instances=instances,
        maps=_maps(drawn, given),
        neighbours=near,
        moved=moved,
    ).html()


def _maps(drawn: dict[str, Embeddings], given: argparse.Namespace) -> AlignedMaps | None:
    from embedviz.errors import ProjectionError
    from embedviz.projection.aligned import aligned_maps

    if len(drawn) < 2:
        return None
    try:
        return aligned_maps(drawn, given.alignment, seed=given.seed, postprocessing=given.postprocessing)
    except ProjectionError as error:
        _say(f"no maps: {error}")
        return None


def as_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison as JSON values; what could not be measured is null."""
    return {
        "rows": list(comparison.rows),
        "columns": list(comparison.columns),
        "instances": comparison.instances,
        "agreements": {name: _plain(each) for name, each in comparison.agreements.items()},
        "curves": {name: _plain(each) for name, each in comparison.curves.items()},
        "other_curves": {name: _plain(each) for name, each in comparison.other_curves.items()},
        "best": comparison.best,
        "evidence": list(comparison.evidence),
    }


def _plain(record: Any) -> dict[str, Any]:
    return {
        name: _nulls(value.tolist()) if isinstance(value, np.ndarray) else value for name, value in vars(record).items()
    }


def _nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_nulls(each) for each in value]
    return value if np.isfinite(value) else None


def _say(line: str) -> None:
    print(line, file=sys.stderr)
