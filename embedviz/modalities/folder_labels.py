"""What the folders of files say about them: their classes, and the part of a data set they belong to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

#: Folders that split a data set rather than name a class.
_SPLITS = frozenset(("train", "training", "test", "testing", "val", "valid", "validation", "dev"))


def natural(path: str) -> list[tuple[int, int, str]]:
    """A key that sorts cat2 before cat10."""
    return [
        (0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part.casefold())
        for part in re.split(r"([0-9]{1,9})", path)
        if part
    ]


def shortened(paths: Sequence[str]) -> list[str]:
    """The paths without the folders that all of them share."""
    parts = [_parts(path) for path in paths]
    common = _common(parts)
    return ["/".join(each[common:]) for each in parts]


def labelled(paths: Sequence[str]) -> dict[str, tuple[str | None, ...]]:
    """The column "label", the first folder that differs, where there is more than one; before it "split", where the
    first folders are train, test and the like."""
    parts = [_parts(path) for path in paths]
    common = _common(parts)
    folders = [each[common:-1] for each in parts]
    columns: dict[str, tuple[str | None, ...]] = {}
    if all(each and each[0].casefold() in _SPLITS for each in folders) and any(len(each) > 1 for each in folders):
        columns["split"] = tuple(each[0] for each in folders)
        folders = [each[1:] for each in folders]
    labels = tuple(each[0] if each else None for each in folders)
    if len(set(labels)) > 1:
        columns["label"] = labels
    return columns


def _parts(path: str) -> tuple[str, ...]:
    return PurePosixPath(path.replace("\\", "/")).parts or (path,)


def _common(parts: Sequence[tuple[str, ...]]) -> int:
    """How many folders all paths begin with."""
    first = parts[0][:-1] if parts else ()
    count = len(first)
    for each in parts:
        count = min(count, len(each) - 1)
        while each[:count] != first[:count]:
            count -= 1
    return count
