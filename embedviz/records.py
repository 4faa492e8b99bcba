"""The nouns of embedviz as frozen records; they carry data and no behaviour that needs a model."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from embedviz.errors import InstancesError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
DoubleArray = npt.NDArray[np.float64]

#: Words an axis of a layer's shape may be; any other axis is a fixed size.
INSTANCES, TOKENS = "instances", "tokens"


@dataclass(frozen=True)
class Layer:
    """A place in the module tree whose output (or input) can be captured: a module, one of its calls, and a part.

    ``path`` says which: the dotted name of the module ("" for the whole model); then ``#2`` for its second call or
    ``#mean`` for the mean of all; then ``:input``, the name of a part of its output (``:h_n``, ``:1``), or ``:head3``.
    ``shape`` names the axes, for instance ``("instances", "tokens", 384)``; None where it is unknown. Pooling goes over
    the axes at ``positions``, which ``over`` says in a word ("tokens", "patches", "places", "steps"); the other fixed
    axes make up the vector. The first ``prefix`` positions are no patches of a picture ([CLS] and its like).
    ``heads``: how many attention heads the vector is made of, where it is.
    ``status`` is "ok" where the layer can be captured, else a short code, and ``why`` is the reason in a sentence.
    ``order`` is the position in the order of calls, counted over all calls of a forward pass. ``untrained``: its
    output comes, wholly or in part, from random parameters, so that it is captured on purpose only.
    """

    path: str
    kind: str
    role: str
    parameters: int
    shape: tuple[str | int, ...] | None = None
    positions: tuple[int, ...] = ()
    over: str = ""
    prefix: int = 0
    heads: int = 0
    calls: int = 0
    status: str = "ok"
    why: str = ""
    order: int | None = None
    recommended: str = ""
    warning: str = ""
    untrained: bool = False

    @property
    def capturable(self) -> bool:
        return self.status == "ok"

    @property
    def shape_text(self) -> str:
        """The shape in words: "instances × tokens × 384"."""
        return " × ".join(str(axis) for axis in self.shape) if self.shape else ""

    @property
    def module(self) -> str:
        """The dotted path of the module."""
        return self.path.partition(":")[0].partition("#")[0]

    @property
    def call(self) -> int:
        """Which call of the module, from 1; 0 for the mean of all."""
        number = self.path.partition(":")[0].partition("#")[2]
        return 0 if number == "mean" else int(number or 1)

    @property
    def part(self) -> str:
        """Which part of what goes in or comes out; "" for the output as a whole."""
        return self.path.partition(":")[2]

    @property
    def width(self) -> int:
        """The length of one position's vector; 0 where it is unknown."""
        if self.shape is None:
            return 0
        fixed = [axis for place, axis in enumerate(self.shape) if place not in self.positions]
        return math.prod(axis for axis in fixed if isinstance(axis, int))


@dataclass(frozen=True)
class TensorItem:
    """An instance that is an array of numbers: its values as little-endian bytes, its dtype and its shape."""

    data: bytes = field(repr=False)
    dtype: str
    shape: tuple[int, ...]

    @classmethod
    def of(cls, values: npt.ArrayLike) -> TensorItem:
        array = np.asarray(values)
        return cls(array.tobytes(), str(array.dtype), array.shape)

    @property
    def array(self) -> npt.NDArray[Any]:
        return np.frombuffer(self.data, dtype=self.dtype).reshape(self.shape)

    @property
    def content(self) -> bytes:
        return f"{self.dtype}{self.shape}".encode() + self.data

    def __str__(self) -> str:
        """A few of the numbers: "5.1, 3.5, 1.4, 0.2"."""
        some = ", ".join(f"{value:.4g}" for value in self.array.ravel()[:6].tolist())
        size = " × ".join(map(str, self.shape))
        return some if self.array.size <= 6 else f"{some}, … ({size})"


