"""What is to be opened, and what a person decided about how."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedviz.errors import CheckpointError

if TYPE_CHECKING:
    from embedviz.checkpoints.places.place import Place
    from embedviz.checkpoints.torch_save.state_dict import StateDict

#: Before the path of a module where that, and not a place in the file, is the part that is wanted.
MODULE = "module "
ARCHITECTURE = "architecture.py"
#: Before the names of what is said of a model's inputs, which is no value of its configuration.
_INPUT = "input."
#: What ``torch.save`` writes, by ``sniff``'s names.
_TORCH = ("torch", "torch-legacy")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """Decisions that a file cannot take.

    ``part`` names one of several models in a file. ``assume`` are values of the configuration that the weights do not
    tell. ``repair`` are the names of certain repairs to make ("prefix"), as findings and errors offer them. ``base``
    is the checkpoint under an adapter, ``architecture`` a Python file that defines ``build()``, ``tokenizer`` a
    folder to take the tokenizer from. ``allow_code`` lets formats through that run code of their own. Above
    ``ask_above`` bytes of memory a checkpoint is opened only where ``repair`` holds "load-large" (0: never ask).
    ``random_weights`` is a seed from 1 on: the architecture is opened with random weights in place of its own.
    """

    part: str = ""
    assume: tuple[tuple[str, Any], ...] = ()
    repair: frozenset[str] = frozenset()
    base: str = ""
    architecture: str = ""
    tokenizer: str = ""
    allow_code: bool = False
    ask_above: int = 0
    random_weights: int = 0

    @property
    def assumed(self) -> dict[str, Any]:
        """What is assumed of the configuration."""
        return {name: value for name, value in self.assume if not name.startswith(_INPUT)}

    @property
    def inputs(self) -> dict[str, Any]:
        """What is said of what the model reads: "modality", "shape", … (see ``modalities.reads``)."""
        return {name.removeprefix(_INPUT): value for name, value in self.assume if name.startswith(_INPUT)}

    def as_json(self) -> dict[str, Any]:
        """As JSON values, for a worker."""
        return {**vars(self), "assume": [list(pair) for pair in self.assume], "repair": sorted(self.repair)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Options:
        given = dict(values)
        assume = tuple((str(name), value) for name, value in given.pop("assume", ()))
        return cls(**{**given, "assume": assume, "repair": frozenset(given.pop("repair", ()))})


@dataclass(frozen=True)
class Request:
    """A place that holds a model, and how it is to be opened. ``say`` is told each step."""

    place: Place
    name: str
    say: Say
    options: Options = field(default_factory=Options)
    #: Where a format may write what it has to unpack or convert; removed when the checkpoint is closed.
    scratch: Path = Path()

    @cached_property
    def state_dict(self) -> StateDict | None:
        """The tensors in what ``torch.save`` wrote, found inertly; None where the place is something else."""
        file = self.place.file
        if file is None or self.place.kind not in _TORCH:
            return None
        from embedviz.checkpoints.torch_save.state_dict import tensors_of
        from embedviz.checkpoints.torch_save.torch_file import read_torch_file

        part = "" if self.module else self.options.part
        return tensors_of(read_torch_file(file).root, part, file.name)

    @property
    def module(self) -> str:
        """The dotted path of a part of a pickled module, where that is what was chosen."""
        part = self.options.part
        return part.removeprefix(MODULE) if part.startswith(MODULE) else ""

    @property
    def folders(self) -> list[Path]:
        """Where files that belong to the model may lie, nearest first."""
        return list(dict.fromkeys([self.place.folder, *self.place.companions]))

    @property
    def architecture(self) -> Path | None:
        """The architecture file: the one that was named, or, where code is allowed, one beside the weights."""
        beside = self.place.folder / ARCHITECTURE
        if self.options.architecture:
            return Path(self.options.architecture)
        return beside if self.options.allow_code and self.place.file is not None and beside.is_file() else None

    def require_package(self, package: str, what: str) -> None:
        """Raise CheckpointError unless an optional package is installed."""
        if importlib.util.find_spec(package) is None:
            raise CheckpointError(
                f"{what} need a package that is not installed",
                value=package,
                remedy=f"Run `pip install {package}` where embedviz runs, and start it again.",
                code="files.package-missing",
            )

    def require_code(self, what: str) -> None:
        """Raise CheckpointError unless code may be run."""
        if not self.options.allow_code:
            raise CheckpointError(
                f"{what} runs program code when it is opened, which this server does not allow",
                value=self.name,
                remedy="Have the server started with `--allow-code`, for files whose sender you trust.",
                code="files.code",
                why="Code in a file can do whatever the person who starts it can do.",
            )
