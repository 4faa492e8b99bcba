"""The script that makes vectors again: what is asked for is looked at, captured, and written down."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz.errors import ExportError
from embedviz.export.script.source import Places, Source
from embedviz.records import Embeddings, Instances

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint


def reproducing_script(
    checkpoint: Checkpoint,
    instances: Instances | Sequence[Any],
    layer: str,
    pooling: str = "mean",
    postprocessing: str = "none",
    *,
    source: Source | str | os.PathLike[str],
    prompt: str | None = None,
    seed: int = 0,
    embeddings: Embeddings | None = None,
) -> str:
    """Python that makes the vectors of ``instances`` at ``layer`` again, of plain torch and transformers.

    It checks the files that it reads by their sha256, and its vectors against some that are written into it; then it
    saves ``vectors.npy`` and ``ids.json``. ``postprocessing`` may be several, as in "centred + l2". ``source`` is the
    path that the checkpoint was opened from, or a ``Source`` with the file of the instances too. ``seed`` is that of
    the map that the vectors were seen on. ``embeddings`` are the layer's vectors, before post-processing, where they
    are at hand; else they are captured now.

    Raises ExportError for a model or instances that take more than plain torch and transformers, and what ``capture``
    and ``postprocess`` raise.
    """
    from embedviz import layers
    from embedviz.capture import as_instances, capture
    from embedviz.export.script.opening import no_file, opening
    from embedviz.export.script.postprocessing import steps
    from embedviz.export.script.whole import Script
    from embedviz.pooling import resolve
    from embedviz.vectors import postprocess

    given, names = as_instances(instances, checkpoint), steps(postprocessing)
    chosen = layers.find(checkpoint.layers, layer, insist=True)
    resolve(pooling, checkpoint, chosen)
    if checkpoint.request is None:
        raise no_file(checkpoint.name)
    if chosen.untrained:
        raise ExportError(
            f"No script gives this layer's vectors again: they come from random numbers. {chosen.warning}",
            value=layer,
            remedy="Choose a layer that was trained.",
        )
    if not isinstance(source, Source):
        source = Source(Path(source), folder=Path.cwd())
    # What takes more than torch and transformers is said before anything is computed.
    opened = opening(checkpoint, Places(source, checkpoint.request))
    if embeddings is None:
        embeddings = capture(checkpoint, given, [layer], pooling, prompt=prompt, device="cpu")[layer]
    for name in names:
        embeddings = postprocess(embeddings, name)
    made = Script(checkpoint, given, chosen, pooling, names, Places(source, checkpoint.request), prompt, embeddings)
    return made.text(opened, seed)
