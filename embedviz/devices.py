"""Where a model runs, and in which precision: never another one than was asked for without a word."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from embedviz.errors import CaptureError

if TYPE_CHECKING:
    import torch

    from embedviz.modalities.feed import Feed

PRECISIONS = ("float32", "half")
#: Tokens a batch where there is a GPU to fill.
_GPU_BUDGET = 16_384


def choose_device(asked: str = "auto") -> torch.device:
    """The device: of "auto" the first there is of cuda, mps and cpu. CaptureError for one that is not there."""
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        asked = next(name for name, is_there in there.items() if is_there)
    kind = asked.partition(":")[0]
    if not there.get(kind, False):
        named = [name for name, is_there in there.items() if is_there]
        raise CaptureError("There is no such device here", value=asked, remedy=f"Choose {' or '.join(named)}.")
    return torch.device(asked)


def half_type(device: torch.device) -> torch.dtype | None:
    """The half precision that the hardware itself computes in; None where it would only be imitated, and slower."""
    import torch

    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "mps":
        return torch.float16
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else None


class Placed:
    """A model's place for a run: as a context it moves the model there, and back to where it was."""

    def __init__(self, model: torch.nn.Module, device: str = "auto", precision: str = "float32") -> None:
        import torch

        if precision not in PRECISIONS:
            raise CaptureError(
                "There is no such precision", value=precision, remedy=f"Choose {' or '.join(PRECISIONS)}."
            )
        self.model, self.device = model, choose_device(device)
        parameter = next(model.parameters(), None)
        self._home = torch.device("cpu") if parameter is None else parameter.device
        self._half = half_type(self.device) if precision == "half" else None
        self.note = ""
        if precision == "half":
            told = str(self._half).removeprefix("torch.")
            self.note = (
                f"Computed in {told}: values differ from float32 in about the third digit."
                if self._half is not None
                else "Half precision was asked for, but this hardware has none: computed in float32."
            )

    @property
    def dtype(self) -> str:
        """The number type of the pass: "float32", "bfloat16" or "float16"."""
        return "float32" if self._half is None else str(self._half).removeprefix("torch.")

    @property
    def budget(self) -> int:
        """Tokens a batch; 0 for what suits a processor."""
        return 0 if self.device.type == "cpu" else _GPU_BUDGET

    def autocast(self) -> AbstractContextManager[Any]:
        """Half precision where it was asked for and is there; the weights themselves are never changed."""
        import torch

        if self._half is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self._half)

    def feed(self, feed: Feed) -> Feed:
        return feed if self.device.type == "cpu" else feed.to(self.device)

    def free(self) -> None:
        """Give back what a failed pass holds on a GPU."""
        import torch

        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def __enter__(self) -> Placed:
        if self.device != self._home:
            self.model.to(self.device)
        return self

    def __exit__(self, *_: Any) -> None:
        if self.device != self._home:
            self.model.to(self._home)
