"""An opened model: the module, its tokenizer, how it was trained to be read, and what was found on the way."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz.records import Finding, Layer, Reads

if TYPE_CHECKING:
    import torch

    from embedviz.architecture import Assumption
    from embedviz.checkpoints.request import Request

_PASSES = threading.RLock()
#: The pooling modes sentence-transformers writes, in the order in which it concatenates them.
TRAINED_MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")


@dataclass(frozen=True)
class Recipe:
    """How the checkpoint itself says its embeddings are made (a sentence-transformers folder does).

    ``modes`` are pooled and concatenated, ``dense`` applied in turn, then L2 where ``normalise``. ``prompt`` is put
    before each text, or one of ``prompts``, by name, that a person chooses. ``untold`` says why there is no recipe to
    follow; then ``modes`` is empty.
    """

    modes: tuple[str, ...] = ()
    dense: tuple[torch.nn.Module, ...] = ()
    normalise: bool = False
    prompt: str = ""
    prompts: Mapping[str, str] = field(default_factory=dict)
    lower_case: bool = False
    untold: str = "This checkpoint does not say how its vectors were pooled"

    @property
    def text(self) -> str:
        """The recipe in words: "mean over tokens, then L2"."""
        steps = [" + ".join(mode.replace("_", " ") for mode in self.modes) + " over tokens"]
        steps += [f"dense to {layer.out_features}" for layer in _linears(self.dense)]
        return ", then ".join([*steps, "L2"] if self.normalise else steps)


def _linears(dense: tuple[torch.nn.Module, ...]) -> list[Any]:
    return [module for outer in dense for module in outer.modules() if hasattr(module, "out_features")]


@dataclass(eq=False)
class Checkpoint:
    """An opened checkpoint. Close it, or use it in ``with``, to drop what an archive was unpacked to.

    ``reads`` is what its files say its instances are ("text", "images", "audio", …; "unknown inputs" where they do
    not), ``inputs`` what it is really given. ``tokenizer`` and ``processor`` (of pictures) are None without one.
    ``hint`` is what the file format knows of its inputs, ``assumed_inputs`` what a person says of them.
    ``assumptions`` are what the weights do not tell and a person may correct. ``lock`` is held during every forward
    pass, and is the same for all checkpoints of a process: torch keeps settings that a pass changes for all threads.
    """

    name: str
    format: str
    model: torch.nn.Module
    tokenizer: Any
    max_tokens: int
    fingerprint: str
    size: int
    dtype: str
    recipe: Recipe = field(default_factory=Recipe)
    findings: tuple[Finding, ...] = ()
    #: Parameters that were not in the file and so hold random values.
    untrained: frozenset[str] = frozenset()
    reads: str = "text"
    assumptions: tuple[Assumption, ...] = ()
    processor: Any = None
    hint: Reads | None = None
    assumed_inputs: Mapping[str, Any] = field(default_factory=dict)
    #: The folder whose other files belong to the model, and where in it the transformer is; None for a lone file.
    origin: Path | None = None
    inside: str = ""
    #: What was asked for when it was opened; None for a model that was in memory already.
    request: Request | None = None
    #: What was taken off the names of the tensors in its file.
    prefix: str = ""
    lock: threading.RLock = field(default_factory=lambda: _PASSES)
    unpacked: tempfile.TemporaryDirectory[str] | None = None
    #: How many threads its passes take; None until a run of several batches has told.
    threads: int | None = None
    #: Seconds a token, or a number of an array, that a whole pass takes; None until it was measured.
    pace: float | None = None

    @cached_property
    def arguments(self) -> Mapping[str, bool]:
        """The names of forward()'s arguments; to each, whether it takes any others ("**kwargs") in its place."""
        import inspect

        known = inspect.signature(self.model.forward).parameters
        return {name: each.kind is inspect.Parameter.VAR_KEYWORD for name, each in known.items()}

    @cached_property
    def _reads(self) -> tuple[Reads, tuple[int, int]]:
        from embedviz.modalities.reads import find_reads

        return find_reads(self)

    @property
    def inputs(self) -> Reads:
        """What the model is given as one instance, found out by trying where nothing says it."""
        return self._reads[0]

    @property
    def trial_lengths(self) -> tuple[int, int]:
        """Two lengths, for an axis of any size, that the model takes."""
        return self._reads[1]

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The module tree in order, from a probe of two tiny forward passes."""
        from embedviz.layers import probe

        return probe(self)

    @property
    def family(self) -> str:
        config = getattr(self.model, "config", None)
        return str(getattr(config, "model_type", "") or type(self.model).__name__)

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def blocks(self) -> int:
        return len({layer.module for layer in self.layers if layer.role == "block"})

    @property
    def recommended(self) -> Layer:
        """The layer to start from: the one whose output is the model's last hidden state. LayerError without any."""
        from embedviz.errors import LayerError

        capturable = [layer for layer in reversed(self.layers) if layer.capturable and not layer.part]
        if not capturable:
            raise LayerError(
                "No layer of this model can be captured", value=self.name, remedy=unreadable(self) or "Try another."
            )
        trained = [layer for layer in capturable if not layer.untrained] or capturable
        return next((layer for layer in trained if layer.recommended), trained[0])

    @property
    def text(self) -> str:
        """What it is in one line: family, parameters, blocks, number type, size."""
        family = self.family.upper() if len(self.family) <= 4 else self.family
        blocks = [f"{self.blocks} blocks"] if self.blocks else []
        size = f"{self.size / 1e6:,.0f} MB" if self.size >= 1e6 else f"{max(1, round(self.size / 1e3))} kB"
        return " · ".join([family, f"{short_count(self.parameters)} parameters", *blocks, self.dtype, size])

    def close(self) -> None:
        if self.unpacked is not None:
            self.unpacked.cleanup()

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def short_count(number: int) -> str:
    """22713216 → "22.7 M"."""
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.1f} {unit}"
    return str(number)


def unreadable(checkpoint: Checkpoint) -> str:
    """Why instances cannot be given to a checkpoint, in a sentence; "" where they can."""
    reads = checkpoint.inputs
    if reads.modality in ("tensors", "images"):
        return ""
    if reads.modality == "unknown inputs":
        return f"What this model reads could not be found out: {reads.why}. Say its shape, as in [3, 224, 224]."
    if reads.modality != "text":
        return f"This model reads {reads.modality}, which embedviz cannot give to a model."
    if checkpoint.tokenizer is None:
        return "This model has no tokenizer, so text cannot be given to it."
    return ""
