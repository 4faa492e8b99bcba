"""Token by token: the vectors that poolings make one of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from embedviz import layers as layer_tree
from embedviz.capture import as_instances
from embedviz.catch import Catch, Events
from embedviz.devices import Placed
from embedviz.errors import CaptureError, EmbedvizError, InstancesError, LayerError, first_line
from embedviz.hooks import forward, hooked
from embedviz.modalities.feed import Feed, Texts, prepare
from embedviz.records import TOKENS, FloatArray, Instances, IntArray, TokenVectors
from embedviz.undisturbed import undisturbed

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint

#: More tokens than this, over all instances, are no longer looked at one by one.
MOST_TOKENS = 20_000


@dataclass
class _TokenCatch(Catch):
    """Keeps every real position of each instance: by its place, (tokens, width) float32."""

    kept: dict[int, FloatArray] = field(default_factory=dict)

    def keep(self, hidden: torch.Tensor, mask: torch.Tensor | None, where: IntArray, call: int) -> None:
        assert mask is not None
        for row, place in enumerate(where.tolist()):
            values = (hidden[row][mask[row]] * self._share).cpu().numpy()
            self.kept[place] = self.kept[place] + values if self.call == 0 and call > 1 else values


def token_vectors(
    checkpoint: Checkpoint,
    instances: Instances | Sequence[Any],
    layers: Sequence[str] | None = None,
    *,
    insist: bool = False,
    prompt: str | None = None,
    device: str = "auto",
) -> TokenVectors:
    """The vectors of every real token of texts, at each layer; None: the recommended one.

    The mean of an instance's rows is what ``capture`` gives with the pooling "mean". Raises LayerError for a layer
    that does not exist or has no tokens, InstancesError for no texts and for too many tokens, CaptureError where the
    model itself fails. The model is left as it was.
    """
    given = as_instances(instances, checkpoint)
    paths = [checkpoint.recommended.path] if layers is None else list(dict.fromkeys(layers))
    chosen = [layer_tree.find(checkpoint.layers, path, insist=insist) for path in paths]
    without = next((layer for layer in chosen if layer.over != TOKENS), None)
    if without is not None or not chosen:
        path = "no layer" if without is None else without.path or "the whole model"
        remedy = "Choose a layer whose output is instances × tokens × width, such as a block."
        raise LayerError("This layer has no vector for each token", value=path, remedy=remedy)
    prepared = prepare(checkpoint, list(given.items), prompt)
    assert isinstance(prepared, Texts)
    lengths = prepared.tokens
    if lengths.sum() > MOST_TOKENS:
        raise InstancesError(
            "These are too many tokens to look at one by one",
            value=f"{int(lengths.sum()):,}",
            remedy=f"Choose instances of up to {MOST_TOKENS:,} tokens together.",
        )
    catches = [_TokenCatch(layer, {}, len(given)) for layer in chosen]
    with checkpoint.lock:
        _run(checkpoint, prepared, catches, Placed(checkpoint.model, device, "float32"))
    return TokenVectors(
        {catch.layer.path: np.concatenate([catch.kept[place] for place in range(len(given))]) for catch in catches},
        np.repeat(np.arange(len(given)), lengths),
        np.concatenate([np.arange(length) for length in lengths]),
        np.concatenate([np.array(row, dtype=np.int64) for row in prepared.tokenised.features["input_ids"]]),
        prepared.cut,
    )


def _run(checkpoint: Checkpoint, prepared: Texts, catches: list[_TokenCatch], placed: Placed) -> None:
    """One pass over all texts, batch by batch."""
    events = Events(checkpoint, catches)
    with (
        undisturbed(checkpoint.model),
        placed,
        hooked(events.modules, events.see, events.see_input, into=events.into),
    ):
        for rows in prepared.batches(placed.budget):
            feed: Feed = placed.feed(prepared.feed(rows))
            events.begin(feed, rows)
            try:
                with placed.autocast():
                    forward(checkpoint, feed)
            except EmbedvizError:
                raise
            except Exception as error:
                raise CaptureError(
                    f"The model failed on {prepared.told(rows)} ({first_line(error)})",
                    value=checkpoint.name,
                    remedy="Try fewer or shorter instances.",
                ) from error
            events.end()