@dataclass(frozen=True)
class ImageItem:
    """An instance that is a picture: the file's bytes (PNG, JPEG, WebP) and its name."""

    data: bytes = field(repr=False)
    name: str

    @property
    def content(self) -> bytes:
        return self.data

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Reads:
    """What a model is given as one instance.

    ``modality``: "text", "tensors", "images", or another word for what embedviz cannot give ("videos"). ``shape`` is
    one instance's, as the model takes it, None for an axis of any size: (3, 224, 224). ``dtype``: "float32" or
    "int64". ``batch_axis``: where the model wants the instances. Pictures are brought to 0..1, less ``mean``, by
    ``std`` (one value a channel). ``why`` says how it was found out.
    """

    modality: str = "text"
    shape: tuple[int | None, ...] = ()
    dtype: str = "float32"
    batch_axis: int = 0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    why: str = ""

    @property
    def text(self) -> str:
        """In words: "a float tensor of 1 × 28 × 28"."""
        if self.modality not in ("tensors", "images"):
            return self.modality
        size = " × ".join("any" if axis is None else str(axis) for axis in self.shape)
        if self.modality == "images":
            return f"pictures, brought to {size}"
        kind = "float" if self.dtype.startswith("float") else "whole-number"
        return f"a {kind} tensor of {size}" if self.shape else f"one {kind} number"


@dataclass(frozen=True)
class Instances:
    """Test inputs with an id each and any number of further columns, one of which may be the label.

    An item is a text, a pair of texts or a tuple of token ids (``modality`` "text"), a TensorItem or an ImageItem.
    """

    items: tuple[Any, ...]
    ids: tuple[str, ...]
    columns: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    label: str | None = None
    name: str = ""
    dropped: int = 0
    modality: str = "text"

    def __len__(self) -> int:
        return len(self.items)

    @property
    def item_name(self) -> str:
        """What a column of the items is called: "text", "numbers", or "name" of a picture."""
        return {"tensors": "numbers", "images": "name"}.get(self.modality, "text")

    @property
    def labels(self) -> tuple[Any, ...] | None:
        return self.columns[self.label] if self.label else None

    def only(self, rows: Sequence[int]) -> Instances:
        """Those at the given places, in that order."""
        columns = {name: tuple(values[row] for row in rows) for name, values in self.columns.items()}
        items, ids = (tuple(held[row] for row in rows) for held in (self.items, self.ids))
        return replace(self, items=items, ids=ids, columns=columns)

    @cached_property
    def duplicates(self) -> tuple[bool, ...]:
        """True where the same item stands at an earlier place."""
        seen: set[Any] = set()
        marks = []
        for item in self.items:
            marks.append(item in seen)
            seen.add(item)
        return tuple(marks)

    @cached_property
    def fingerprint(self) -> str:
        """Content hash of what the model is given: the modality and the items in their order."""
        digest = hashlib.sha256(self.modality.encode())
        for item in self.items:
            data = item.content if hasattr(item, "content") else str(item).encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Embeddings:
    """One vector an instance.

    ``vectors`` is (instances, width) float32. ``tokens`` and ``cut`` count each instance's real tokens and those
    that did not fit the model; None where the input has no tokens. ``checkpoint`` is the content fingerprint.
    """

    vectors: FloatArray
    ids: tuple[str, ...]
    labels: tuple[Any, ...] | None = None
    layer: str = ""
    pooling: str = ""
    postprocessing: str = "none"
    checkpoint: str = ""
    tokens: IntArray | None = None
    cut: IntArray | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.vectors)

    @classmethod
    def from_array(
        cls,
        vectors: npt.ArrayLike,
        ids: Sequence[Any] | None = None,
        labels: Sequence[Any] | None = None,
        *,
        layer: str = "",
    ) -> Embeddings:
        """Vectors from anywhere, one row an instance: (instances, width) numbers, kept as float32.

        ``ids`` are "1", "2", … where none are given. Raises InstancesError for what is no such table, and for ids or
        labels of another number or ids that repeat; ProjectionError for NaN, infinity, and numbers beyond float32.
        """
        from embedviz.vectors import check_finite

        rows = _table(vectors)
        names = _one_each(range(1, len(rows) + 1) if ids is None else ids, "ids", len(rows))
        given = tuple(str(name) for name in names)
        if len(set(given)) < len(given):
            repeated = next(name for name, count in Counter(given).items() if count > 1)
            raise InstancesError("An id stands for one instance only", value=repeated, remedy="Give each its own id.")
        kept = cls(rows, given, None if labels is None else _one_each(labels, "labels", len(rows)), layer=layer)
        check_finite(kept)
        return kept

    @property
    def width(self) -> int:
        return int(self.vectors.shape[1])


