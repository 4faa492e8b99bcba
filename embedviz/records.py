"""The nouns of embedviz as frozen records; they carry data and no behaviour that needs a model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

#: Words an axis of a layer's shape may be; any other axis is a fixed size.
INSTANCES, TOKENS = "instances", "tokens"


@dataclass(frozen=True)
class Layer:
    """A place in the module tree.

    ``path`` is the dotted name ("" for the whole model), with ``#2`` for a second call of the same module.
    ``shape`` names the output's axes, for instance ``("instances", "tokens", 384)``; None where it is unknown.
    ``status`` is "ok" where the layer can be captured, else a short code, and ``why`` is the reason in a sentence.
    ``order`` is the position in the order of calls, counted over all calls of a forward pass. ``untrained``: its
    output comes, wholly or in part, from random parameters, so that it is captured on purpose only.
    """

    path: str
    kind: str
    role: str
    parameters: int
    shape: tuple[str | int, ...] | None = None
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


@dataclass(frozen=True)
class Instances:
    """Test inputs with an id each and any number of further columns, one of which may be the label."""

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
    def labels(self) -> tuple[Any, ...] | None:
        return self.columns[self.label] if self.label else None

    @property
    def duplicates(self) -> tuple[bool, ...]:
        """True where the same item stands at an earlier place."""
        seen: set[Any] = set()
        marks = []
        for item in self.items:
            marks.append(item in seen)
            seen.add(item)
        return tuple(marks)

    @property
    def fingerprint(self) -> str:
        """Content hash of what the model is given: the modality and the items in their order."""
        digest = hashlib.sha256(self.modality.encode())
        for item in self.items:
            data = str(item).encode("utf-8", "surrogatepass")
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

    @property
    def width(self) -> int:
        return int(self.vectors.shape[1])


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
