"""Pictures: from uploaded files, zips of them, or a folder to instances. Nothing is decoded here: see pixels.py."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from embedviz.errors import InstancesError, printable
from embedviz.modalities.brought import Brought
from embedviz.modalities.folder_labels import labelled, natural, shortened
from embedviz.modalities.names import distinct
from embedviz.modalities.picture_kinds import is_picture, is_zip, other_kind
from embedviz.modalities.picture_zip import pictures_in
from embedviz.records import ImageItem, Instances

__all__ = ["images_from_files", "images_from_folder", "without"]

MOST_PICTURES = 10_000
MOST_EACH, MOST_BYTES = 32 * 2**20, 512 * 2**20
_REMEDY = "Bring PNG, JPEG or WebP pictures, or a zip of them."
#: What other programs put beside pictures; nobody misses it.
_CLUTTER = ("__macosx", ".ds_store", "thumbs.db", "desktop.ini")


def images_from_files(files: Sequence[tuple[str, bytes]], name: str = "") -> Brought:
    """Uploaded files, (name, bytes) each, as pictures: PNG, JPEG, WebP, GIF, BMP, and zips of these, told by their
    bytes. Folders within a zip become labels where there is more than one.

    What is no picture is left out, counted in ``dropped`` and named in the notes. InstancesError where nothing is left.
    """
    zips = sum(is_zip(data) for _, data in files)
    found: list[tuple[str, bytes]] = []
    left_out: list[tuple[str, str]] = []
    for path, data in files:
        if is_zip(data):
            # Of several zips each is a group of its own; a single one is only a wrapping.
            top = f"{Path(path).stem}/" if zips > 1 else ""
            inner, refused = pictures_in(path, data, MOST_EACH, MOST_BYTES)
            found += [(top + within, content) for within, content in inner]
            left_out += refused
        else:
            found.append((path, data))
    return _instances(found, left_out, name or (files[0][0] if len(files) == 1 else "pictures"))


def images_from_folder(folder: Path, name: str = "") -> Brought:
    """The pictures below ``folder`` in the order of their names; its folders become labels where there is more than
    one. Links to folders are not followed. InstancesError where there is no picture."""
    if not folder.is_dir():
        raise InstancesError("There is no such folder", value=folder, remedy="Give a folder of pictures.")
    left_out: list[tuple[str, str]] = []
    return _instances(_read(folder, left_out), left_out, name or folder.resolve().name)


def _read(folder: Path, left_out: list[tuple[str, str]]) -> Iterator[tuple[str, bytes]]:
    """The files below ``folder`` one by one; only one that begins as a picture does is read whole."""
    paths = [Path(top, file) for top, _, files in os.walk(folder) for file in files]
    for path in sorted(paths, key=lambda path: natural(path.relative_to(folder).as_posix())):
        within = path.relative_to(folder).as_posix()
        try:
            if not path.is_file():  # a pipe would be waited for
                continue
            with path.open("rb") as opened:
                head = opened.read(512)
                yield within, head + opened.read(MOST_EACH + 1) if is_picture(head) else head
        except OSError:
            left_out.append((within, "cannot be read"))


def without(brought: Brought, reasons: Sequence[str]) -> Brought:
    """``brought`` less the pictures with a reason against them (one text a picture, "" for none), which are counted in
    ``dropped`` and named in a note. InstancesError where nothing is left."""
    instances = brought.instances
    kept = [place for place, reason in enumerate(reasons) if not reason]
    left_out = [(str(instances.items[place]), reason) for place, reason in enumerate(reasons) if reason]
    if not kept:
        raise _nothing(left_out, instances.name)
    columns = {name: tuple(values[place] for place in kept) for name, values in instances.columns.items()}
    label = instances.label if instances.label and any(columns[instances.label]) else None
    smaller = replace(
        instances,
        items=tuple(instances.items[place] for place in kept),
        ids=tuple(instances.ids[place] for place in kept),
        columns=columns,
        label=label,
        dropped=instances.dropped + len(left_out),
    )
    return Brought(smaller, (*brought.notes, *_said(left_out)))


def _instances(found: Iterable[tuple[str, bytes]], left_out: list[tuple[str, str]], name: str) -> Brought:
    kept: list[tuple[str, bytes]] = []
    total = 0
    for path, data in found:
        why = _why_not(path, data, len(kept), total + len(data))
        if why is None:
            kept.append((printable(path, 300), data))
            total += len(data)
        elif why:
            left_out.append((path, why))
    if not kept:
        raise _nothing(left_out, name)
    paths = [path for path, _ in kept]
    columns = labelled(paths)
    names = distinct(shortened(paths))
    return Brought(
        Instances(
            items=tuple(ImageItem(data, given) for given, (_, data) in zip(names, kept, strict=True)),
            ids=tuple(names),
            columns=columns,
            label="label" if "label" in columns else None,
            name=name,
            dropped=len(left_out),
            modality="images",
        ),
        _said(left_out),
    )


def _why_not(path: str, data: bytes, count: int, total: int) -> str | None:
    """Why a file is left out, "" where nobody needs to know; None where it is kept."""
    parts = path.casefold().split("/")
    if any(part in _CLUTTER or part.startswith("._") for part in parts):
        return ""
    if not is_picture(data):
        return other_kind(data)
    if len(data) > MOST_EACH:
        return f"larger than {MOST_EACH // 2**20} MiB"
    if count >= MOST_PICTURES:
        return f"beyond the first {MOST_PICTURES:,} pictures"
    return f"beyond {MOST_BYTES // 2**20} MiB of pictures" if total > MOST_BYTES else None


def _said(left_out: list[tuple[str, str]]) -> tuple[str, ...]:
    """One sentence on what was left out, the first names for each reason."""
    if not left_out:
        return ()
    reasons: dict[str, list[str]] = {}
    for path, reason in left_out:
        reasons.setdefault(reason, []).append(printable(path, 100))
    told = [f"{_few(names)} ({reason})" for reason, names in reasons.items()]
    files = "1 file was" if len(left_out) == 1 else f"{len(left_out):,} files were"
    return (f"{files} left out: {'; '.join(told[:8])}.",)


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def _nothing(left_out: list[tuple[str, str]], name: str) -> InstancesError:
    said = _said(left_out)
    return InstancesError(
        "There is no picture that can be used", value=said[0].rstrip(".") if said else name or None, remedy=_REMEDY
    )
