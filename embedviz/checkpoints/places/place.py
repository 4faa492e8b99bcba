"""Where in what a person gave the model is: a folder, or one file of weights."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from embedviz.checkpoints.places import archive, search, sniff
from embedviz.checkpoints.places.listing import is_shard, is_weights_name, listing, natural
from embedviz.checkpoints.places.refused import nothing_found
from embedviz.errors import CheckpointError

#: A JSON file of a model's folder, in place of which the folder is meant.
_STANDS_FOR_FOLDER = (*search.MARKS, search.CONFIG, "tokenizer.json", "tokenizer_config.json")
_MAX_CHOICES = 200


@dataclass(frozen=True)
class Place:
    """A folder that holds a model (``file`` is None, ``kind`` "folder"), or one ``file`` of the kind ``sniff`` tells.

    ``companions`` are further folders in which a configuration or a tokenizer may be looked for, nearest first.
    """

    folder: Path
    file: Path | None
    kind: str
    name: str
    companions: tuple[Path, ...] = ()


def locate(path: Path, unpack_into: Path, *, part: str = "", keep_code: bool = False) -> Place:
    """Find the model at ``path``: a folder, a file of weights, an archive, or a folder around any of them.

    Archives go to ``unpack_into``, their Python files only with ``keep_code``. Of several models ``part`` names one,
    by the relative path that the error's ``choices`` give. A file of a format that embedviz does not open is a place
    too. Raises CheckpointError where there is nothing, several models and no ``part``, or an archive that is refused.
    """
    kind = reach(path)
    if kind == "folder":
        return _in_folder(path, unpack_into, part, keep_code)
    if sniff.KINDS[kind].role == sniff.ARCHIVE:
        return _in_archive(path, unpack_into, part, keep_code, archive.allowance(path), 1)
    if path.name in _STANDS_FOR_FOLDER:
        return _in_folder(path.absolute().parent, unpack_into, part, keep_code)
    folder = path.absolute().parent
    beside = set(listing(folder).files)
    described = is_weights_name(path.name) and not beside.isdisjoint((search.CONFIG, *search.MARKS))
    if described or is_shard(path.name):
        return _place(folder, folder, folder.name, above=True)
    return _place(path.absolute(), folder, path.stem, above=True)


def candidates(folder: Path) -> list[str]:
    """What ``locate(folder, part=…)`` opens: relative paths of models and archives in ``folder``, in natural order."""
    found = search.search(folder)
    return sorted(_names([*found.models, *found.archives], folder), key=natural)


def reach(path: Path) -> str:
    """The kind of what is at ``path``; CheckpointError where nothing can be read there."""
    try:
        path.stat()
        if path.is_dir():
            next(path.iterdir(), None)
    except PermissionError as error:
        raise CheckpointError(
            "This path may not be read by embedviz",
            value=path,
            remedy=f"Allow it: `chmod -R u+rX {path.name}` by its owner.",
            code="files.no-permission",
        ) from error
    except (OSError, ValueError) as error:
        raise _nothing_at(path) from error
    kind = sniff.kind_of(path).name
    if kind == "special":
        raise CheckpointError(
            "This is a device, a pipe or a socket, not a file",
            value=path,
            remedy="Give a file or a folder.",
            code="files.special",
        )
    return kind


def _nothing_at(path: Path) -> CheckpointError:
    hub = not path.is_absolute() and re.fullmatch(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?", path.as_posix())
    if hub and not (is_weights_name(path.name) or _is_file_name(path)):
        return CheckpointError(
            "There is nothing at this path, and embedviz downloads nothing",
            value=path,
            remedy=f"If it is a model's name on the Hugging Face hub, run `hf download {path.as_posix()} --local-dir "
            f"{path.name}` where there is a network, and give that folder.",
            code="files.no-path",
        )
    near: list[str] = []
    if path.parent.is_dir():
        names = listing(path.parent, 10_000)
        near = difflib.get_close_matches(path.name, names.files + names.folders, 3)
    remedy = f"Did you mean {' or '.join(near)}?" if near else "Check the spelling."
    return CheckpointError("There is nothing at this path", value=path, remedy=remedy, code="files.no-path")


def _is_file_name(path: Path) -> bool:
    """Does the name end as those of files do, rather than as those of models (v1.5)?"""
    return re.fullmatch(r"\.[A-Za-z]\w{1,11}", path.suffix) is not None


def _in_archive(path: Path, into: Path, part: str, keep_code: bool, most: int, nested: int) -> Place:
    """Unpack and search; an archive with nothing but one other archive in it is unpacked again, once."""
    unpacked = archive.extract(path, into / "unpacked", keep_code=keep_code, most=most)
    found = search.search(unpacked)
    if not found.models and len(found.archives) == 1 and not found.foreign and nested:
        inner = found.archives[0]
        return _in_archive(inner, into / "inner", part, keep_code, most, nested - 1)
    return _choose(found, unpacked, _without_endings(path), part, above=False)


def _in_folder(folder: Path, into: Path, part: str, keep_code: bool) -> Place:
    root = folder.absolute()
    found = search.search(root)
    chosen = _choose(found, root, root.name, part, above=True)
    if chosen.file is not None and sniff.KINDS[chosen.kind].role == sniff.ARCHIVE:
        inside = "" if part and (root / part) == chosen.file else part
        return _in_archive(chosen.file, into, inside, keep_code, archive.allowance(chosen.file), 1)
    return chosen


def _without_endings(path: Path) -> str:
    return re.sub(r"(\.(tar|tgz|tbz2?|txz|zip|gz|bz2|xz|whl))+$", "", path.name, flags=re.IGNORECASE) or path.name


def _choose(found: search.Found, root: Path, name: str, part: str, *, above: bool) -> Place:
    """The model that ``part`` names, or the only one. Models come before archives, and those before other kinds."""
    offered = found.models or found.archives or found.foreign[:1] or found.bare
    for path in found.all:
        if part and _names([path], root) == [part.strip("/")]:
            return _place(path, root, path.name, above=above)
    if not offered:
        raise nothing_found(root, name, found.kinds, found.names, found.cut)
    if len(offered) > 1:
        raise _several(sorted(_names(offered, root), key=natural), name, part)
    # With one model only, a part is for whoever opens it: it may name a piece of the file.
    return _place(offered[0], root, name, above=above)


def _names(paths: list[Path], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def _several(names: list[str], name: str, part: str) -> CheckpointError:
    if part:
        near = difflib.get_close_matches(part, names[:_MAX_CHOICES], 3)
        return CheckpointError(
            f"None of the {len(names)} models in here has this name",
            value=part,
            remedy=f"Did you mean {' or '.join(near)}?" if near else "Choose one.",
            code="files.no-such-part",
            choices=names[:_MAX_CHOICES],
        )
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return CheckpointError(
        f"There are {len(names)} models in here ({shown})",
        value=name,
        remedy="Choose one.",
        code="files.several-models",
        choices=names[:_MAX_CHOICES],
    )


def _place(path: Path, root: Path, name: str, *, above: bool) -> Place:
    folder = path if path.is_dir() else path.parent
    # A snapshot in huggingface_hub's cache is named by a hash; its model's name is further up.
    cache = next((part for part in reversed(path.parts) if part.startswith("models--")), "")
    if cache and "snapshots" in path.parts:
        name = cache.removeprefix("models--").replace("--", "/")
    near = search.companions(folder, root, above=above)
    if path == folder:
        return Place(folder, None, "folder", name, near)
    return Place(folder, path, sniff.kind_of(path).name, name, near)
