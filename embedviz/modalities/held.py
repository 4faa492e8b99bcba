"""Instances that are in memory already, given on a piece at a time as a stream of texts is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from embedviz.errors import InstancesError
from embedviz.modalities.brought import Brought
from embedviz.modalities.images import images_from_files, images_from_folder, without
from embedviz.modalities.tensors import tensors_from_file
from embedviz.records import Instances, Reads


@dataclass(frozen=True)
class HeldInstances:
    """Tensors or pictures, ``chunk`` at a time, with what a run wants to know of the file they are from.

    ``text`` is what the column is called that says which instance a row is of.
    """

    name: str
    size: int
    sha256: str
    instances: Instances
    chunk: int
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.instances.item_name

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.text, *self.instances.columns)

    @property
    def total(self) -> int:
        return len(self.instances) + self.instances.dropped

    def __iter__(self) -> Iterator[Instances]:
        whole = self.instances
        for start in range(0, len(whole), self.chunk):
            rows = slice(start, start + self.chunk)
            yield replace(
                whole,
                items=whole.items[rows],
                ids=whole.ids[rows],
                columns={name: values[rows] for name, values in whole.columns.items()},
                # Counted once, with the first piece.
                dropped=whole.dropped if start == 0 else 0,
            )


def hold(path: Path, reads: Reads, chunk: int, name: str = "") -> HeldInstances:
    """The tensors in a file, or the pictures in a file, a zip or a folder, as the model reads them.

    Raises InstancesError for a file that cannot be read or holds nothing of the kind.
    """
    name = name or path.name
    try:
        brought = _pictures(path, name) if reads.modality == "images" else _tensors(path, name, reads)
    except OSError as error:
        raise InstancesError(
            f"The instances cannot be read ({error.strerror})", value=path, remedy="Check the path."
        ) from error
    instances = brought.instances
    size = sum(len(item.data) for item in instances.items)
    return HeldInstances(name, size, instances.fingerprint, instances, chunk, brought.notes)


def _tensors(path: Path, name: str, reads: Reads) -> Brought:
    return tensors_from_file(path.read_bytes(), name, reads)


def _pictures(path: Path, name: str) -> Brought:
    from embedviz.modalities.pixels import check

    brought = images_from_folder(path) if path.is_dir() else images_from_files([(name, path.read_bytes())])
    return without(brought, check(brought.instances.items))