def _table(vectors: npt.ArrayLike) -> FloatArray:
    """A float32 copy of an (instances, width) table of numbers."""
    remedy = "Give a table of numbers with one row an instance: (instances, width)."
    try:
        rows = np.asarray(vectors)
    except (ValueError, TypeError, RuntimeError) as error:  # rows of several lengths, a tensor on a GPU
        raise InstancesError("These vectors are no table", value=error, remedy=remedy) from error
    if rows.ndim != 2 or not rows.shape[1] or rows.dtype.kind not in "fiu":
        raise InstancesError("These vectors are no table", value=f"shape {rows.shape}, {rows.dtype}", remedy=remedy)
    with np.errstate(over="ignore"):
        return rows.astype(np.float32)


def _one_each(values: Iterable[Any], what: str, count: int) -> tuple[Any, ...]:
    """``values`` as a tuple, numpy's scalars as Python's; InstancesError where there are not ``count`` of them."""
    given = tuple(value.item() if isinstance(value, np.generic) else value for value in values)
    if len(given) != count:
        raise InstancesError(
            f"There are not as many {what} as vectors",
            value=f"{len(given)} {what}, {count} vectors",
            remedy=f"Give {what} for all of the instances, in their order, or none.",
        )
    return given


@dataclass(frozen=True, eq=False)
class Projection:
    """Embeddings drawn in 2-D or 3-D.

    ``coordinates`` is (instances, 2 or 3) float32. ``trust`` is the trustworthiness in 0..1 and ``kept`` the share
    of true nearest neighbours that are neighbours on the map; both None where there are too few instances to say.
    ``method`` is the method that was really used and ``note`` says why where it is not the one asked for.
    """

    coordinates: FloatArray
    method: str
    parameters: Mapping[str, Any]
    seed: int
    trust: float | None = None
    kept: float | None = None
    note: str = ""

    @property
    def dimensions(self) -> int:
        return int(self.coordinates.shape[1])


@dataclass(frozen=True, eq=False)
class AlignedMaps:
    """The same instances under several layers, drawn so that they can be laid side by side: layer → Projection.

    ``alignment`` is "linked" (one fit of all layers at once) or "independent" (a fit each, turned onto the one before).
    ``drift`` is the median move between consecutive maps, in standard deviations of the map. ``faithfulness`` is
    Spearman's correlation of how far each instance moves from the first to the last map with how many of its true
    neighbours change: near 0, movement is noise. Both are None where there are too few maps or instances to say.
    """

    maps: Mapping[str, Projection]
    alignment: str
    drift: float | None = None
    faithfulness: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Quality:
    """``trust`` (trustworthiness) and ``kept`` (share of true neighbours that are neighbours on the map), in 0..1.

    Both are None where there are too few instances to say. ``k`` neighbours were looked at; chance would keep
    ``chance``.
    """

    trust: float | None
    kept: float | None
    k: int
    chance: float | None = None


@dataclass(frozen=True, eq=False)
class OddPairs:
    """Pairs about which a map and the cosines disagree, the worst first.

    ``places`` is (pairs, 2), ``cosines`` (pairs,), and ``ranks`` (pairs,) says at which place, from 1, the one stands
    among the other's neighbours in the space that disagrees.
    """

    places: IntArray
    cosines: FloatArray
    ranks: IntArray

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, eq=False)
class Trust:
    """How far a map can be trusted, as a whole and point by point.

    ``quality`` is of the whole map, and ``baselines`` the same of maps to compare it with: "pca" and "random".
    ``shares`` is (instances,), in 0..1: how many of each one's true neighbours are its neighbours on the map; NaN
    where that was not measured. ``near`` are neighbours on the map that are strangers in truth (``ranks``: true ones),
    ``far`` each other's truly nearest that are no neighbours on the map (``ranks``: on the map). ``note`` says of how
    many instances this was taken, where it was not all, or why nothing can be said.
    """

    quality: Quality
    baselines: Mapping[str, Quality]
    shares: FloatArray
    near: OddPairs
    far: OddPairs
    note: str = ""


@dataclass(frozen=True, eq=False)
class DrawnNeighbours:
    """Some neighbours of one instance, all (neighbours,): which, their cosines, and their ranks, from 1, among all
    its neighbours on the map and in truth."""

    indices: IntArray
    cosines: FloatArray
    map_ranks: IntArray
    true_ranks: IntArray

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True, eq=False)
class PointTrust:
    """What a map makes of one instance's ``k`` neighbours: ``kept`` of them are beside it.

    ``false`` are beside it on the map only, the nearest there first; ``missing`` are its true neighbours drawn
    elsewhere, the nearest in truth first. An instance without a direction or without a place has ``k`` 0.
    """

    kept: int
    k: int
    false: DrawnNeighbours
    missing: DrawnNeighbours


