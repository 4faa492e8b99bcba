"""The controls of the Compare page: what is compared with what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st

from embedviz.depth import short_names, through_depth
from embedviz.pooling import label
from embedviz.records import Instances
from embedviz.ui import flow, words
from embedviz.ui.compare.chosen import Chosen
from embedviz.ui.compare.comparing import Comparing
from embedviz.ui.compare.other_model import choose_other, names_of, unfit
from embedviz.ui.layer_tree import layer_tree
from embedviz.ui.opened import Opened
from embedviz.ui.settings import Settings
from embedviz.ui.state import State
from embedviz.vectors import POSTPROCESSING

#: Above so many instances a sample is compared: each is drawn once a layer, all in one map.
MOST_INSTANCES = 5_000
#: Layers of one model, and bytes of all vectors together, at most.
MOST_LAYERS, MOST_BYTES = 40, 800_000_000
#: What may be done to all vectors first.
VECTORS = ("centred", "none", "standardised")


@dataclass(frozen=True)
class Sides:
    """What is compared with what; of two models, their names."""

    rows: dict[str, Settings]
    columns: dict[str, Settings] = field(default_factory=dict)
    models: tuple[str, str] | None = None


@dataclass(frozen=True)
class Kind:
    """One thing to compare: a word, a sentence, its controls, and what they come to (None: something is missing)."""

    label: str
    sentence: str
    sides: Callable[[State, Settings], Sides | None]
    #: Whether one post-processing is for all, and not what is compared.
    shared: bool = True


def comparing(session: State) -> Comparing | None:
    """Draw the controls; what they ask for, or None while something is missing (which is said)."""
    chosen = session.compare
    kind = st.segmented_control(
        "Compare",
        list(KINDS),
        default=chosen.kind,
        required=True,
        format_func=lambda name: KINDS[name].label,
        key="compare_kind",
        persist_state="session",
        label_visibility="collapsed",
        help="What is set beside what: layers of one model, two models, or one layer treated in several ways.",
    )
    if kind != chosen.kind:
        chosen.kind, chosen.pair, chosen.shown = str(kind), None, ()
    base = base_of(session)
    if base is None:
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        sides = KINDS[chosen.kind].sides(session, base)
        _how(chosen, shared=KINDS[chosen.kind].shared)
    if sides is None:
        return None
    if not _fits(sides):
        return None
    shared = chosen.postprocessing if KINDS[chosen.kind].shared else ""
    return Comparing(sides.rows, sides.columns, shared, chosen.alignment, sides.models)


def _fits(sides: Sides) -> bool:
    """Whether all vectors can be held at once; says so where they cannot."""
    layers = [*sides.rows.values(), *sides.columns.values()]
    widths = [layer.width for each in layers if (layer := each.opened.layer(each.layer)) is not None]
    size = 4 * len(layers[0].instances) * sum(widths)
    if size > MOST_BYTES:
        st.warning(
            f"The vectors of these {len(layers)} layers would take {words.size(size)}: choose fewer of them, or fewer "
            "instances.",
            icon=":material/warning:",
        )
    return size <= MOST_BYTES


def base_of(session: State, *, quietly: bool = False) -> Settings | None:
    """The settings that all layers share; None where the checkpoint or the instances allow no comparison.

    Of very many instances it is a sample, which is said unless ``quietly``.
    """
    opened, instances = session.opened, session.instances
    if opened is None or instances is None or opened.unreadable or not opened.capturable:
        return None
    if instances.modality != opened.reads.modality:
        return None
    prompt = session.prompt if opened.reads.modality == "text" else None
    return Settings(opened, str(session.layer), str(session.pooling), "l2", _some(instances, quietly), prompt=prompt)


def _some(instances: Instances, quietly: bool) -> Instances:
    """The instances, or as many of them as can be compared, drawn at random."""
    if len(instances) <= MOST_INSTANCES:
        return instances
    rows = np.sort(np.random.default_rng(0).choice(len(instances), MOST_INSTANCES, replace=False)).tolist()
    if not quietly:
        st.caption(f"Compared on {MOST_INSTANCES:,} of the {len(instances):,} instances, drawn at random.")
    return instances.only(rows)


def side(base: Settings, paths: Sequence[str], model: str = "") -> dict[str, Settings]:
    """The settings of several layers under short names, each with a pooling that suits it."""
    before, names = f"{model}: " if model else "", short_names(paths)
    return {f"{before}{names[path]}": base.at(path) for path in paths}


def all_blocks(opened: Opened) -> tuple[str, ...]:
    """The paths of the layers that a model is gone through by."""
    return tuple(layer.path for layer in through_depth(opened.layers))[:MOST_LAYERS]


def _layers(session: State, base: Settings) -> Sides | None:
    chosen = session.compare
    chosen.layers = _choose_layers(base.opened, chosen.layers, "Layers", "compare_layers", chosen.keep_layers)
    if len(chosen.layers) < 2:
        st.info("Choose two layers or more.", icon=":material/info:")
        return None
    return Sides(side(base, chosen.layers))


def _choose_layers(
    opened: Opened, now: tuple[str, ...], label: str, key: str, keep: Callable[[tuple[str, ...]], None]
) -> tuple[str, ...]:
    """Layers chosen in a tree or by name, in the order of the model; all blocks where none is chosen.

    ``keep`` is given what is chosen by name, before the script runs.
    """
    there = {layer.path: layer for layer in opened.capturable if not layer.untrained}
    known = tuple(path for path in now if path in there) or all_blocks(opened)
    key = f"{key}_{opened.fingerprint[:12]}"
    with st.popover(f"{label} · {len(known)}", help="Which layers are compared."):
        if st.button("All blocks", key=f"{key}_all", help="The embedding and every block of the model."):
            known = all_blocks(opened)
        tree = layer_tree(opened.modules, known, key=f"{key}_tree", select="many", height=300)
        named = [path for path in tree if path in there]
        # A new key for each choice; and a list may tell, late, what it was drawn with.
        named_key = f"{key}_{hash(tuple(tree))}"

        def choose() -> None:
            # Before the page is drawn, or the list would be another one by the next change and pass over it.
            keep(tuple(st.session_state[named_key]))

        st.multiselect(
            "By name",
            list(there),
            default=named,
            key=named_key,
            format_func=lambda path: path or "(the whole model)",
            max_selections=MOST_LAYERS,
            on_change=choose,
            help="The same choice as in the tree, by typing.",
        )
    return tuple(sorted(named, key=lambda path: there[path].order or 0))


def _models(session: State, base: Settings) -> Sides | None:
    chosen = session.compare
    choose_other(session)
    if chosen.other is None:
        st.info(
            "Choose the model to compare with: another checkpoint, or this one with random weights.",
            icon=":material/info:",
        )
        return None
    other = flow.ensure_open(session, chosen.other)
    if other is None:
        return None
    why_not = unfit(base, other)
    if why_not:
        st.warning(words.escape(why_not), icon=":material/warning:")
        return None
    chosen.layers = _choose_layers(base.opened, chosen.layers, "Its layers", "compare_layers", chosen.keep_layers)
    chosen.other_layers = _choose_layers(
        other, chosen.other_layers, "The other's layers", "compare_other_layers", chosen.keep_other_layers
    )
    if not chosen.layers or not chosen.other_layers:
        st.info("Choose a layer or more of each model.", icon=":material/info:")
        return None
    models = names_of(base.opened.source, other.source)
    second = replace(base, opened=other, prompt=None)
    rows, columns = side(base, chosen.layers, models[0]), side(second, chosen.other_layers, models[1])
    return Sides(rows, columns, models)


def _postprocessing(session: State, base: Settings) -> Sides | None:
    """One layer, its vectors as they are, centred, standardised."""
    st.caption(f"The layer chosen in the sidebar: {words.escape(base.layer or 'the whole model')}")
    names = [name for name in POSTPROCESSING if name != "l2"]
    here = base.at(base.layer)
    return Sides({POSTPROCESSING[name].label: replace(here, postprocessing=name) for name in names})


def _poolings(session: State, base: Settings) -> Sides | None:
    """One layer, pooled in every way that suits it."""
    layer = base.opened.layer(base.layer)
    poolings = [name for name in base.opened.poolings(layer) if name != "flatten"] if layer is not None else []
    if layer is None or len(poolings) < 2:
        st.info(
            "This layer needs no pooling, or allows only one: choose another in the sidebar.", icon=":material/info:"
        )
        return None
    st.caption(f"The layer chosen in the sidebar: {words.escape(base.layer or 'the whole model')}")
    return Sides({label(name, layer.over): replace(base, pooling=name) for name in poolings})


def _how(chosen: Chosen, *, shared: bool) -> None:
    from embedviz.projection.aligned import ALIGNMENTS

    with st.popover("How", help="Which vectors are compared, and how the maps are laid side by side."):
        if shared:
            chosen.postprocessing = str(
                st.segmented_control(
                    "Vectors",
                    VECTORS,
                    default=chosen.postprocessing,
                    required=True,
                    key="compare_vectors",
                    format_func=lambda name: {"none": "Raw"}.get(name, POSTPROCESSING[name].label),
                    persist_state="session",
                    help="What is done to all vectors first. Centred ones compare between layers, raw ones often not.",
                )
            )
            st.caption(
                "Centred by default: raw cosines of different layers cannot be compared, since in some layers all "
                "vectors point the same way."
            )
        chosen.alignment = str(
            st.segmented_control(
                "Maps",
                list(ALIGNMENTS),
                default=chosen.alignment,
                required=True,
                key="compare_alignment",
                format_func=lambda name: ALIGNMENTS[name].label,
                persist_state="session",
                help="Linked maps can be followed from layer to layer; independent ones are each more faithful.",
            )
        )
        st.caption(ALIGNMENTS[chosen.alignment].why)


KINDS: dict[str, Kind] = {
    "layers": Kind("Layers", "How the same instances stand to each other from layer to layer.", _layers),
    "models": Kind("Two models", "The same instances in two models: what training, size or tokenizer change.", _models),
    "postprocessing": Kind(
        "Raw and centred",
        "One layer, its vectors as captured, centred and standardised.",
        _postprocessing,
        shared=False,
    ),
    "poolings": Kind("Poolings", "One layer, pooled in every way that suits it.", _poolings),
}
