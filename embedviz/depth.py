"""Which layers to go through a model by, from what it is given to what it makes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from embedviz.records import Layer

#: Layers of a model without blocks that are taken at most.
_MOST = 12


def through_depth(layers: Iterable[Layer]) -> list[Layer]:
    """The outermost embedding and the blocks, in the order of their calls.

    Of a model without blocks, up to twelve of its layers, evenly spaced: none inside another that is there too, and
    none that only normalises, activates or drops. Layers with random parameters are left out.
    """
    usable = [each for each in layers if each.capturable and not each.part and not each.untrained and each.call == 1]
    usable.sort(key=lambda each: each.order or 0)
    blocks = [each for each in usable if each.role == "block"]
    if blocks:
        before = [
            each
            for each in usable
            if each.role == "embedding" and (each.order or 0) < min(b.order or 0 for b in blocks)
        ]
        return [*sorted(before, key=lambda each: each.path.count("."))[:1], *blocks]
    plain = [each for each in usable if each.role not in ("norm", "activation", "dropout", "model")] or usable
    leaves = [each for each in plain if not any(other.path.startswith(f"{each.path}.") for other in plain)]
    step = max(1, -(-len(leaves) // _MOST))
    # Counted from the end, so that the last one is among them.
    return leaves[::-1][::step][::-1]


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Each dotted path without what all of them begin with: "encoder.layer.3" is "layer.3"."""
    if len(paths) < 2:
        return {path: path or "the whole model" for path in paths}
    parts = [path.split(".") for path in paths]
    shared = next(
        (place for place, words in enumerate(zip(*parts, strict=False)) if len(set(words)) > 1), min(map(len, parts))
    )
    # One word of it stays: "3" alone says less than "layer.3".
    start = max(0, shared - 1)
    return {path: ".".join(words[start:]) or "the whole model" for path, words in zip(paths, parts, strict=True)}


def spread(names: Sequence[str], most: int = 6) -> tuple[str, ...]:
    """So many of the layers at most, evenly spaced, the first and the last among them."""
    if len(names) <= most:
        return tuple(names)
    return tuple(names[round(place * (len(names) - 1) / (most - 1))] for place in range(most))
