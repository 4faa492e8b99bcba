"""What lies in a folder: models, archives of models, models of other kinds. Bounded, however large the folder is."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

from embedviz.checkpoints.places import sniff
from embedviz.checkpoints.places.listing import (
    MAX_ENTRIES,
    WEIGHT_SUFFIXES,
    Listing,
    is_leftover,
    is_shard,
    is_weights_name,
    listing,
)
from embedviz.checkpoints.places.refused import foreign_folder

#: Each of these makes a folder a model's own, whatever else is in it.
MARKS = ("modules.json", "adapter_config.json", "model.safetensors.index.json", "pytorch_model.bin.index.json")
CONFIG = "config.json"
#: A file in a folder of its own beside the weights is looked for under these names.
HELPERS = (
    CONFIG,
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)
MAX_DEPTH = 6
#: Files whose bytes are looked at: of those named as weights are, and of all others.
MAX_LIKELY, MAX_UNLIKELY = 2_000, 500
#: In place of weights: worth explaining where the file's name promises weights.
_EMPTIED = {"lfs-pointer", "xet-pointer", "html", "empty", "zeros"}
_HASH = re.compile(r"[0-9a-f]{7,64}")

#: What a compressed file is called, without its last ending, where a model may be in it (and not data.csv).
_WORTH_UNPACKING = {"", ".tar", *WEIGHT_SUFFIXES}


@dataclass
class Found:
    """Paths of ``models`` topmost first, ``inner`` ones within another's folder (checkpoint-500), ``archives``,
    ``foreign`` models of formats that embedviz does not open, and ``bare`` folders with a config.json alone. ``kinds``
    counts every file looked at (``looked``: named as weights are or not), and ``names`` are the first of all files.
    ``cut``: there was more than was looked at."""

    models: list[Path] = field(default_factory=list)
    inner: list[Path] = field(default_factory=list)
    archives: list[Path] = field(default_factory=list)
    foreign: list[Path] = field(default_factory=list)
    bare: list[Path] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    names: list[str] = field(default_factory=list)
    looked: Counter[bool] = field(default_factory=Counter)
    entries: int = 0
    cut: bool = False

    @property
    def all(self) -> list[Path]:
        """Everything that a person may name."""
        return [*self.models, *self.inner, *self.archives, *self.foreign, *self.bare]


def search(root: Path) -> Found:
    """Look through ``root``, at most six folders deep. Links to files are followed, links to folders are not."""
    found = Found()
    waiting: deque[tuple[Path, int, bool]] = deque([(root, 0, False)])
    while waiting:
        folder, depth, inside = waiting.popleft()
        listed = listing(folder, MAX_ENTRIES - found.entries)
        found.entries += len(listed.files) + len(listed.folders)
        found.cut |= listed.cut
        found.names += [_relative(folder / name, root) for name in listed.files[: max(0, 12 - len(found.names))]]
        below = [name for name in listed.folders if not name.startswith((".", "__"))]
        if folder.name.startswith("models--") and "snapshots" in below:
            below = _snapshots(folder)
        elif _look(folder, listed, found, inside):
            below = [name for name in below if re.fullmatch(r"checkpoint-\d+", name)]
            inside = True
        if depth < MAX_DEPTH:
            waiting.extend((folder / name, depth + 1, inside) for name in below)
        else:
            found.cut |= bool(below)
    return found


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _snapshots(cache: Path) -> list[str]:
    """The snapshot that main stands for, or all of them (huggingface_hub's cache: blobs, refs, snapshots)."""
    try:
        with (cache / "refs" / "main").open("rb") as opened:
            main = opened.read(64).decode("ascii", "replace").strip()
    except OSError:
        main = ""
    if _HASH.fullmatch(main) and (cache / "snapshots" / main).is_dir():
        return [f"snapshots/{main}"]
    return [f"snapshots/{name}" for name in listing(cache / "snapshots", 1000).folders]


def _look(folder: Path, listed: Listing, found: Found, inside: bool) -> bool:
    """Note what ``folder`` holds; true where the folder as a whole is one model."""
    models = found.inner if inside else found.models
    names = set(listed.files)
    weights = any(is_weights_name(name) for name in listed.files)
    if names & set(MARKS) or (CONFIG in names and weights):
        models.append(folder)
        return True
    if foreign_folder(names, set(listed.folders)) or any(is_shard(name) for name in names):
        found.foreign.append(folder)
        return True
    own: dict[str, list[Path]] = {role: [] for role in (sniff.MODEL, sniff.FOREIGN, sniff.ARCHIVE, sniff.OTHER)}
    for name in sorted(listed.files, key=lambda name: Path(name).suffix.lower() not in WEIGHT_SUFFIXES):
        if role := _role(folder / name, found):
            own[role].append(folder / name)
    models += own[sniff.MODEL]
    found.archives += own[sniff.ARCHIVE]
    if CONFIG in names and not own[sniff.MODEL]:
        (found.foreign if own[sniff.FOREIGN] else found.bare).append(folder)
    elif not own[sniff.MODEL]:
        found.foreign += own[sniff.FOREIGN]
    return False


def _role(file: Path, found: Found) -> str:
    """The role that ``file`` plays, "" for one of the many files that are no models."""
    if is_leftover(file.name):
        return ""
    likely = file.suffix.lower() in WEIGHT_SUFFIXES
    if found.looked[likely] >= (MAX_LIKELY if likely else MAX_UNLIKELY):
        found.cut = True
        return ""
    found.looked[likely] += 1
    kind = sniff.kind_of(file)
    found.kinds[kind.title.partition(";")[0]] += 1
    if kind.name in _EMPTIED and likely:
        return sniff.FOREIGN
    if kind.name in ("gzip", "bzip2", "xz") and Path(file.stem).suffix.lower() not in _WORTH_UNPACKING:
        return ""
    return "" if kind.role == sniff.OTHER else kind.role


def companions(folder: Path, root: Path, *, above: bool) -> tuple[Path, ...]:
    """Folders with a configuration or a tokenizer that may belong to a model in ``folder``, nearest first.

    They are its own subfolders, the folders around it up to ``root`` with their subfolders, and with ``above`` the
    one around ``root``. Subfolders with weights of their own are other models'.
    """
    around = [folder, *folder.parents]
    last = around.index(root) + 1 if root in around else 1
    near: list[Path] = []
    for place in around[:last]:
        children = [place / name for name in listing(place, 2_000).folders[:100] if not re.match(r"[.]|\d+_", name)]
        near += [place, *(child for child in children if child not in around and not _has_weights(child))]
    near += around[last : last + 1] if above else []
    return tuple(place for place in near if place != folder and any((place / name).is_file() for name in HELPERS))


def _has_weights(folder: Path) -> bool:
    return any(Path(name).suffix in WEIGHT_SUFFIXES for name in listing(folder, 2_000).files)
