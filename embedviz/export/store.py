"""Where the parts of a long run are kept until it is complete: ``vectors.parquet.partial/`` beside ``vectors.parquet``.

Each chunk of instances is a part file, written under another name and renamed when it is whole, so that whatever ends
the run (Ctrl-C, kill -9, a full disk, a power cut) leaves whole parts and at most one that is thrown away. A manifest
says what the parts are of; a run goes on only with parts of the same. The parts hold the vectors as the layer gave
them: post-processing is decided when they are joined, and may be another when the run goes on.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from embedviz.errors import ExportError
from embedviz.export.part import Part, write_part
from embedviz.records import Embeddings, Instances

MANIFEST, _LOCK, JOINED = "manifest.json", "lock", "joined"
_OURS = re.compile(r"(part-\d{6}\.parquet|manifest\.json)(\.\d+\.tmp)?|lock")
#: What the settings in a manifest are called when one of them differs.
NAMES = {
    "checkpoint": "the checkpoint",
    "layers": "the layers",
    "pooling": "the pooling",
    "prompt": "what is put before each text",
    "sha256": "the content of the file of instances",
    "size": "the size of the file of instances",
    "text": "the column of texts",
    "columns": "the columns",
    "chunk": "the size of a chunk",
    "embedviz": "embedviz' version",
    "torch": "torch's version",
    "transformers": "transformers' version",
}


class Store:
    """The parts of one run, numbered from 1, in a folder that comes into being with the first of them.

    Use it in ``with``, which keeps other processes out. Raises ExportError where the folder holds the parts of another
    run (and ``restart`` does not say that they may go), is no such folder at all, or is in use.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], *, restart: bool = False) -> None:
        self.folder = folder
        self.settings = json.loads(json.dumps(settings))
        self._restart = restart
        self._lock: int | None = None
        self._parts: dict[int, Part] = {}
        #: Numbers of parts that were there but not whole.
        self.damaged: list[int] = []

    def __enter__(self) -> Store:
        if self.folder.exists():
            try:
                self._take()
                self._resume()
            except BaseException:
                self._release()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        self._release()

    @property
    def kept(self) -> int:
        """How many rows the parts have together."""
        return sum(part.rows for part in self._parts.values())

    @property
    def parts(self) -> list[Part]:
        return [self._parts[number] for number in sorted(self._parts)]

    def has(self, number: int, rows: int) -> bool:
        """Whether part ``number`` is there, whole and of so many rows."""
        return number in self._parts and self._parts[number].rows == rows

    def write(self, number: int, instances: Instances, captured: Mapping[str, Embeddings]) -> None:
        """Add a part: ``captured`` maps a layer's path to its embeddings of ``instances``."""
        try:
            if self._lock is None:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._take()
                self._write_manifest()
            self._parts[number] = write_part(self._path(number), instances, captured)
        except OSError as error:
            raise full(error, self.folder, self.kept) from error

    def remove(self) -> None:
        """Delete the folder. The manifest goes first: without it, what is left is nobody's."""
        for path in sorted(self.folder.iterdir(), key=lambda path: path.name != MANIFEST):
            if path.name == JOINED:
                for made in path.iterdir():
                    made.unlink()
                path.rmdir()
            elif _OURS.fullmatch(path.name) and path.name != _LOCK:
                path.unlink()
        self._parts.clear()
        self._release()
        with suppress(OSError):  # somebody put a file of their own there
            (self.folder / _LOCK).unlink(missing_ok=True)
            self.folder.rmdir()

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:06}.parquet"

    def _resume(self) -> None:
        """Take over what an earlier run left, or clear it away."""
        strange = [
            path.name for path in self.folder.iterdir() if not (_OURS.fullmatch(path.name) or path.name == JOINED)
        ]
        manifest = self._manifest()
        if strange and manifest is None:
            raise ExportError(
                "The folder for the parts of the vectors holds something else",
                value=self.folder / strange[0],
                remedy="Move it away, or choose another --out.",
            )
        if manifest is not None and not self._restart:
            self._require_same(manifest)
            for path in sorted(self.folder.glob("part-??????.parquet")):
                number = int(path.name[5:11])
                part = Part.read(path)
                if part is None:
                    self.damaged.append(number)
                else:
                    self._parts[number] = part
        for path in self.folder.iterdir():
            ours = _OURS.fullmatch(path.name)
            whole = path in {part.path for part in self._parts.values()} or path.name == _LOCK
            if ours and not whole:
                path.unlink()
        self._write_manifest()

    def _manifest(self) -> dict[str, Any] | None:
        try:
            manifest = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return manifest if isinstance(manifest, dict) else None

    def _write_manifest(self) -> None:
        made = self.folder / f"{MANIFEST}.{os.getpid()}.tmp"
        made.write_text(json.dumps(self.settings, indent=2, ensure_ascii=False), encoding="utf-8")
        os.replace(made, self.folder / MANIFEST)

    def _require_same(self, manifest: dict[str, Any]) -> None:
        differ = [name for name in self.settings if manifest.get(name) != self.settings[name]]
        if not differ:
            return
        told = [
            f"{NAMES.get(name, name)} ({_short(manifest.get(name))}, now {_short(self.settings[name])})"
            for name in differ
        ]
        raise ExportError(
            f"An unfinished run with other settings is kept there; what differs: {'; '.join(told)}",
            value=self.folder,
            remedy="Give --restart to throw it away and begin anew, or choose another --out.",
        )

    def _take(self) -> None:
        """Keep other processes out, where the system and the file system have locks."""
        self._lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            import fcntl

            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ExportError(
                "Another run is writing there", value=self.folder, remedy="Wait for it, or choose another --out."
            ) from error
        except (ImportError, OSError):
            pass

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def full(error: OSError, folder: Path, kept: int) -> ExportError:
    """What to say when the disk is full, or may not be written to."""
    return ExportError(
        f"The vectors cannot be written ({error.strerror or error})",
        value=folder,
        remedy=f"Make room, or see to it that the folder can be written to, and run the same command again: {kept:,} "
        "are kept.",
    )


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
