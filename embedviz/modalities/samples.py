"""The sample sets that come with embedviz."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from embedviz.errors import InstancesError
from embedviz.records import Instances
from embedviz.resources import asset


@dataclass(frozen=True)
class Sample:
    """A sample set: what it is called, what it shows, and where its texts and labels are."""

    title: str
    description: str
    file: str
    text: str
    label: str
    licence: str


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
}


def load_sample(key: str) -> Instances:
    """The instances of a sample set."""
    from embedviz.modalities.table import instances_from_table, read_table

    if key not in SAMPLES:
        close = difflib.get_close_matches(key, SAMPLES, n=1)
        hint = f"Did you mean “{close[0]}”? " if close else ""
        raise InstancesError("There is no such sample", value=key, remedy=f"{hint}There are: {', '.join(SAMPLES)}.")
    sample = SAMPLES[key]
    frame = read_table(asset(f"samples/{sample.file}").read_bytes(), sample.file).frame
    return instances_from_table(frame, text=sample.text, label=sample.label, name=sample.title)
