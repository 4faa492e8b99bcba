"""Vectors that are in memory, as a file to take away."""

from __future__ import annotations

import tempfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from embedviz.errors import ProjectionError
from embedviz.export.formats import FORMATS
from embedviz.export.joined import Joined
from embedviz.export.part import write_part
from embedviz.records import Embeddings, Instances
from embedviz.vectors import POSTPROCESSING, check_finite

#: The kinds of files, said for a person who has to choose.
KINDS = {
    ".npy": "NumPy, the vectors alone (.npy)",
    ".npz": "NumPy, with ids and columns (.npz)",
    ".csv": "Spreadsheet (.csv)",
    ".parquet": "Parquet",
    ".safetensors": "safetensors",
    ".tsv": "TensorBoard projector (.tsv)",
}


def why_not(embeddings: Embeddings, postprocessing: str) -> str:
    """Why vectors cannot be written after a post-processing; "" where they can. As captured they always can."""
    if postprocessing == "none":
        return ""
    try:
        check_finite(embeddings)
    except ProjectionError as error:
        return f"{error} As captured they can be taken: choose “{POSTPROCESSING['none'].label}” in the sidebar."
    return ""


def as_file(
    kind: str, embeddings: Embeddings, instances: Instances, postprocessing: str, about: dict[str, Any]
) -> tuple[str, bytes]:
    """The name and the content of a file of one of ``FORMATS``; a zip where it takes several.

    ``embeddings`` are as captured, and post-processed on the way. ``about`` says where they come from: it goes into
    the file where its kind has a place for it. ExportError where the vectors cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="embedviz-") as scratch:
        folder = Path(scratch) / "files"
        folder.mkdir()
        part = write_part(Path(scratch) / "part", instances, {embeddings.layer: embeddings})
        made = FORMATS[kind](Joined([part], postprocessing, about), folder, f"vectors{kind}")
        if len(made) == 1:
            return made[0].name, made[0].read_bytes()
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in made:
                archive.write(path, path.name)
        return "vectors.zip", packed.getvalue()
