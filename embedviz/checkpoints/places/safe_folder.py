"""The folder that an archive is unpacked into: nothing leaves it, takes another's place in it or makes it too large."""

from __future__ import annotations

import os
import posixpath
import unicodedata
from pathlib import Path
from typing import Protocol

from embedviz.errors import CheckpointError

MAX_ENTRIES = 5_000
MAX_DEPTH = 16
MAX_PATH = 1024
_MAX_NAME = 255
_CHUNK = 2**20
#: Left out: what macOS adds to archives.
_CLUTTER = ("__MACOSX", ".DS_Store")


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


def refused(what: str, value: str, remedy: str, code: str = "files.hostile-archive") -> CheckpointError:
    return CheckpointError(what, value=value, remedy=remedy, code=code)


class SafeFolder:
    """The folder that is filled: checks every name, counts every byte, and makes links into files at the end."""

    def __init__(self, archive: Path, into: Path, most: int, keep_code: bool) -> None:
        self.archive, self.into, self.most, self.keep_code = archive, into, most, keep_code
        self.word = "archive"
        self.entries = self.bytes = 0
        self._files: dict[str, str] = {}
        self._folders: set[str] = set()
        self._links: dict[str, str] = {}

    def count_entry(self) -> None:
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            raise self.too_many(f"more than {MAX_ENTRIES:,} files")

    def too_many(self, how_many: str) -> CheckpointError:
        return refused(
            f"This {self.word} holds {how_many}",
            self.archive.name,
            "Pack only the model's own folder.",
            "files.too-many",
        )

    def too_large(self, size: int, more: bool = False) -> CheckpointError:
        return refused(
            f"This {self.word} would unpack to {'more than ' if more else ''}{size / 2**20:,.0f} MiB, "
            "which no model packed like this does",
            self.archive.name,
            "Pack only the model's own folder.",
            "files.too-large",
        )

    def path(self, name: str) -> str | None:
        """``name`` as a relative path that is safe to write to; None for a file that is left out."""
        name = name.replace("\\", "/")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts or (parts and ":" in parts[0]):
            raise refused(f"This {self.word} tries to write outside its own folder", name, "Do not trust its sender.")
        clean = "/".join(parts)
        too_long = len(parts) > MAX_DEPTH or len(clean.encode("utf-8", "replace")) > MAX_PATH
        if not parts or too_long or any(len(part.encode("utf-8", "replace")) > _MAX_NAME for part in parts):
            raise refused(
                f"This {self.word} holds a file whose name is {'empty' if not parts else 'too long or too deep'}",
                name[:80],
                "Pack only the model's own folder.",
            )
        if any(ord(letter) < 32 or 0xD800 <= ord(letter) < 0xE000 for letter in clean):
            raise refused(f"This {self.word} holds a file name with control characters", ascii(name[:80]), "Rename it.")
        if any(part in _CLUTTER or part.startswith("._") for part in parts):
            return None
        return None if clean.lower().endswith(".py") and not self.keep_code else clean

    def claim(self, path: str) -> None:
        """One name, one file: also where a disk takes two names for one (A and a, é in two spellings)."""
        key = _key(path)
        parents = {_key(path[:at]) for at, letter in enumerate(path) if letter == "/"}
        if key in self._files or key in self._folders or parents & self._files.keys():
            raise refused(f"This {self.word} holds two files of the same name", path, "Pack the folder again.")
        self._files[key] = path
        self._folders |= parents

    def write(self, path: str, source: _Source, size: int | None = None) -> None:
        """Copy ``source``, which may give no more than ``size`` bytes (None: as many as the whole may have)."""
        self.claim(path)
        target = self.into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        left = size
        with target.open("xb") as out:
            while chunk := source.read(_CHUNK):
                self.bytes += len(chunk)
                if self.bytes > self.most:
                    raise self.too_large(self.most, more=True)
                if left is not None and (left := left - len(chunk)) < 0:
                    raise refused(
                        f"A file in this {self.word} is larger than the {self.word} says", path, "Pack it again."
                    )
                out.write(chunk)

    def link(self, path: str, target: str) -> None:
        """Remember a link; ``target`` is relative to the archive's root. Files are put in place of links at the end."""
        goal = posixpath.normpath(target.replace("\\", "/"))
        if goal.startswith(("/", "..")) or ":" in goal.split("/")[0] or "\0" in goal:
            raise refused(
                f"This {self.word} holds a link that leads out of it",
                f"{path} → {target[:200]}",
                "Pack the files themselves (zip without -y, tar with -h).",
            )
        self.claim(path)
        self._links[path] = goal

    def link_up(self) -> None:
        """Put the files in place of the links to them. A link to a folder is left out."""
        for path, goal in self._links.items():
            for _ in range(MAX_DEPTH):
                goal = self._links.get(goal, goal)
            target = self.into / goal
            if goal in self._links or not (target.is_file() or target.is_dir()):
                if self.path(goal) is None:
                    continue
                raise refused(
                    f"This {self.word} holds a link to a file that is not in it",
                    f"{path} → {goal}",
                    "Pack the files themselves (zip without -y, tar with -h).",
                    "files.broken-link",
                )
            if target.is_file():
                (self.into / path).parent.mkdir(parents=True, exist_ok=True)
                os.link(target, self.into / path)


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
