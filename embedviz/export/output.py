"""Where a run's vectors go: the file or files, and the folder for its parts beside them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from embedviz.errors import ExportError
from embedviz.export.formats import FORMATS
from embedviz.export.joined import Joined
from embedviz.export.shards import earlier_shards
from embedviz.export.store import JOINED, Store, full


@dataclass(frozen=True)
class Output:
    """A path whose ending is one of ``FORMATS``."""

    path: Path

    @classmethod
    def of(cls, told: str) -> Output:
        """From what a person wrote: NAME.parquet and so on, or FOLDER/ for safetensors in it. ExportError otherwise."""
        path = Path(told)
        parent = path.absolute().parent
        if not parent.is_dir():
            raise ExportError("There is no such folder", value=parent, remedy="Make it first.")
        if path.is_dir() or (told.endswith(("/", os.sep)) and not path.exists()):
            path = path / "vectors.safetensors"
        if path.suffix not in FORMATS:
            raise ExportError(
                "Embeddings cannot be written to a file of this kind",
                value=path.name,
                remedy="Use .parquet, .npy, .npz, .csv, .tsv or .safetensors, or FOLDER/ for safetensors in it.",
            )
        return cls(path)

    @property
    def parts(self) -> Path:
        """The folder for the parts."""
        return self.path.with_name(f"{self.path.name}.partial")

    def write(self, joined: Joined, store: Store) -> list[Path]:
        """Join the parts and drop them. Files appear under their names when all are whole."""
        folder = store.folder / JOINED
        try:
            folder.mkdir(exist_ok=True)
            for left in folder.iterdir():
                left.unlink()
            made = FORMATS[self.path.suffix](joined, folder, self.path.name)
            for path in made:
                # The parts are dropped below: by then what takes their place must be on the disk.
                with path.open("rb+") as file:
                    os.fsync(file.fileno())
            final = [self.path.parent / path.name for path in made]
            for stale in earlier_shards(self.path.parent / f"{self.path.name}.index.json"):
                if stale not in final:
                    stale.unlink(missing_ok=True)
            for path, target in zip(made, final, strict=True):
                os.replace(path, target)
            store.remove()
        except OSError as error:
            raise full(error, self.path, store.kept) from error
        return final
