"""The hook engine: one pass over the instances for all wanted layers, pooled as the model runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from embedviz import layers as layer_tree
from embedviz.errors import CaptureError, EmbedvizError, InstancesError, first_line
from embedviz.hooks import Stop, evaluating, forward, hooked, main_tensor
from embedviz.modalities import text
from embedviz.pooling import Pool, resolve
from embedviz.records import INSTANCES, TOKENS, Embeddings, FloatArray, Instances, IntArray, Layer

if TYPE_CHECKING:
    import torch

    from embedviz.checkpoints import Checkpoint

#: Called with (instances done, instances in all) after each batch; raising in it stops the run.
Progress = Callable[[int, int], None]


def capture(
    checkpoint: Checkpoint,
    instances: Instances | Sequence[str],
    layers: Sequence[str] | None = None,
    pooling: str = "mean",
    *,
    insist: bool = False,
    progress: Progress | None = None,
) -> dict[str, Embeddings]:
    """The embeddings of the instances at each layer: path → Embeddings, ``vectors`` (instances, width) float32.

    ``layers`` are dotted paths (None: the recommended one). ``insist``: take layers with random parameters too.
    Raises LayerError for a layer that does not exist, cannot be captured or is random, InstancesError for no or
    unusable instances, CaptureError where the model itself fails. The model is left as it was: its hooks, its
    training flags, its buffers.
    """
    wanted = [checkpoint.recommended.path] if layers is None else list(layers)
    caught = capture_all(checkpoint, instances, wanted, [pooling], insist=insist, progress=progress)
    return {path: caught[path, pooling] for path in wanted}


def capture_all(
    checkpoint: Checkpoint,
    instances: Instances | Sequence[str],
    layers: Sequence[str],
    poolings: Sequence[str],
    *,
    insist: bool = False,
    progress: Progress | None = None,
) -> dict[tuple[str, str], Embeddings]:
    """As ``capture``, for several poolings in the same pass: (path, pooling) → Embeddings."""
    given = _as_instances(instances)
    chosen = [layer_tree.find(checkpoint.layers, path, insist=insist) for path in dict.fromkeys(layers)]
    if not chosen:
        raise EmbedvizError("No layer was asked for", remedy="Name at least one.")
    unique = {item: place for place, item in enumerate(dict.fromkeys(given.items))}
    back = np.array([unique[item] for item in given.items], dtype=np.int64)
    tokenised = text.tokenise(checkpoint, list(unique))
    catches = _plan(checkpoint, chosen, poolings, len(unique))
    weights = np.bincount(back, minlength=len(unique))
    with checkpoint.lock:
        _run(checkpoint, tokenised, catches, chosen, _counted(progress, weights, len(given)))
    return {
        (catch.layer.path, name): _embeddings(catch, name, back, given, tokenised, checkpoint)
        for catch in catches
        for name in poolings
    }


def _as_instances(instances: Instances | Sequence[str]) -> Instances:
    if isinstance(instances, str):
        instances = [instances]
    if not isinstance(instances, Instances):
        items = tuple(instances)
        wrong = next((item for item in items if not isinstance(item, str)), None)
        if wrong is not None:
            raise InstancesError("An instance is not a text", value=repr(wrong)[:60], remedy="Pass strings.")
        instances = Instances(items, tuple(str(number + 1) for number in range(len(items))))
    if not len(instances):
        raise InstancesError("There are no instances", remedy="Give at least one text.")
    return instances


@dataclass
class _Catch:
    """What is to be caught at one layer: the poolings, and the rows filled so far."""

    layer: Layer
    path: str
    call: int
    pools: dict[str, Pool]
    count: int
    rows: dict[str, FloatArray] = field(default_factory=dict)

    def take(self, output: Any, mask: torch.Tensor, where: IntArray) -> None:
        import torch

        tensor = main_tensor(output)
        hidden = _arranged(tensor, self.layer, mask)
        for name, pool in self.pools.items():
            pooled = (pool(hidden, mask) if hidden.ndim == 3 else hidden).to(torch.float32)
            if name not in self.rows:
                self.rows[name] = np.full((self.count, pooled.shape[1]), np.nan, dtype=np.float32)
            self.rows[name][where] = pooled.cpu().numpy()


def _arranged(tensor: torch.Tensor | None, layer: Layer, mask: torch.Tensor) -> torch.Tensor:
    """The output as (instances, tokens, width) or (instances, width); CaptureError if it is not as the probe saw it."""
    import torch

    assert layer.shape is not None
    sizes = {INSTANCES: mask.shape[0], TOKENS: mask.shape[1]}
    expected = tuple(sizes.get(str(axis), axis) for axis in layer.shape)
    if tensor is None or tuple(tensor.shape) != expected:
        found = "no tensor" if tensor is None else " × ".join(map(str, tensor.shape))
        raise CaptureError(
            f"This layer's output changed its shape: {found} where the probe promised {layer.shape_text}",
            value=layer.path,
            remedy="Choose another layer.",
        )
    lead = [layer.shape.index(axis) for axis in (INSTANCES, TOKENS) if axis in layer.shape]
    return tensor.movedim(lead, list(range(len(lead)))).to(torch.float32)


def _plan(checkpoint: Checkpoint, layers: list[Layer], poolings: Sequence[str], count: int) -> list[_Catch]:
    catches = []
    for layer in layers:
        path, _, call = layer.path.partition("#")
        pools = {name: resolve(name, checkpoint, final=bool(layer.recommended)) for name in poolings}
        catches.append(_Catch(layer, path, int(call or 1), pools, count))
    return catches


def _run(
    checkpoint: Checkpoint,
    tokenised: text.Tokenised,
    catches: list[_Catch],
    layers: list[Layer],
    progress: Callable[[IntArray], None],
) -> None:
    modules = {catch.path: checkpoint.model.get_submodule(catch.path) for catch in catches}
    by_call = {(catch.path, catch.call): catch for catch in catches}
    last = max(catches, key=lambda catch: catch.layer.order or 0)
    state: dict[str, Any] = {}

    def see(path: str, output: Any) -> None:
        state["calls"][path] = call = state["calls"].get(path, 0) + 1
        catch = by_call.get((path, call))
        if catch is None:
            return
        catch.take(output, state["mask"], state["rows"])
        if catch is last:
            raise Stop

    with evaluating(checkpoint.model), hooked(modules, see):
        for rows in text.batches(tokenised):
            batch = text.pad(tokenised, rows, checkpoint)
            state.update(calls={}, mask=batch["attention_mask"].bool(), rows=rows)
            _forward(checkpoint, batch, tokenised, rows)
            _require_all(catches, state["calls"])
            progress(rows)


def _require_all(catches: list[_Catch], calls: dict[str, int]) -> None:
    """A model may choose its modules by the input; a layer it left out must not pass for a vector."""
    for catch in catches:
        if calls.get(catch.path, 0) < catch.call:
            raise CaptureError(
                "The model did not run this layer for some of the instances",
                value=catch.layer.path,
                remedy="Choose a layer that every input passes through.",
            )


def _forward(checkpoint: Checkpoint, batch: Any, tokenised: text.Tokenised, rows: IntArray) -> None:
    try:
        forward(checkpoint, batch)
    except (EmbedvizError, MemoryError):
        raise
    except Exception as error:
        longest = int(tokenised.lengths[rows].max())
        raise CaptureError(
            f"The model failed on {len(rows)} instances of up to {longest} tokens ({first_line(error)})",
            value=checkpoint.name,
            remedy="Try fewer or shorter texts; if it stays, the model and its configuration do not fit.",
        ) from error


def _counted(progress: Progress | None, weights: IntArray, total: int) -> Callable[[IntArray], None]:
    done = 0

    def count(rows: IntArray) -> None:
        nonlocal done
        done += int(weights[rows].sum())
        if progress is not None:
            progress(done, total)

    if progress is not None:
        progress(0, total)
    return count


def _embeddings(
    catch: _Catch, pooling: str, back: IntArray, given: Instances, tokenised: text.Tokenised, checkpoint: Checkpoint
) -> Embeddings:
    vectors = catch.rows[pooling][back]
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    finite = f"{len(bad)} instances hold values that are not finite, first {given.ids[bad[0]]}" if len(bad) else ""
    return Embeddings(
        vectors=vectors,
        ids=given.ids,
        labels=given.labels,
        layer=catch.layer.path,
        pooling=pooling if TOKENS in (catch.layer.shape or ()) else "none needed",
        checkpoint=checkpoint.fingerprint,
        tokens=tokenised.lengths[back],
        cut=tokenised.cut[back],
        notes=(finite,) if finite else (),
    )
