"""The sidebar's third section: the test instances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from embedviz.modalities.samples import SAMPLES, load_sample, samples_for
from embedviz.records import Instances, Reads
from embedviz.ui import image_ways, tensor_ways, text_ways
from embedviz.ui.opened import Opened
from embedviz.ui.reads_choice import reads_choice
from embedviz.ui.state import State
from embedviz.ui.words import count, escape, shorten

Ways = dict[str, tuple[str, Callable[[State, Reads], None]]]
#: The label of what a person typed, and the prefix of its ids.
MINE = "yours"


@dataclass(frozen=True)
class Modality:
    """How instances of one kind are brought: the ways to choose from, and how one's own are added."""

    ways: Ways
    add: Callable[[State, Reads], None]
    none_yet: str


def instances_of(state: State, opened: Opened | None) -> Instances | None:
    """The set and what was added beside it as one; None where there is nothing yet, or nothing that fits the model."""
    reads = opened.reads if opened is not None else Reads()
    if state.base is None and not state.own and not state.only_own:
        fitting = samples_for(reads) if reads.modality == state.modality else []
        state.base = load_sample(fitting[0], reads) if fitting else None
    base = None if state.only_own else state.base
    if base is None and not state.own:
        return None
    return together(base, state.own, state.modality)


def together(base: Instances | None, own: tuple[Any, ...], modality: str) -> Instances:
    """A set and what was added beside it as one; there is one of them at least."""
    ids = tuple(f"mine-{number + 1}" for number in range(len(own)))
    if base is None:
        return Instances(own, ids, name="your own", modality=modality)
    if not own:
        return base
    mine = {name: ((MINE if name == base.label else None),) * len(own) for name in base.columns}
    return replace(
        base,
        items=base.items + own,
        ids=base.ids + ids,
        columns={name: values + mine[name] for name, values in base.columns.items()},
    )


def instance_choice(state: State, opened: Opened | None) -> None:
    """Choose or type the instances; the choice goes to ``state.base`` and ``state.own``."""
    reads = opened.reads if opened is not None else Reads()
    modality = MODALITIES[state.modality]
    state.instances = instances = instances_of(state, opened)
    st.markdown("## 3 Instances")
    if opened is not None:
        reads_choice(state, opened)
    _summary(instances, modality)
    way = st.segmented_control(
        "Where the instances are from",
        list(modality.ways),
        format_func=lambda way: modality.ways[way][0],
        key="instances_way" if state.modality == "text" else f"instances_way_{state.modality}",
        label_visibility="collapsed",
        persist_state="session",
        help="A sample that comes with embedviz, or instances of your own.",
    )
    if way:
        modality.ways[way][1](state, reads)
    modality.add(state, reads)
    _own(state)


def _summary(instances: Instances | None, modality: Modality) -> None:
    if instances is None:
        st.caption(modality.none_yet)
        return
    parts = [count(len(instances), "instance")]
    if instances.labels:
        parts.append(count(len({label for label in instances.labels if label is not None}), "label"))
    doubles = sum(instances.duplicates)
    if doubles:
        parts.append(count(doubles, "duplicate"))
    if instances.dropped:
        parts.append(f"{instances.dropped:,} left out")
    st.markdown(f"**{escape(instances.name or 'your table')}**")
    st.caption(" · ".join(parts))


def _samples(state: State, reads: Reads) -> None:
    fitting = samples_for(reads)
    if not fitting:
        st.caption("None of the samples is of the shape that this model reads.")
        return
    key = st.selectbox(
        "Sample",
        fitting,
        key="sample" if state.modality == "text" else f"sample_{state.modality}",
        format_func=lambda key: SAMPLES[key].title,
        persist_state="session",
        help="Sets to begin with; the sentence below says what each of them shows.",
    )
    st.caption(escape(SAMPLES[key].description))
    if st.button("Use this sample", key="use_sample", width="stretch"):
        state.use(load_sample(key, reads))


def _own(state: State) -> None:
    """What the person added beside the set, and buttons to keep to it or to remove it."""
    if not state.own:
        return
    st.caption("  \n".join(f":material/person: {escape(shorten(str(item), 44))}" for item in state.own[-6:]))
    left, right = st.columns(2, vertical_alignment="center")
    only = left.toggle(
        "Only mine", value=state.only_own, key=state.key("only_mine"), help="Leave the other instances out."
    )
    if only != state.only_own:
        state.only_own = only
        st.rerun()
    if right.button("Remove mine", key="remove_mine", width="stretch"):
        state.own, state.only_own = (), False
        state.select(())
        st.rerun()


def _text(way: Callable[[State], None]) -> Callable[[State, Reads], None]:
    """Of texts all models read the same."""
    return lambda state, _reads: way(state)


_SAMPLES = ("Samples", _samples)
MODALITIES: dict[str, Modality] = {
    "text": Modality(
        {
            "samples": _SAMPLES,
            "paste": ("Paste", _text(text_ways.paste)),
            "file": ("File", _text(text_ways.file)),
            "edit": ("Edit", _text(text_ways.edit)),
        },
        _text(text_ways.typed),
        "None yet: type a sentence, paste some lines, or take a sample.",
    ),
    "tensors": Modality(
        {"samples": _SAMPLES, "paste": ("Paste", tensor_ways.paste), "file": ("File", tensor_ways.file)},
        tensor_ways.typed,
        "None yet: type numbers, bring a file, or take a sample where one fits.",
    ),
    "images": Modality(
        {"samples": _SAMPLES, "file": ("Files", image_ways.file)},
        image_ways.more,
        "None yet: bring pictures, or take the sample.",
    ),
}
