"""The sample sets that come with embedviz: texts of its own; pictures and numbers that scikit-learn carries."""

from __future__ import annotations

import difflib
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embedviz.errors import InstancesError
from embedviz.modalities.fitting import Sizes, fitted, words
from embedviz.modalities.measurements import Measurements, digits, iris, wine
from embedviz.modalities.values import to_items
from embedviz.records import ImageItem, Instances, Reads
from embedviz.resources import asset

_BSD = "BSD-3-Clause (scikit-learn)"


@dataclass(frozen=True)
class Sample:
    """A sample set: what it is called, what it shows, and where its instances and labels are.

    Texts are in the column ``text`` of ``file``. Numbers come from ``read``; an instance has one of ``shapes``, and
    ``whole`` says that its numbers are whole ones.
    """

    title: str
    description: str
    label: str
    licence: str
    modality: str = "text"
    file: str = ""
    text: str = ""
    read: Callable[[], Measurements] | None = None
    shapes: tuple[Sizes, ...] = ()
    whole: bool = False


SAMPLES: dict[str, Sample] = {
    "wordnet-glosses": Sample(
        title="Dictionary definitions",
        description="240 definitions from the WordNet dictionary, 30 of each of eight kinds. No definition names its "
        "kind: does the model still put the kinds together?",
        file="wordnet-glosses.csv",
        text="text",
        label="label",
        licence="WordNet 3.0 licence",
    ),
    "paraphrases": Sample(
        title="The same in other words",
        description="43 everyday sentences in pairs and triples that mean nearly the same in different words: is each "
        "sentence nearest to its own meaning?",
        file="paraphrases.csv",
        text="text",
        label="label",
        licence="Apache-2.0",
    ),
    "negation-and-ambiguity": Sample(
        title="Not, and words with two meanings",
        description="48 short sentences that put a model to the test: eight pairs with and without a “not”, and eight "
        "words such as bank and bat, each in two meanings.",
        file="negation-and-ambiguity.csv",
        text="text",
        label="label",
        licence="Apache-2.0",
    ),
    "digit-pictures": Sample(
        title="Handwritten digits",
        description="300 handwritten digits as grey pictures of 8 × 8 pixels, 30 of each: which does the model take "
        "for one another?",
        label="label",
        licence=_BSD,
        modality="images",
        read=digits,
    ),
    "digits": Sample(
        title="Handwritten digits, as numbers",
        description="300 handwritten digits as 64 numbers from 0 to 16 each, or as 8 × 8, 30 of each digit.",
        label="label",
        licence=_BSD,
        modality="tensors",
        read=digits,
        shapes=((64,), (8, 8)),
        whole=True,
    ),
    "iris": Sample(
        title="Iris flowers",
        description="150 iris flowers of three kinds, four lengths in centimetres each. One kind is far from the "
        "others; those two touch.",
        label="label",
        licence=_BSD,
        modality="tensors",
        read=iris,
        shapes=((4,),),
    ),
    "wine": Sample(
        title="Wines",
        description="178 wines of three growers, 13 measurements each, of very different sizes.",
        label="label",
        licence=_BSD,
        modality="tensors",
        read=wine,
        shapes=((13,),),
    ),
}


def samples_for(reads: Reads) -> list[str]:
    """The keys of the samples that a model can be given."""
    return [key for key, sample in SAMPLES.items() if _fits(sample, reads)]


def _fits(sample: Sample, reads: Reads) -> bool:
    if sample.modality != reads.modality or sample.modality != "tensors":
        return sample.modality == reads.modality
    return (sample.whole or reads.dtype.startswith("float")) and _sizes(sample, reads) is not None


def _sizes(sample: Sample, reads: Reads) -> Sizes | None:
    """The sizes of an instance as a model reads it; None where it cannot."""
    if reads.shape == (None,):  # sound, or ids of a vocabulary: rows of measurements would mean nothing to it
        return None
    made = (fitted(sizes, reads.shape) for sizes in sample.shapes)
    return next((sizes for sizes in made if sizes is not None), None)


def load_sample(key: str, reads: Reads | None = None) -> Instances:
    """The instances of a sample set; numbers in the shape that ``reads`` asks for, else one row each.

    InstancesError where there is no such sample, or where a model of ``reads`` cannot be given it.
    """
    if key not in SAMPLES:
        close = difflib.get_close_matches(key, SAMPLES, n=1)
        hint = f"Did you mean “{close[0]}”? " if close else ""
        raise InstancesError("There is no such sample", value=key, remedy=f"{hint}There are: {', '.join(SAMPLES)}.")
    sample = SAMPLES[key]
    if reads is not None and not _fits(sample, reads):
        fitting = ", ".join(samples_for(reads))
        raise InstancesError(
            f"This sample is nothing for a model that reads {reads.text}",
            value=f"{key}: {' or '.join(map(words, sample.shapes)) or sample.modality}",
            remedy=f"Choose one of: {fitting}." if fitting else "Bring instances of your own.",
        )
    if sample.read is None:
        return _texts(sample)
    measured = sample.read()
    return _pictures(sample, measured) if sample.modality == "images" else _tensors(sample, measured, reads)


def _texts(sample: Sample) -> Instances:
    from embedviz.modalities.table import instances_from_table, read_table

    frame = read_table(asset(f"samples/{sample.file}").read_bytes(), sample.file).frame
    return instances_from_table(frame, text=sample.text, label=sample.label, name=sample.title)


def _tensors(sample: Sample, measured: Measurements, reads: Reads | None) -> Instances:
    sizes = None if reads is None else _sizes(sample, reads)
    rows = [row if sizes is None else row.reshape(sizes) for row in measured.values]
    columns = {name: tuple(measured.values[:, place].tolist()) for place, name in enumerate(measured.names)}
    return Instances(
        items=to_items(rows, "float32" if reads is None else reads.dtype),
        ids=_numbered(len(rows)),
        columns={sample.label: measured.labels, **columns},
        label=sample.label,
        name=sample.title,
        modality="tensors",
    )


def _pictures(sample: Sample, measured: Measurements) -> Instances:
    ids = _numbered(len(measured.values))
    names = [f"digit {label}, {number}.png" for label, number in zip(measured.labels, ids, strict=True)]
    # 16 is black ink in the numbers; on the pictures it is white, as models of digits are trained.
    grey = (measured.values.reshape(-1, 8, 8) * 255 / 16).round().astype(np.uint8)
    return Instances(
        items=tuple(ImageItem(_png(picture), name) for picture, name in zip(grey, names, strict=True)),
        ids=ids,
        columns={sample.label: measured.labels},
        label=sample.label,
        name=sample.title,
        modality="images",
    )


def _png(grey: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> bytes:
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(grey).save(written, "PNG")
    return written.getvalue()


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, count + 1))
