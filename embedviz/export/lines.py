"""The few lines of Python that give one instance's vector."""

from __future__ import annotations

from typing import Any

from embedviz.records import ImageItem, TensorItem

#: Numbers of an array that are still written out.
_WRITTEN = 64


def few_lines(
    item: Any,
    layer: str,
    pooling: str,
    *,
    checkpoint: str | None,
    postprocessing: str = "none",
    prompt: str | None = None,
    insist: bool = False,
) -> str:
    """Python that opens the checkpoint, captures the one instance and takes its vector, (width,) float32.

    ``checkpoint`` is what ``open_checkpoint`` is given, None for the bundled model. A text or a short array stands in
    the lines; a picture or a long array is read from a file of its name. Centring and standardising need all of the
    set and are left out; length 1 is not.
    """
    opening = "ev.bundled_checkpoint()" if checkpoint is None else f"ev.open_checkpoint({checkpoint!r})"
    numpy, instance = _instance(item)
    given = ["checkpoint", f"[{instance}]", f"layers=[{layer!r}]", *([f"pooling={pooling!r}"] if pooling else [])]
    given += [f"prompt={prompt!r}"] if prompt is not None else []
    given += ["insist=True"] if insist else []
    lines = [
        "import numpy as np\nimport embedviz as ev\n" if numpy else "import embedviz as ev\n",
        f"checkpoint = {opening}",
        f"captured = ev.capture({', '.join(given)})",
    ]
    taken = f"captured[{layer!r}]"
    if postprocessing == "l2":
        taken = f"ev.postprocess({taken}, 'l2')"
    lines.append(f"vector = {taken}.vectors[0]")
    return "\n".join(lines)


def _instance(item: Any) -> tuple[bool, str]:
    """Whether it needs numpy, and how it is written."""
    if isinstance(item, TensorItem):
        array = item.array
        if array.size > _WRITTEN:
            return True, 'np.load("instance.npy")'
        return True, f"np.array({array.tolist()!r}, dtype={str(array.dtype)!r})"
    if isinstance(item, ImageItem):
        return False, repr(item.name)
    return False, repr(item)
