"""Pictures in a script: read, turned upright, and brought to what the model reads."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embedviz.errors import ExportError
from embedviz.export.script.arrays import named_input, of_its_type
from embedviz.export.script.draft import MOST_LETTERS, Part, block, listed, short
from embedviz.export.script.given import Asked, Given, ids_of, keywords, too_much
from embedviz.modalities.image_processor import process
from embedviz.modalities.image_reads import FILE, channels_of
from embedviz.records import ImageItem

if TYPE_CHECKING:
    from embedviz.checkpoints import Checkpoint

_BUDGET, _MOST = 2_000_000, 64
#: EXIF's number for how a picture is turned; and that for one that stands.
_TURN, _UPRIGHT = 0x0112, 1


def images(asked: Asked) -> Given:
    """Pictures, through the checkpoint's own image processor or as a model without one reads them."""
    checkpoint = asked.checkpoint
    sides = [side or 224 for side in checkpoint.inputs.shape]
    size = max(1, min(_MOST, _BUDGET // int(np.prod(sides))))
    held = _held(asked)
    own = _processor(asked) if checkpoint.processor is not None else Part(functions=(_prepare(asked),))
    through = checkpoint.processor is not None

    def batch(rows: str) -> list[str]:
        decoded = f"[decode(data) for data in {rows}]"
        made = (
            f"processor(images={decoded}, return_tensors='pt')['pixel_values']"
            if through
            else f"torch.from_numpy(np.stack([prepare(decode(data)) for data in {rows}]))"
        )
        turned = f".movedim(0, {checkpoint.inputs.batch_axis}).contiguous()" if checkpoint.inputs.batch_axis else ""
        return [
            f"batch = {made}{_as_float(asked) if through else ''}{turned}{of_its_type(asked)}",
            f"model({named_input(asked)}batch{keywords(checkpoint)})",
        ]

    functions = (*held.functions, _decode(asked), *own.functions)
    part = Part(held.constants, functions, (*held.body, *own.body), (*held.files, *own.files))
    return Given("PICTURES", size, batch, ids_of(asked.instances, "PICTURES"), part=part)


def _as_float(asked: Asked) -> str:
    """A processor may make numbers of twice the length."""
    from embedviz.modalities.pixels import decode

    processor = asked.checkpoint.processor
    picture = decode(asked.instances.items[0]).convert(_mode(asked.checkpoint))
    made = processor(images=[picture], return_tensors="np")["pixel_values"]
    return "" if np.asarray(made).dtype == np.float32 else ".float()"


def _mode(checkpoint: Checkpoint) -> str:
    reads = checkpoint.inputs
    channels = channels_of(checkpoint.processor) if checkpoint.processor is not None else reads.shape[0]
    return "L" if channels == 1 else "RGB"


def _decode(asked: Asked) -> str:
    """The function that makes a picture of a file's bytes, with the turns and depths that these files have."""
    from PIL import Image

    opened = [Image.open(_bytes(item)) for item in asked.instances.items]
    mode = _mode(asked.checkpoint)
    lines = ["picture = Image.open(io.BytesIO(data))"]
    if any(picture.mode.startswith(("I", "F")) for picture in opened):
        lines += [
            "if picture.mode.startswith(('I', 'F')):  # 16 bits of grey, of which Pillow would cut the upper half off",
            "    wide = np.asarray(picture).astype(np.float64).clip(0, 65_535)",
            "    picture = Image.fromarray((wide / 257).round().astype(np.uint8))",
        ]
    if any(picture.getexif().get(_TURN, _UPRIGHT) != _UPRIGHT for picture in opened):
        lines.append("picture = ImageOps.exif_transpose(picture)  # as its camera was held")
    lines.append("return picture.convert('RGB').convert('L')" if mode == "L" else "return picture.convert('RGB')")
    return block("def decode(data: bytes) -> Image.Image:", lines)


def _bytes(item: ImageItem) -> Any:
    import io

    return io.BytesIO(item.data)


def _processor(asked: Asked) -> Part:
    """The lines that make ``processor``. ExportError where transformers makes another of the same files."""
    request = asked.places.request
    folders = [request.place.folder / asked.checkpoint.inside, *request.folders]
    pairs = [(folder, folder / name) for folder in folders for name in (FILE, "processor_config.json")]
    folder, file = next((pair for pair in pairs if pair[1].is_file()), (None, None))
    if folder is None or file is None or not _same(asked, folder):
        raise ExportError(
            "transformers makes another image processor of this folder than the one that was used",
            value=asked.checkpoint.name,
            remedy="Save the processor anew (`processor.save_pretrained(folder)`), or give tensors.",
        )
    line = (
        f"processor = transformers.AutoImageProcessor.from_pretrained({asked.places.name(folder)}, backend='pil', "
        "local_files_only=True)"
    )
    return Part(body=(line,), files=(file,))


def _same(asked: Asked, folder: Path) -> bool:
    """Whether a plain reading of the folder gives the same pixels of the first picture."""
    from transformers import AutoImageProcessor

    try:
        made = AutoImageProcessor.from_pretrained(folder, backend="pil", local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, ImportError):
        return False
    some = asked.instances.items[:1]
    alike = made.to_dict() == asked.checkpoint.processor.to_dict()
    return alike and np.array_equal(process(made, some), process(asked.checkpoint.processor, some))


def _prepare(asked: Asked) -> str:
    """The function that brings a picture to the sizes and the scale of a model without a processor."""
    reads = asked.checkpoint.inputs
    grey = reads.shape[0] == 1
    height, width = (reads.shape[place] or reads.shape[3 - place] or 224 for place in (1, 2))
    lines = []
    if not grey and _cropped(asked, height, width):
        lines += [
            "# The side that is short of the wanted shape fits; of the other the middle is kept.",
            f"wide, high = picture.size[0] * {height}, picture.size[1] * {width}",
            f"whole = ({width}, high // picture.size[0]) if wide < high else (wide // picture.size[1], {height})",
            "picture = picture.resize(whole, Image.Resampling.BILINEAR)",
            f"left, top = (whole[0] - {width}) // 2, (whole[1] - {height}) // 2",
            f"picture = picture.crop((left, top, left + {width}, top + {height}))",
        ]
    else:
        lines.append(f"picture = picture.resize(({width}, {height}), Image.Resampling.BILINEAR)")
    lines.append(f"pixels = np.asarray(picture, np.float32){'[None]' if grey else '.transpose(2, 0, 1)'} / 255")
    mean, std = ([short(np.float32(value)) for value in values] for values in (reads.mean, reads.std))
    if any(value != 0 for value in mean):
        lines.append(f"pixels -= np.array({mean}, np.float32)[:, None, None]")
    if any(value != 1 for value in std):
        lines.append(f"pixels /= np.array({std}, np.float32)[:, None, None]")
    return block("def prepare(picture: Image.Image) -> np.ndarray:", [*lines, "return pixels"])


def _cropped(asked: Asked, height: int, width: int) -> bool:
    from embedviz.modalities.pixels import decode

    sizes = (decode(item).size for item in asked.instances.items)
    return any(wide * height != high * width for wide, high in sizes)


def _held(asked: Asked) -> Part:
    """The lines that make ``PICTURES``, the bytes of each file."""
    items, source = asked.instances.items, asked.places.source
    files = _found(source.instances, items) if source.instances is not None else None
    if files is not None and source.instances is not None:
        where = f"INSTANCES = {source.literal(source.instances)}"
        return _zip(where, source.instances, files) if source.instances.is_file() else _many(where, files, items)
    written = [base64.b64encode(item.data).decode() for item in items]
    if sum(map(len, written)) > MOST_LETTERS:
        raise too_much("pictures")
    return Part((listed("ENCODED", written), "PICTURES = [base64.b64decode(text) for text in ENCODED]"))


def _found(place: Path, items: tuple[ImageItem, ...]) -> list[str] | None:
    """The name of each picture in a folder or a zip; [""] for a lone file; None where one is not there."""
    if place.is_file() and len(items) == 1 and place.read_bytes() == items[0].data:
        return [""]
    if place.is_file() and not zipfile.is_zipfile(place):
        return None
    names: dict[str, list[str]] = {}
    for name, data in _zipped(place) if place.is_file() else _files(place):
        names.setdefault(_sum(data), []).append(name)
    found = [names.get(_sum(item.data), []) for item in items]
    # Of equal pictures each has its own name, and any will do.
    chosen = [
        next((name for name in each if name.endswith(item.name)), each[0] if each else None)
        for each, item in zip(found, items, strict=True)
    ]
    return [name for name in chosen if name is not None] if all(found) else None


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _zipped(place: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(place) as opened:
        for entry in opened.infolist():
            if not entry.is_dir():
                yield entry.filename, opened.read(entry)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file.relative_to(folder).as_posix(), file.read_bytes()


def _zip(where: str, file: Path, names: list[str]) -> Part:
    if names == [""]:
        return Part((where,), body=("PICTURES = [INSTANCES.read_bytes()]",), files=(file,))
    lines = "with zipfile.ZipFile(INSTANCES) as packed:\n    PICTURES = [packed.read(name) for name in NAMES]"
    return Part((where, listed("NAMES", names)), body=(lines,), files=(file,))


def _many(where: str, names: list[str], items: tuple[ImageItem, ...]) -> Part:
    """The pictures of a folder, checked all together."""
    digest = _sum(b"".join(item.data for item in items))
    body = (
        "PICTURES = [(INSTANCES / name).read_bytes() for name in NAMES]",
        block(
            f"if hashlib.sha256(b''.join(PICTURES)).hexdigest() != '{digest}':",
            ["sys.exit(f'the pictures in {INSTANCES} are not those that this script was made for')"],
        ),
    )
    return Part((where, listed("NAMES", names)), body=("\n".join(body),))