@dataclass(frozen=True, eq=False)
class Stability:
    """What stays of a map when it is drawn again with other ``seeds``.

    ``stays`` is the share in 0..1 of neighbours on the map that are neighbours there again, over all instances and
    seeds; ``shares`` (instances,) the same of each instance, NaN where it has no place. ``chance`` would keep so many.
    ``fixed``: the method draws the same picture whatever the seed. ``note`` says why where nothing can be said.
    """

    stays: float | None
    shares: FloatArray
    seeds: tuple[int, ...]
    k: int
    chance: float | None = None
    fixed: bool = False
    note: str = ""


@dataclass(frozen=True, eq=False)
class Agreement:
    """How alike layers are by one measure: (rows, columns) values, and the ends of their 95 % intervals.

    ``chance`` is what unrelated layers would get; None where there is no one number. ``note`` says of how many
    instances it was taken. Where it cannot be taken, ``why_not`` says so and the values are NaN.
    """

    values: DoubleArray
    low: DoubleArray
    high: DoubleArray
    chance: float | None = None
    note: str = ""
    why_not: str = ""


@dataclass(frozen=True, eq=False)
class Curve:
    """One number a layer, (layers,) in the order of the layers, with the ends of its 95 % interval where there is one.

    ``reading`` says in a sentence what these numbers show, ``chance`` what instances without order would get.
    Where it cannot be taken (no labels, too few instances), ``why_not`` says so and the values are NaN.
    """

    values: DoubleArray
    low: DoubleArray | None = None
    high: DoubleArray | None = None
    chance: float | None = None
    reading: str = ""
    note: str = ""
    why_not: str = ""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Layers over the same instances, compared: ``rows`` with ``columns``, which are the same of one model.

    ``agreements`` are by measure ("mutual_neighbours", "cka", "rsa"), ``curves`` by name, over ``rows``;
    ``other_curves`` are over ``columns`` where these are another model's. ``best`` is the layer of ``rows`` to use
    for finding what is alike, with the reasons in ``evidence``; "" where nothing speaks for one.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    instances: int
    agreements: Mapping[str, Agreement]
    curves: Mapping[str, Curve]
    other_curves: Mapping[str, Curve] = field(default_factory=dict)
    best: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Movers:
    """Whose true neighbours change most between two layers.

    ``order`` is (instances,), the biggest mover first, ties by place; without those that have no direction in one of
    the layers. ``kept`` is (instances,), how many of ``k`` neighbours stay; -1 where undefined. ``before`` and
    ``after`` are (instances, k) neighbours, nearest first, -1 where there is none.
    """

    order: IntArray
    kept: IntArray
    before: IntArray
    after: IntArray

    @property
    def k(self) -> int:
        return int(self.before.shape[1])


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Exact cosine neighbours, nearest first, the instance itself left out.

    ``indices`` is (instances, k) int64 and ``cosines`` (instances, k) float32. A row of an undefined instance (a
    zero vector has no direction) and slots beyond the defined instances hold -1 and NaN. ``undefined`` lists them.
    """

    indices: IntArray
    cosines: FloatArray
    undefined: tuple[int, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One line of the doctor.

    ``code`` is stable and starts with its section ("tokenizer.empty"). ``severity`` is "error" (cannot be used as it
    is), "warning" (gives vectors that are not what they seem) or "info". ``evidence`` is what was seen, with its
    numbers; ``why`` it matters; ``remedy`` is something one can do, and ``repair`` names it where embedviz can do it.
    """

    code: str
    severity: str
    title: str
    evidence: str
    why: str
    remedy: str
    repair: str = ""

    @property
    def section(self) -> str:
        return self.code.partition(".")[0]


def as_vectors(embeddings: Embeddings | npt.ArrayLike | Sequence[Sequence[float]]) -> FloatArray:
    """The (instances, width) array of embeddings or of anything numpy takes as one."""
    return embeddings.vectors if isinstance(embeddings, Embeddings) else np.asarray(embeddings)
