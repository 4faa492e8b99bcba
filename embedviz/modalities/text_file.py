"""A text file on disk that is read a piece at a time, again and again, and is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embedviz.modalities.decoding import find_encoding

BLOCK = 1 << 20
#: So many characters of the beginning decide what the whole is.
HEAD = 1 << 20


@dataclass(frozen=True)
class TextFile:
    """Where the file is, how its bytes are read, and what had to be assumed for that."""

    path: Path
    name: str
    encoding: str
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: Path, name: str) -> TextFile:
        """Recognise the encoding from all of the file's bytes. InstancesError for a file that is no text."""
        return cls(path, name, *find_encoding(lambda: blocks(path), name))

    @property
    def suffix(self) -> str:
        return Path(self.name).suffix.lower()

    def head(self) -> str:
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as file:
            return file.read(HEAD).lstrip("\ufeff")

    def lines(self) -> Iterator[str]:
        """The lines with their ends, as they are: "\\r\\n", "\\n" or "\\r"."""
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as file:
            begun = False
            for line in file:
                # A file put together from several may begin with more than one mark.
                kept = line if begun else line.lstrip("\ufeff")
                begun = begun or bool(kept)
                if kept:
                    yield kept


def blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
